package sso_test

import (
	"context"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// What an operator changes while a provider is asked about a session stays: what the
// provider says of the user is all that a refresh stores.
func TestUserThatIsChangedDuringARefresh(t *testing.T) {
	p := provider("p")
	p.SyncUserInfo = true
	for name, c := range map[string]struct {
		change func(u *sso.User)
		want   error
		role   string
	}{
		"less rights": {func(u *sso.User) { u.Role = "viewer" }, nil, "viewer"},
		"suspended":   {func(u *sso.User) { u.Status = sso.UserSuspended }, sso.ErrSessionInvalid, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h, done := refreshing(t, p)
			change := func(change func(*sso.User)) error {
				_, _, err := h.store.ChangeUser(t.Context(), done.User.ID, func(u *sso.User) ([]sso.Event, error) { change(u); return nil, nil })
				return err
			}
			if err := change(func(u *sso.User) { u.Role = "admin" }); err != nil {
				t.Fatal(err)
			}
			told := withGrant("grant two")
			told.GivenName, told.Username = "Alicia", "alicia"
			h.idp.onRefresh(func(context.Context, []byte) (sdk.Refreshed, error) {
				err := change(c.change)
				return sdk.Refreshed{Identity: told}, err
			})
			again, err := h.Refresh(t.Context(), done.Token, sso.ModeSession)
			wantErr(t, "refresh", err, c.want)
			user, _, err := h.store.UserByID(t.Context(), done.User.ID)
			wantErr(t, "looking up the user", err, nil)
			if c.want != nil {
				if user.Status != sso.UserSuspended || user.Role != "admin" {
					t.Errorf("stored %+v", user)
				}
				return
			}
			for what, u := range map[string]sso.User{"stored": user, "answered": again.User} {
				if u.Role != c.role || u.FirstName != "Alicia" || u.Username != "alicia" {
					t.Errorf("%s: %+v", what, u)
				}
			}
		})
	}
}
