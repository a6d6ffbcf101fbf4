package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// Nothing is left of what was forgotten: users and sessions come and go.
func TestCacheHoldsNothingOfWhatItForgot(t *testing.T) {
	c := Cached(nil, time.Now).(*cached)
	for i := range 100 {
		token := sso.SessionToken{Session: sso.Session{ID: fmt.Sprint("s", i/2)}, User: sso.User{ID: fmt.Sprint("u", i/4)}}
		c.keep(sso.NewToken().Hash(), cachedToken{token: token}, c.writes)
	}
	for i := range 25 {
		c.forgetSession(fmt.Sprint("s", 2*i)) // one of the two sessions of a user
	}
	if len(c.entries) != 50 || len(c.ofSession) != 25 || len(c.ofUser) != 25 {
		t.Errorf("%d answers of %d sessions of %d users", len(c.entries), len(c.ofSession), len(c.ofUser))
	}
	for i := range 25 {
		c.forgetUser(fmt.Sprint("u", i))
	}
	if len(c.entries)+len(c.ofSession)+len(c.ofUser) != 0 {
		t.Errorf("left: %d answers of %d sessions of %d users", len(c.entries), len(c.ofSession), len(c.ofUser))
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := Cached(nil, time.Now).(*cached)
	for i := range 3 * maxCached {
		token := sso.SessionToken{Session: sso.Session{ID: fmt.Sprint("s", i)}, User: sso.User{ID: fmt.Sprint("u", i)}}
		c.keep(sso.NewToken().Hash(), cachedToken{token: token}, c.writes)
		if len(c.entries) > maxCached || len(c.ofSession) > maxCached || len(c.ofUser) > maxCached {
			t.Fatalf("%d answers of %d sessions of %d users", len(c.entries), len(c.ofSession), len(c.ofUser))
		}
	}
}
