package sso_test

import (
	"context"
	"sync"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// A host that was frozen after it took the lease asks with a grant that is no longer
// valid: another host has got the next one in the meantime. The refusal is about the old
// grant, and ends nothing.
func TestNoThatComesAfterTheLease(t *testing.T) {
	for name, answer := range map[string]func() (sdk.Refreshed, error){
		"no": func() (sdk.Refreshed, error) {
			return sdk.Refreshed{}, sdk.Denied(sdk.ReasonNotAllowed, "it was used before")
		},
		"somebody else": func() (sdk.Refreshed, error) {
			return sdk.Refreshed{Identity: sdk.Identity{Subject: "mallory"}}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			hosts := h.hosts(2)
			first := h.signIn(sso.Start{Mode: sso.ModeJSON}, withGrant("grant one"))
			type reply struct {
				refreshed sdk.Refreshed
				err       error
			}
			asked := make(chan chan reply)
			h.idp.onRefresh(func(context.Context, []byte) (sdk.Refreshed, error) {
				answer := make(chan reply)
				asked <- answer
				r := <-answer
				return r.refreshed, r.err
			})
			got := make([]*sso.SignedIn, 2)
			var group sync.WaitGroup
			for i, host := range hosts {
				group.Go(func() {
					var err error
					if got[i], err = host.Refresh(t.Context(), first.Token, sso.ModeJSON); err != nil {
						t.Errorf("host %d: %v", i, err)
					}
				})
			}
			slow := <-asked
			if _, err := h.database().Exec("UPDATE sessions SET leased_until = 0"); err != nil {
				t.Fatal(err)
			}
			fast := <-asked
			fast <- reply{refreshed: sdk.Refreshed{Identity: withGrant("grant two")}}
			for stored := (sso.SessionToken{}); stored.SpentAt.IsZero(); {
				var err error
				if stored, err = h.store.SessionToken(t.Context(), first.Token.Hash()); err != nil {
					t.Fatal(err)
				}
			}
			refreshed, err := answer()
			slow <- reply{refreshed, err}
			group.Wait()
			if got[0] == nil || got[1] == nil || got[0].Token != got[1].Token {
				t.Fatalf("got %+v and %+v", got[0], got[1])
			}
			h.wantOneCurrent("afterwards", first.Session.ID, first.Token)
		})
	}
}
