package e2e

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// Many people sign in at the same moment, all from one address, while another provider of
// each mechanism hangs with its own callers. Nobody is refused.
func TestCrowdBesideProvidersThatHang(t *testing.T) {
	const crowd = 400
	s := startLoadSite(t, false)
	mechanisms := []string{"openid", "ldap", "saml"}
	for _, mechanism := range mechanisms {
		method, body := http.MethodGet, ""
		if mechanism == "ldap" {
			method, body = http.MethodPost, `{"identifier":"alice","password":"`+loadPassword+`"}`
		}
		f := s.flood(t, 100, "192.0.2.66", method, "/auth/login/"+mechanism+"_hangs", body)
		defer f.end()
	}
	hanging := func(mechanism string) float64 {
		return s.metric(t, "doorward_plugin_calls_waiting", `provider="`+mechanism+`_hangs"`)
	}
	// At the same time: a mechanism can remember for a while that its provider hangs,
	// and refuse at once.
	waited := map[string]bool{}
	eventually(t, "callers to wait for what hangs", func() bool {
		for _, mechanism := range mechanisms {
			waited[mechanism] = waited[mechanism] || hanging(mechanism) >= 20
		}
		return !slices.Contains(slices.Collect(maps.Values(waited)), false)
	})
	for _, mechanism := range mechanisms {
		t.Run(mechanism, func(t *testing.T) {
			begun := time.Now()
			var group sync.WaitGroup
			shared := connections(t, crowd)
			start := make(chan struct{})
			for range crowd {
				group.Go(func() {
					<-start
					if got, ok := s.visit(t, mechanism, "192.0.2.1", shared); !ok {
						t.Errorf("one of %d: %d %.300s", crowd, got.status, got.body)
					}
				})
			}
			close(start)
			group.Wait()
			if n := s.metric(t, "doorward_plugin_calls_refused_total", `provider="`+mechanism+`"`); n != 0 {
				t.Errorf("%v calls were refused", n)
			}
			t.Logf("%d logins in %s", crowd, time.Since(begun).Round(10*time.Millisecond))
		})
	}
}

// Floods from two clients do not block a third, whatever they send: starts of logins or
// wrong passwords, over any number of connections.
func TestFloodsLeaveOthersTheirTurn(t *testing.T) {
	s := startLoadSite(t, false)
	starts := s.flood(t, 100, "192.0.2.66", http.MethodGet, "/auth/login/openid", "")
	guesses := s.flood(t, 200, "192.0.2.67", http.MethodPost, "/auth/login/ldap", `{"identifier":"alice","password":"guessed"}`)
	messages := s.flood(t, 50, "2001:db8::66", http.MethodGet, "/auth/login/openid/logout?logout_token=x", "")
	for _, f := range []*flood{starts, guesses, messages} {
		eventually(t, "the flood to rise", func() bool { return f.asked.Load() > 100 })
	}
	own := connections(t, 4)
	for range 10 {
		for _, mechanism := range []string{"openid", "ldap"} {
			begun := time.Now()
			if got, ok := s.visit(t, mechanism, "192.0.2.1", own); !ok {
				t.Errorf("signing in through %s during a flood: %d %.300s", mechanism, got.status, got.body)
			}
			if took := time.Since(begun); took > loadBound {
				t.Errorf("signing in through %s during a flood took %s", mechanism, took)
			}
		}
	}
	for _, f := range []*flood{starts, guesses, messages} {
		f.end()
	}
	t.Logf("%d starts, %d guesses and %d messages in the meantime", starts.asked.Load(), guesses.asked.Load(), messages.asked.Load())
}
