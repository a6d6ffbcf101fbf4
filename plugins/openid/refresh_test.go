package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/plugins/openid/internal/userinfo"
	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// signedIn is a rig with somebody signed in with a provider that issues refresh tokens.
type signedIn struct {
	*rig
	op    *openidtest.Provider
	clock *plugintest.Clock
	sdk.Identity
}

func refreshable(t *testing.T, config openidtest.Config, hint string, values map[string]any) signedIn {
	t.Helper()
	clock := plugintest.NewClock()
	config.Now = clock.Now
	op := startOP(t, config)
	all := map[string]any{"offline_access": "yes"}
	for name, value := range values {
		all[name] = value
	}
	r := openRig(t, op.Issuer(), clock.Now, all)
	identity, err := r.login(hint)
	if err != nil {
		t.Fatal(err)
	}
	return signedIn{r, op, clock, identity}
}

// refresh refreshes as the host does, and looks for secrets in the errors and the log.
func (r *rig) refresh(grant []byte) (sdk.Refreshed, error) {
	r.t.Helper()
	refreshed, err := r.Refresh(r.t.Context(), grant)
	said := fmt.Sprint(r.log.String(), err, refreshed.Undecided)
	for _, secret := range append(tokensOf(r.wire), clientSecret) {
		if strings.Contains(said, secret) {
			r.t.Errorf("E14 a secret (%.12q…) in the error or the log: %.2000q", secret, said)
		}
	}
	return refreshed, err
}

func content(t *testing.T, grant []byte) grantContent {
	t.Helper()
	var g grantContent
	if err := json.Unmarshal(grant, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestRefreshMisbehaviours refreshes with every misbehaviour of the provider at a refresh
// (E12, F30).
func TestRefreshMisbehaviours(t *testing.T) {
	reasons := map[openidtest.Misbehaviour]struct {
		kind   error
		reason sdk.Reason
	}{
		openidtest.RefreshSubjectOther:  {sdk.ErrDenied, idtoken.ReasonSubjectMismatch},
		openidtest.RefreshIssuerOther:   {sdk.ErrDenied, "issuer_mismatch"},
		openidtest.RefreshAudienceOther: {sdk.ErrDenied, idtoken.ReasonAudienceMismatch},
		openidtest.RefreshNonceOther:    {sdk.ErrDenied, idtoken.ReasonNonceMismatch},
		openidtest.RefreshInvalidGrant:  {sdk.ErrDenied, "invalid_grant"},
		openidtest.RefreshDown:          {sdk.ErrUnavailable, codeflow.ReasonStatus},
	}
	for _, name := range openidtest.Misbehaviours() {
		details := name.Details()
		if details.Stage != openidtest.AtRefresh {
			continue
		}
		t.Run(strings.Join(append(details.Rows, string(name)), " "), func(t *testing.T) {
			s := refreshable(t, openidtest.Config{}, "alice+"+string(name), nil)
			got, err := s.refresh(s.Grant)
			want, bad := reasons[name]
			if bad != (details.Verdict == openidtest.Refuse) {
				t.Fatal("it is missing in the table")
			}
			if bad {
				plugintest.Refused(t, err, want.kind, want.reason)
				return
			}
			if err != nil || got.Undecided != nil || got.Identity.Subject != "alice" || got.Identity.Email != "alice@example.com" {
				t.Fatalf("got %+v, %v", got, err)
			}
			// The next refresh works with the grant of this one.
			if again, err := s.refresh(got.Identity.Grant); err != nil || again.Undecided != nil {
				t.Errorf("the next refresh: %+v, %v", again, err)
			}
		})
	}
}

// TestRefreshedIDToken: other errors of a refreshed ID token do not end the session, and do
// not extend it.
func TestRefreshedIDToken(t *testing.T) {
	for _, test := range []struct {
		name   openidtest.Misbehaviour
		kind   error
		reason sdk.Reason
	}{
		{openidtest.KeySetDown, sdk.ErrUnavailable, jose.ReasonKeysStatus},
		{openidtest.UserInfoDown, sdk.ErrUnavailable, userinfo.ReasonStatus},
		{openidtest.UserInfoUnauthorized, sdk.ErrMisconfigured, userinfo.ReasonRefused},
	} {
		t.Run("E12 "+string(test.name), func(t *testing.T) {
			s := refreshable(t, openidtest.Config{}, "alice", nil)
			s.clock.Advance(jose.KeysKeep + time.Minute)
			s.op.Misbehave(test.name)
			got, err := s.refresh(s.Grant)
			if err != nil {
				t.Fatal(err)
			}
			if !errors.Is(got.Undecided, test.kind) || sdk.ReasonOf(got.Undecided) != test.reason || got.Identity.Subject != "alice" {
				t.Fatalf("got %+v", got)
			}
			before, after := content(t, s.Grant), content(t, got.Identity.Grant)
			if after.RefreshToken == before.RefreshToken || after.RefreshToken == "" || after.IDToken != before.IDToken || after.Subject != "alice" {
				t.Errorf("kept %+v", after)
			}
			s.op.Misbehave()
			s.clock.Advance(time.Minute)                   // until keys are asked for again
			s.renewals = codeflow.NewRenewals(s.clock.Now) // of another process
			again, err := s.refresh(got.Identity.Grant)
			if err != nil || again.Undecided != nil || again.Identity.Name != "Alice Archer" {
				t.Errorf("when it is back: %+v, %v", again, err)
			}
		})
	}
}

func TestRefreshReadsAgain(t *testing.T) {
	for _, inIDToken := range []bool{false, true} {
		c := client()
		c.ClaimsInIDToken = inIDToken
		s := refreshable(t, openidtest.Config{Clients: []openidtest.Client{c}}, "alice", nil)
		s.op.SetClaims("alice", map[string]any{"name": "Alice Baker", "email": "alice@baker.example", "groups": []string{"bakers"}})
		got, err := s.refresh(s.Grant)
		if err != nil || got.Identity.Name != "Alice Baker" || got.Identity.Email != "alice@baker.example" || !slices.Equal(got.Identity.Groups, []string{"bakers"}) {
			t.Errorf("D13 in the ID token %v: %+v, %v", inIDToken, got.Identity, err)
		}
		// A claim that is missing after the refresh is removed.
		s.op.SetClaims("alice", map[string]any{"name": "Alice Baker"})
		got, err = s.refresh(got.Identity.Grant)
		if err != nil || len(got.Identity.Groups) != 0 || got.Identity.Email != "" {
			t.Errorf("D13 in the ID token %v: %+v, %v", inIDToken, got.Identity, err)
		}
		if got.Identity.SessionID != s.SessionID || s.SessionID == "" {
			t.Errorf("session %q, then %q", s.SessionID, got.Identity.SessionID)
		}
	}
}

// TestRefreshTokenIsUsedOnce: the provider treats a second use as theft and revokes all
// tokens.
func TestRefreshTokenIsUsedOnce(t *testing.T) {
	t.Run("E12 rotation", func(t *testing.T) {
		s := refreshable(t, openidtest.Config{}, "alice", nil)
		grant := s.Grant
		for range 3 {
			got, err := s.refresh(grant)
			if err != nil || got.Undecided != nil {
				t.Fatalf("%+v, %v", got, err)
			}
			grant = got.Identity.Grant
		}
		if n := s.op.Hits(openidtest.TokenEndpoint); n != 4 {
			t.Errorf("%d token requests", n)
		}
	})
	t.Run("E12 two tabs", func(t *testing.T) {
		s := refreshable(t, openidtest.Config{}, "alice", nil)
		var group sync.WaitGroup
		for range 10 {
			group.Go(func() {
				if got, err := s.Refresh(t.Context(), s.Grant); err != nil || got.Undecided != nil {
					t.Errorf("%+v, %v", got, err)
				}
			})
		}
		group.Wait()
		if n := s.op.Hits(openidtest.TokenEndpoint); n != 2 {
			t.Errorf("%d token requests", n)
		}
	})
	t.Run("E12 an answer that the host lost is there for the next try", func(t *testing.T) {
		s := refreshable(t, openidtest.Config{}, "alice", nil)
		for range 2 {
			if got, err := s.refresh(s.Grant); err != nil || got.Undecided != nil {
				t.Fatalf("%+v, %v", got, err)
			}
		}
		if n := s.op.Hits(openidtest.TokenEndpoint); n != 2 {
			t.Errorf("%d token requests", n)
		}
		s.clock.Advance(6 * time.Minute)
		_, err := s.refresh(s.Grant)
		plugintest.Refused(t, err, sdk.ErrDenied, "invalid_grant")
	})
	t.Run("E12 one that lasts is asked with each time", func(t *testing.T) {
		s := refreshable(t, openidtest.Config{}, "alice+"+string(openidtest.RefreshNotRotated), nil)
		grant := s.Grant
		for range 3 {
			got, err := s.refresh(grant)
			if err != nil || got.Undecided != nil {
				t.Fatalf("%+v, %v", got, err)
			}
			grant = got.Identity.Grant
		}
		if n := s.op.Hits(openidtest.TokenEndpoint); n != 4 {
			t.Errorf("%d token requests: somebody is not asked", n)
		}
	})
}

func TestRevokedAtTheProvider(t *testing.T) {
	s := refreshable(t, openidtest.Config{}, "alice", nil)
	s.op.Revoke("alice")
	_, err := s.refresh(s.Grant)
	plugintest.Refused(t, err, sdk.ErrDenied, "invalid_grant")
}

// TestRefreshWithoutARefreshToken asks with the access token until it expires.
func TestRefreshWithoutARefreshToken(t *testing.T) {
	start := func(t *testing.T, hint string) signedIn {
		t.Helper()
		return refreshable(t, openidtest.Config{}, hint, map[string]any{"offline_access": "no"})
	}
	t.Run("D13 names and groups follow", func(t *testing.T) {
		s := start(t, "alice")
		s.op.SetClaims("alice", map[string]any{"name": "Alice Baker", "groups": []string{"bakers"}})
		got, err := s.refresh(s.Grant)
		if err != nil || got.Identity.Name != "Alice Baker" || !slices.Equal(got.Identity.Groups, []string{"bakers"}) || got.Identity.SessionID != s.SessionID {
			t.Errorf("%+v, %v", got, err)
		}
		if n := s.op.Hits(openidtest.TokenEndpoint); n != 1 {
			t.Errorf("%d token requests", n)
		}
	})
	t.Run("A06 revoked", func(t *testing.T) {
		s := start(t, "alice")
		s.op.Revoke("alice")
		_, err := s.refresh(s.Grant)
		plugintest.Refused(t, err, sdk.ErrDenied, userinfo.ReasonRefused)
	})
	t.Run("the access token has ended", func(t *testing.T) {
		s := start(t, "alice")
		s.clock.Advance(openidtest.AccessTokenLifetime + time.Second)
		_, err := s.refresh(s.Grant)
		plugintest.Refused(t, err, sdk.ErrUnavailable, reasonGrantExpired)
	})
	t.Run("nobody says when it ends", func(t *testing.T) {
		s := start(t, "alice+"+string(openidtest.ExpiresInMissing))
		s.op.Revoke("alice")
		_, err := s.refresh(s.Grant)
		plugintest.Refused(t, err, sdk.ErrUnavailable, userinfo.ReasonRefused)
	})
	t.Run("down", func(t *testing.T) {
		s := start(t, "alice")
		s.op.Misbehave(openidtest.UserInfoDown)
		_, err := s.refresh(s.Grant)
		plugintest.Refused(t, err, sdk.ErrUnavailable, userinfo.ReasonStatus)
	})
	t.Run("D15 about somebody else", func(t *testing.T) {
		s := start(t, "alice")
		s.op.Misbehave(openidtest.UserInfoSubjectOther)
		_, err := s.refresh(s.Grant)
		plugintest.Refused(t, err, sdk.ErrDenied, userinfo.ReasonSubject)
	})
}

func TestDemandsAtARefresh(t *testing.T) {
	people := []openidtest.Person{{Subject: "alice", Claims: map[string]any{"acr": "gold", "amr": []string{"pwd", "mfa"}}}}
	s := refreshable(t, openidtest.Config{People: people}, "alice", map[string]any{
		"params": map[string]any{"acr_values": "gold", "max_age": "60"}, "required_amr": "mfa",
	})
	s.clock.Advance(2 * time.Hour)
	got, err := s.refresh(s.Grant)
	if err != nil || got.Undecided != nil {
		t.Fatalf("F29 the login becomes older by itself: %+v, %v", got, err)
	}
	r := openRig(t, s.op.Issuer(), s.clock.Now, map[string]any{"params": map[string]any{"acr_values": "platinum"}})
	_, err = r.refresh(got.Identity.Grant)
	plugintest.Refused(t, err, sdk.ErrDenied, idtoken.ReasonACR)
}

func TestRequiredAMR(t *testing.T) {
	for _, test := range []struct {
		name   string
		amr    any
		demand string
		ok     bool
	}{
		{"D14 there", []string{"pwd", "mfa"}, "mfa", true},
		{"D14 all there", []string{"pwd", "otp", "mfa"}, "mfa,otp", true},
		{"D14 one is missing", []string{"pwd", "mfa"}, "mfa,hwk", false},
		{"D14 not told", nil, "mfa", false},
		{"D14 no list", map[string]any{"mfa": true}, "mfa", false},
		{"D14 in other letters", []string{"MFA"}, "mfa", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			person := openidtest.Person{Subject: "alice", Claims: map[string]any{}}
			if test.amr != nil {
				person.Claims["amr"] = test.amr
			}
			op := startOP(t, openidtest.Config{People: []openidtest.Person{person}})
			_, err := openRig(t, op.Issuer(), time.Now, map[string]any{"required_amr": test.demand}).login("alice")
			if !test.ok {
				plugintest.Refused(t, err, sdk.ErrInvalidResponse, idtoken.ReasonAMR)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOtherGrants(t *testing.T) {
	s := refreshable(t, openidtest.Config{}, "alice", nil)
	g := content(t, s.Grant)
	t.Run("of an older version", func(t *testing.T) {
		old, err := json.Marshal(map[string]string{"sub": g.Subject, "refresh_token": g.RefreshToken, "id_token": g.IDToken})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.refresh(old)
		if err != nil || got.Undecided != nil || content(t, got.Identity.Grant).Subject != "alice" {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("E06 of another issuer", func(t *testing.T) {
		g := g
		g.Issuer = "https://other.example"
		grant, err := g.encode()
		if err != nil {
			t.Fatal(err)
		}
		before := s.op.Hits(openidtest.TokenEndpoint)
		_, err = s.refresh(grant)
		plugintest.Refused(t, err, sdk.ErrDenied, reasonProviderChanged)
		if s.op.Hits(openidtest.TokenEndpoint) != before {
			t.Error("the other issuer's token was sent")
		}
	})
	for name, grant := range map[string]string{"none": "", "no JSON": "x", "nobody's": `{}`, "a broken key": `{"sub":"alice","iss":"` + s.op.Issuer() + `","key":"!"}`} {
		t.Run(name, func(t *testing.T) {
			_, err := s.refresh([]byte(grant))
			plugintest.Refused(t, err, sdk.ErrInvalidResponse, reasonGrant)
		})
	}
}

func TestIdentifierAtARefresh(t *testing.T) {
	s := refreshable(t, openidtest.Config{}, "alice", map[string]any{"identifier_key": "email"})
	if s.Subject != "alice@example.com" || s.LogoutSubject != "alice" {
		t.Fatalf("%+v", s.Identity)
	}
	s.op.Misbehave(openidtest.UserInfoDown)
	got, err := s.refresh(s.Grant)
	if err != nil || got.Identity.Subject != "alice@example.com" || got.Undecided == nil {
		t.Errorf("%+v, %v", got, err)
	}
	s.op.Misbehave()
	got, err = s.refresh(got.Identity.Grant)
	if err != nil || got.Identity.Subject != "alice@example.com" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNoRefresh(t *testing.T) {
	op := startOP(t, openidtest.Config{})
	opts := Options{}
	opts.IssuerURL, opts.ClientID, opts.ClientSecret, opts.NoRefresh = op.Issuer(), clientID, clientSecret, true
	m, err := open(t.Context(), sdk.Env{
		Logger: nil, Now: time.Now, HTTPClient: func(sdk.HTTPSettings) (*http.Client, error) { return &http.Client{}, nil },
	}, opts)
	if err != nil {
		t.Fatal(err)
	}
	has := sdk.Capabilities(m)
	if slices.Contains(has, sdk.CapabilityRefresh) || !slices.Contains(has, sdk.CapabilityBeginLogout) || !slices.Contains(has, sdk.CapabilityReceiveLogout) || !slices.Contains(has, sdk.CapabilityCheck) {
		t.Errorf("capabilities %q", has)
	}
	g, err := m.(withoutRefresh).Mechanism.(*mechanism).grant(discovery.Metadata{Issuer: op.Issuer()}, sdk.Identity{Subject: "alice"}, tokens{idToken: "a.b.c", accessToken: "at", refreshToken: "rt"}, map[string]any{"sub": "alice"}, "n")
	if err != nil || strings.Contains(string(g), `"rt"`) || strings.Contains(string(g), `"at"`) || !strings.Contains(string(g), "a.b.c") {
		t.Errorf("grant %s, %v", g, err)
	}
	if err := m.(withoutRefresh).Close(); err != nil {
		t.Error(err)
	}
}

// TestEmptyNonceAtARefresh: an empty nonce, from a provider that also writes empty members,
// does not name another login.
func TestEmptyNonceAtARefresh(t *testing.T) {
	quirk := openidtest.Quirk{Claims: func(c map[string]any) {
		if c["nonce"] == nil {
			c["nonce"] = ""
		}
	}}
	s := refreshable(t, openidtest.Config{Quirk: quirk}, "alice", nil)
	got, err := s.refresh(s.Grant)
	if err != nil || got.Undecided != nil || got.Identity.Subject != "alice" {
		t.Errorf("%+v, %v", got, err)
	}
}
