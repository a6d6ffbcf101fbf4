package main

import (
	"sync/atomic"
	"testing"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// changing is a quirk whose claims change while somebody is signed in.
func changing(change *atomic.Pointer[func(map[string]any)]) openidtest.Quirk {
	return openidtest.Quirk{Claims: func(claims map[string]any) {
		if f := change.Load(); f != nil {
			(*f)(claims)
		}
	}}
}

// TestRefreshReadsAsALogin: the ID token of a refresh is read like that of a login.
func TestRefreshReadsAsALogin(t *testing.T) {
	const home, other = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	var change atomic.Pointer[func(map[string]any)]
	set := func(f func(map[string]any)) { change.Store(&f) }
	start := func(t *testing.T, values map[string]any) signedIn {
		t.Helper()
		set(func(claims map[string]any) { claims["tid"] = home })
		return refreshable(t, openidtest.Config{Quirk: changing(&change)}, "alice", values)
	}
	t.Run("D12 a reference in place of the groups", func(t *testing.T) {
		s := start(t, nil)
		set(func(claims map[string]any) { claims["hasgroups"] = true })
		s.op.SetClaims("alice", map[string]any{"email": "alice@example.com"})
		got, err := s.refresh(s.Grant)
		if err != nil || got.Undecided != nil || !got.Identity.GroupsUnknown || len(got.Identity.Groups) != 0 || len(got.Identity.Warnings) == 0 {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("another tenant", func(t *testing.T) {
		s := start(t, map[string]any{"allowed_tenants": home})
		set(func(claims map[string]any) { claims["tid"] = other })
		_, err := s.refresh(s.Grant)
		plugintest.Refused(t, err, sdk.ErrDenied, discovery.ReasonTenant)
	})
	t.Run("a tenant that is not let in any more", func(t *testing.T) {
		s := start(t, map[string]any{"offline_access": "no"})
		s.options.AllowedTenants = []string{other}
		_, err := s.refresh(s.Grant)
		plugintest.Refused(t, err, sdk.ErrDenied, discovery.ReasonTenant)
	})
	t.Run("two spellings of what nobody reads", func(t *testing.T) {
		spelled := func(claims map[string]any) { claims["Dept"], claims["dept"] = 1, 2 }
		set(spelled)
		for _, offline := range []string{"yes", "no"} {
			s := refreshable(t, openidtest.Config{Quirk: changing(&change)}, "alice", map[string]any{"offline_access": offline})
			if got, err := s.refresh(s.Grant); err != nil || got.Undecided != nil {
				t.Errorf("offline_access %s: %+v, %v", offline, got, err)
			}
		}
	})
	t.Run("null is absent", func(t *testing.T) {
		s := start(t, nil)
		set(func(claims map[string]any) {
			claims["events"], claims["azp"], claims["nonce"], claims["at_hash"] = nil, nil, nil, nil
		})
		if got, err := s.refresh(s.Grant); err != nil || got.Undecided != nil {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestRefreshVerifiesAsALogin: the signature of a refreshed ID token is verified like that
// of a login.
func TestRefreshVerifiesAsALogin(t *testing.T) {
	for name, test := range map[openidtest.Misbehaviour]struct {
		alg    string
		reason sdk.Reason
	}{
		openidtest.SignatureSaltLong: {"PS256", jose.ReasonSignature},
		openidtest.SignatureBadRS256: {"RS256", jose.ReasonSignature},
		openidtest.HMACClientSecret:  {"RS256", jose.ReasonAlg},
		openidtest.AlgNone:           {"RS256", jose.ReasonMalformed},
		openidtest.KeySetROCA:        {"RS256", jose.ReasonUnknown},
	} {
		t.Run("G11 "+string(name), func(t *testing.T) {
			s := refreshable(t, openidtest.Config{}, "alice", nil)
			cl := client()
			cl.IDTokenSignedResponseAlg = test.alg
			if err := s.op.AddClient(cl); err != nil {
				t.Fatal(err)
			}
			s.clock.Advance(jose.MaxKeysFresh) // until keys are asked for again
			s.op.Misbehave(name)
			got, err := s.refresh(s.Grant)
			if err != nil || sdk.ReasonOf(got.Undecided) != test.reason || got.Identity.Email != "" {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// TestRefreshWithoutAnAccessToken: also with a provider that issues only ID tokens, a response
// that was lost on the way to the store is there for the next refresh.
func TestRefreshWithoutAnAccessToken(t *testing.T) {
	quirk := openidtest.Quirk{Token: func(body map[string]any) { delete(body, "access_token") }}
	s := refreshable(t, openidtest.Config{Quirk: quirk}, "alice", nil)
	for range 2 {
		if got, err := s.refresh(s.Grant); err != nil || got.Undecided != nil {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if n := s.op.Hits(openidtest.TokenEndpoint); n != 2 {
		t.Errorf("%d token requests, want that of the login and one", n)
	}
}
