package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// signInAtOnce has this number of people sign in at the same time; all of them must be
// answered. It returns the number of different users.
func signInAtOnce(t *testing.T, p program, password string, name func(n int) string) int {
	t.Helper()
	var group sync.WaitGroup
	var mu sync.Mutex
	ids := map[string]int{}
	start := make(chan struct{})
	for n := range crowdSize {
		group.Go(func() {
			<-start
			got := p.login(name(n), password)
			if got.status != http.StatusOK {
				t.Errorf("%s, one of %d at once: %d %s", name(n), crowdSize, got.status, got.body)
				return
			}
			id := p.me(got).Data.ID
			mu.Lock()
			defer mu.Unlock()
			ids[id]++
		})
	}
	close(start)
	group.Wait()
	return len(ids)
}

// firstLogins has 40 people sign in for the first time, and one person 40 times, all at once.
func firstLogins(t *testing.T, options map[string]string, password, one string, name func(n int) string) {
	t.Helper()
	host := startLDAPHost(t, password, map[string]map[string]string{"many": options, "one": options})
	if users := signInAtOnce(t, program{t, host, "many"}, password, name); users != crowdSize {
		t.Errorf("%d people at once became %d users", crowdSize, users)
	}
	wantUsers(t, host, crowdSize)
	if users := signInAtOnce(t, program{t, host, "one"}, password, func(int) string { return one }); users != 1 {
		t.Errorf("one person %d times at once became %d users", crowdSize, users)
	}
	wantUsers(t, host, crowdSize+1)
}

func TestLDAPOpenLDAPFirstLoginsAtOnce(t *testing.T) {
	s := startSlapd(t, slapdConfig{Bulk: crowdSize})
	groups := map[string]string{"user_dn": slapdBase, "user_scope": "sub", "group_dn": groupsDN, "nested_groups": "walk"}
	firstLogins(t, s.options(groups), s.Password, "alice", func(n int) string { return fmt.Sprintf("user%d", n+1) })
}

func TestLDAPActiveDirectoryFirstLoginsAtOnce(t *testing.T) {
	s := startSamba(t)
	firstLogins(t, s.options(nil), s.Password, "alice", crowdName)
}
