package sso_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/token"
	"github.com/doorward/doorward/sdk"
)

// startedUnder starts a host with these secrets, on the database of the others. It seals
// under the first of them.
func (h *house) startedUnder(secret, previous []byte) *house {
	h.t.Helper()
	other := *h
	other.secret, other.previous = secret, previous
	other.openStore()
	other.restart()
	if previous != nil {
		if _, err := other.Reseal(h.t.Context(), other.tokens.AccessTokens.(*token.Tokens).Reseal); err != nil {
			h.t.Fatal(err)
		}
	}
	return &other
}

// wantOne checks that two hosts act as one: what one has begun, sealed or signed is valid
// on the other.
func wantOne(t *testing.T, what string, hosts ...*house) {
	t.Helper()
	hosts[0].clock.advance(2 * time.Minute) // both read the keys, which may be sealed again
	for i, here := range hosts {
		there := hosts[1-i]
		where := fmt.Sprintf("%s, from host %d to the other", what, i)
		out, err := there.Continue(t.Context(), answerTo(here.begin(sso.Start{Mode: sso.ModeJSON})))
		if err != nil {
			t.Errorf("%s: a login under way: %v", where, err)
			continue
		}
		there.wantAccess(where+": an access token", out.SignedIn.Access, nil)
		here.wantAccess(where+": an access token back", out.SignedIn.Access, nil)
		next, err := here.Refresh(t.Context(), out.SignedIn.Token, sso.ModeJSON)
		if err != nil || next.Unasked != nil {
			t.Errorf("%s: the grant of a session: %+v, %v", where, next, err)
		}
	}
}

// SECRET is changed in three rounds, in each of which the hosts are restarted one after
// the other. At every moment they act as one.
func TestSecretOfSeveralHostsIsChanged(t *testing.T) {
	h := newHouse(t)
	h.idp.vouchFor(withGrant("the grant"))
	h.idp.onRefresh(func(_ context.Context, grant []byte) (sdk.Refreshed, error) {
		if string(grant) != "the grant" {
			t.Errorf("asked with %q", grant)
		}
		return sdk.Refreshed{Identity: withGrant("the grant")}, nil
	})
	hosts := []*house{h.startedUnder(secret, nil), h.startedUnder(secret, nil)}
	before := hosts[0].signIn(sso.Start{}, withGrant("the grant"))
	wantOne(t, "before", hosts...)
	for i, round := range []struct{ secret, previous []byte }{{secret, newSecret}, {newSecret, secret}, {newSecret, nil}} {
		for j := range hosts {
			hosts[j] = h.startedUnder(round.secret, round.previous)
			wantOne(t, fmt.Sprintf("round %d, after host %d", i+1, j), hosts...)
		}
	}
	done, err := hosts[1].Refresh(t.Context(), before.Token, sso.ModeSession)
	if err != nil || done.Unasked != nil {
		t.Errorf("a session from before: %+v, %v", done, err)
	}
	h.wantRefused("the old SECRET", secret, nil)
}
