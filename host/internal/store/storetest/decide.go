package storetest

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

// What a login makes of its user depends on what is stored. Logins at the same time, on
// whatever hosts, lose nothing of it.
func testDecisions(t *testing.T, open func(t *testing.T) store.Store) {
	const logins = 20
	s := withUser(t, open)
	bob := someUser("bob", "corp", "s-2")
	bob.Role = "0"
	mustCreateUser(t, s, bob)
	got := atOnce(logins, func(i int) error {
		login, _ := firstLogin("bob", fmt.Sprint("s", i), sso.NewToken().Hash())
		login.Decide = func(known *sso.User) (sso.User, error) {
			n, err := strconv.Atoi(known.Role)
			known.Role = strconv.Itoa(n + 1)
			return *known, err
		}
		return s.CreateSession(t.Context(), login)
	})
	wantEqual(t, "outcomes", got, map[string]int{"ok": logins})
	found, err := userByLink(t, s, "corp", "s-2")
	wantError(t, "the user", err, nil)
	wantEqual(t, "the logins that count", found.Role, strconv.Itoa(logins))
}
