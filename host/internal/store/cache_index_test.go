package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// Forgotten entries leave nothing behind, while users and sessions come and go.
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

// Fewer sessions are kept if users have many groups, and forgotten ones are not counted.
func TestCacheBoundsGroups(t *testing.T) {
	c := Cached(nil, time.Now).(*cached)
	many := sso.NewGroups([]string{strings.Repeat("g", sdk.MaxGroupBytes)})
	keep := func(i int, hash sso.TokenHash) {
		token := sso.SessionToken{Session: sso.Session{ID: fmt.Sprint("s", i), Groups: many}, User: sso.User{ID: "u"}}
		c.keep(hash, cachedToken{token: token}, c.writes)
	}
	held := func() (bytes int) {
		for _, entry := range c.entries {
			bytes += len(entry.token.Session.Groups)
		}
		return bytes
	}
	most := 0
	for i := range 3 * maxCachedGroups / len(many) {
		keep(i, sso.NewToken().Hash())
		most = max(most, held())
		if held() != c.groups || held() > maxCachedGroups+len(many) {
			t.Fatalf("%d bytes of groups are held, %d are counted", held(), c.groups)
		}
	}
	if most < maxCachedGroups/2 {
		t.Errorf("never more than %d bytes of groups are held", most)
	}
	again := sso.NewToken().Hash()
	for range 3 {
		keep(-1, again)
	}
	if held() != c.groups {
		t.Errorf("after one is kept again, %d bytes are held, %d are counted", held(), c.groups)
	}
	c.forgetUser("u")
	if c.groups != 0 {
		t.Errorf("%d bytes of groups are counted of nothing", c.groups)
	}
}
