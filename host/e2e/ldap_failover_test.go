package e2e

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
)

// deadline is connect_timeout and operation_timeout of these tests: how long a broken
// server can delay the first logins that try it. It is longer than any answer takes on
// a busy machine.
const deadline = 2 * time.Second

// startFailover runs a directory behind a relay that can break, with the same directory,
// without the relay, as the second server.
func startFailover(t *testing.T, more map[string]string) (*slapd, *relay, map[string]string) {
	t.Helper()
	s := startSlapd(t, slapdConfig{Bulk: 100})
	first := startRelay(t, s.Address())
	options := s.options(merged(map[string]string{
		"client_url": "ldap://" + first.Address + "," + s.URL(), "user_dn": bulkDN,
		"connect_timeout": deadline.String(), "operation_timeout": deadline.String(),
	}, more))
	return s, first, options
}

// slow is how long a login may take when one server is broken: one deadline and
// the usual time of a login, but not two deadlines.
const slow = 2*deadline - 100*time.Millisecond

// wantNoneWaits has people sign in, several at once. None of them may be refused or
// wait longer than one deadline.
func wantNoneWaits(t *testing.T, what string, p program, password string) {
	t.Helper()
	var group sync.WaitGroup
	for n := range 12 {
		group.Go(func() {
			begin := time.Now()
			got := p.login("user"+strconv.Itoa(n+1), password)
			took := time.Since(begin)
			if got.status != http.StatusOK {
				t.Errorf("%s: %d %s", what, got.status, got.body)
			}
			if took > slow {
				t.Errorf("J18 %s: waited %s, want at most one deadline of %s", what, took.Round(time.Millisecond), deadline)
			}
		})
	}
	group.Wait()
}

func TestJ18_LDAPFailover(t *testing.T) {
	for _, tc := range []struct {
		name   string
		breaks func(*relay)
	}{
		{"stopped", func(r *relay) { r.listener.Close(); r.set(relayRefuses) }},
		{"refusing", func(r *relay) { r.set(relayRefuses) }},
		{"silent", func(r *relay) { r.set(relaySilent) }},
		{"refusing in the middle of a login", func(r *relay) { r.breakAfter(5_000, relayRefuses) }},
		{"silent in the middle of a login", func(r *relay) { r.breakAfter(5_000, relaySilent) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, first, options := startFailover(t, nil)
			host := startLDAPHost(t, s.Password, map[string]map[string]string{"corp": options})
			p := program{t, host, "corp"}
			p.signedIn("user1", s.Password)
			if first.connections() == 0 {
				t.Fatal("the first server is not asked first")
			}
			tc.breaks(first)
			wantNoneWaits(t, "the moment it breaks", p, s.Password)
			begin := time.Now()
			wantNoneWaits(t, "afterwards", p, s.Password)
			if took := time.Since(begin); took > deadline {
				t.Errorf("J18 the broken server is asked again before the good one: %s", took)
			}
		})
	}
}

// A firewall that silently drops connections delays the next login for a moment, and
// causes no refusal.
func TestLDAPDroppedConnections(t *testing.T) {
	s := startSlapd(t, slapdConfig{Bulk: 10})
	way := startRelay(t, s.Address())
	host := startLDAPHost(t, s.Password, map[string]map[string]string{
		"corp": s.options(map[string]string{"client_url": "ldap://" + way.Address, "user_dn": bulkDN}),
	})
	p := program{t, host, "corp"}
	session := p.login("user1", s.Password)
	way.forget()
	p.signedIn("user2", s.Password)
	way.forget()
	p.wantGoesOn("user1, over a connection that was dropped", session)
}

// A server that is back is used again. If both are broken, the error says so, within
// the time of both.
func TestLDAPFailoverBack(t *testing.T) {
	s, first, options := startFailover(t, nil)
	w := openLDAP(t, options)
	first.set(relayRefuses)
	w.identity("user1", s.Password)
	first.set(relayPasses)
	s2 := first.connections()
	eventually(t, "the first server being asked again", func() bool {
		w.identity("user2", s.Password)
		return first.connections() > s2+1
	})

	first.set(relayRefuses)
	s.stop(t)
	_, err := w.login("user3", s.Password)
	wantKind(t, "both servers being down", err, sdk.ErrUnavailable)
	s.restart(t)
	eventually(t, "signing in after both were down", func() bool {
		step, err := w.login("user3", s.Password)
		_, ok := step.(sdk.Authenticated)
		return err == nil && ok
	})
}

// The first server's refusal of a password is final: asking the second server too would
// count twice towards a lock.
func TestJ18_LDAPWrongPasswordAskedOnce(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	first, second := startRelay(t, s.Address()), startRelay(t, s.Address())
	w := openLDAP(t, s.options(map[string]string{"client_url": "ldap://" + first.Address + ",ldap://" + second.Address}))
	for range 2 {
		w.refused("lockable", "not the password")
	}
	if got := s.admin(t).values(personDN("lockable"), "pwdFailureTime"); len(got) != 2 {
		t.Errorf("two wrong passwords count as %d", len(got))
	}
	w.identity("lockable", s.Password)
}

// A first server that has never answered also costs one deadline.
func TestJ09_LDAPSilentFromTheStart(t *testing.T) {
	s, first, options := startFailover(t, nil)
	first.set(relaySilent)
	w := openLDAP(t, options)
	begin := time.Now()
	w.identity("user1", s.Password)
	if took := time.Since(begin); took > slow {
		t.Errorf("J09 waited %s", took)
	}
}
