package e2e

import (
	"cmp"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// L03: one client guesses passwords of a directory as fast as it can, for one name and for all
// names, while an office of 500 people signs in from one address and some of them mistype their
// passwords. The client gets only as many tries as the limits allow, and everybody else signs in.
func TestGuessesAreLimited(t *testing.T) {
	s := startLoadSite(t, true)
	guesser := http.Client{Transport: from{"192.0.2.66", connections(t, 64)}}
	var sprayed, guessed guesses
	var floods sync.WaitGroup
	begun := time.Now()
	stop := make(chan struct{})
	for worker := range 32 {
		floods.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				guessed.add(s.ask(t.Context(), &guesser, http.MethodPost, "/auth/login/ldap", `{"identifier":"alice","password":"guessed"}`))
				name := fmt.Sprint("person", (worker+32*n)%loadPeople)
				sprayed.add(s.ask(t.Context(), &guesser, http.MethodPost, "/auth/login/ldap", `{"identifier":"`+name+`","password":"Winter2026"}`))
			}
		})
	}
	own := connections(t, 16)
	office := http.Client{Transport: from{"192.0.2.1", own}}
	var people sync.WaitGroup
	turn := make(chan struct{}, 50)
	for n := range loadPeople {
		people.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			name := fmt.Sprint("person", n)
			for range n % 3 / 2 { // every third person mistypes once
				if status := s.ask(t.Context(), &office, http.MethodPost, "/auth/login/ldap", `{"identifier":"`+name+`","password":"mistyped"}`); status != http.StatusUnauthorized {
					t.Errorf("%s, who mistypes: %d", name, status)
				}
			}
			if status := s.ask(t.Context(), &office, http.MethodPost, "/auth/login/ldap", `{"identifier":"`+name+`","password":"`+loadPassword+`"}`); status != http.StatusOK {
				t.Errorf("%s: %d", name, status)
			}
		})
	}
	people.Wait()
	for _, mechanism := range []string{"openid", "saml", "ldap"} { // ldap: the name whose password is guessed
		if got, ok := s.visit(t, mechanism, "192.0.2.1", own); !ok {
			t.Errorf("alice through %s: %d %.300s", mechanism, got.status, got.body)
		}
	}
	close(stop)
	floods.Wait()
	took := time.Since(begun)
	t.Logf("in %v, of one name: %d judged, %d refused; of all names: %d judged, %d refused", took.Round(time.Millisecond),
		guessed.judged.Load(), guessed.refused.Load(), sprayed.judged.Load(), sprayed.refused.Load())
	// The limits allow one more try a minute for a name, and ten for an address.
	if n, most := guessed.judged.Load(), 11+int64(took/time.Minute); n > most {
		t.Errorf("%d guesses at one name were judged, want at most %d", n, most)
	}
	if n, most := guessed.judged.Load()+sprayed.judged.Load(), 101+int64(took/(6*time.Second)); n > most || n < 90 {
		t.Errorf("%d guesses from one address were judged, want at most %d, and hardly less", n, most)
	}
	if guessed.other.Load()+sprayed.other.Load() > 0 {
		t.Errorf("%d other answers", guessed.other.Load()+sprayed.other.Load())
	}
	if n := s.metric(t, "doorward_limits_refused_total", `limit="login_name_and_address"`) + s.metric(t, "doorward_limits_refused_total", `limit="address"`); int64(n) != guessed.refused.Load()+sprayed.refused.Load() {
		t.Errorf("the metric counts %v refusals", n)
	}
}

// guesses counts the responses to a flood of passwords. A try that waited too long for others is
// neither checked nor refused.
type guesses struct{ judged, refused, waited, other atomic.Int64 }

func (g *guesses) add(status int) {
	cmp.Or(map[int]*atomic.Int64{http.StatusUnauthorized: &g.judged, http.StatusTooManyRequests: &g.refused, http.StatusServiceUnavailable: &g.waited}[status], &g.other).Add(1)
}
