package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// TestConformanceRefresh runs the modules of oidcc-client-refreshtoken-test-plan, and two
// modules that are not in a plan.
func TestConformanceRefresh(t *testing.T) {
	var azp atomic.Pointer[string] // of refreshed ID tokens
	quirk := idToken(func(claims map[string]any) {
		if party := azp.Load(); party != nil && claims["nonce"] == nil {
			claims["azp"] = *party
		}
	})
	setup := startFake(t, openidtest.Config{AutoApprove: true, Quirk: quirk}, openidtest.Client{}, offline)
	other := "other-party"
	for _, m := range []struct {
		name string
		does []openidtest.Misbehaviour
		azp  *string
		ends bool
	}{
		{name: "oidcc-client-test-refresh-token"},
		{name: "oidcc-client-test-refresh-token-invalid-issuer", does: []openidtest.Misbehaviour{openidtest.RefreshIssuerOther}, ends: true},
		{name: "oidcc-client-test-refresh-token-invalid-sub", does: []openidtest.Misbehaviour{openidtest.RefreshSubjectOther}, ends: true},
		{name: "oidcc-client-test-refresh-token-invalid-aud", does: []openidtest.Misbehaviour{openidtest.RefreshAudienceOther}, ends: true},
		{name: "oidcc-client-test-refresh-token-invalid-azp", azp: &other, ends: true},
	} {
		t.Run(m.name, func(t *testing.T) {
			person := newAgent(t, setup.host, "alice")
			got := person.signIn(setup.host.URL + "/auth/login/fake?mode=json")
			if got.status != http.StatusOK {
				t.Fatalf("signing in: %d %s", got.status, got.body)
			}
			setup.provider.Misbehave(m.does...)
			azp.Store(m.azp)
			defer func() {
				setup.provider.Misbehave()
				azp.Store(nil)
			}()
			asked := setup.provider.Hits(openidtest.UserInfoEndpoint)
			refreshed := person.refresh(got.json(t).Data.RefreshToken)
			if ended := refreshed.status == http.StatusUnauthorized; ended != m.ends || !ended && refreshed.status != http.StatusOK {
				t.Errorf("the refresh: %d %s", refreshed.status, refreshed.body)
			}
			if m.ends && setup.provider.Hits(openidtest.UserInfoEndpoint) != asked {
				t.Error("the user info is asked with tokens that do not hold")
			}
		})
	}
}

// logoutRig is a provider with special behaviour during a logout.
type logoutRig struct {
	fakeSetup
	url string // the logout URL of the host

	during atomic.Pointer[func()]                  // in the end-session endpoint
	state  atomic.Pointer[func(string) url.Values] // the parameters with which the browser returns
}

func startLogoutRig(t *testing.T) *logoutRig {
	t.Helper()
	rig := &logoutRig{}
	front := func(w http.ResponseWriter, r *http.Request, fake http.Handler) {
		if r.URL.Path != "/end-session" {
			fake.ServeHTTP(w, r)
			return
		}
		if during := rig.during.Load(); during != nil {
			(*during)()
		}
		said := httptest.NewRecorder()
		fake.ServeHTTP(said, r)
		for name, values := range said.Header() {
			w.Header()[name] = values
		}
		target, err := url.Parse(said.Header().Get("Location"))
		if change := rig.state.Load(); change != nil && err == nil {
			target.RawQuery = (*change)(target.Query().Get("state")).Encode()
			w.Header().Set("Location", target.String())
		}
		w.WriteHeader(said.Code)
		_, _ = w.Write(said.Body.Bytes())
	}
	rig.fakeSetup = startFakeBehind(t, front, openidtest.Config{AutoApprove: true}, openidtest.Client{IDTokenSignedResponseAlg: "RS256"},
		map[string]string{"AUTH_FAKE_CLIENT_ID_TOKEN_SIGNED_RESPONSE_ALG": "RS256"})
	rig.url = rig.host.URL + "/auth/login/fake/logout"
	return rig
}

// signIn signs alice in, and returns the provider's ID of her session.
func (rig *logoutRig) signIn(t *testing.T) (person *agent, sid string) {
	t.Helper()
	before := rig.provider.Sessions("alice")
	person = newAgent(t, rig.host, "alice")
	person.inSession("fake")
	for _, sid := range rig.provider.Sessions("alice") {
		if !slices.Contains(before, sid) {
			return person, sid
		}
	}
	t.Fatal("no new session at the provider")
	return nil, ""
}

// leave signs out of the host, with this behaviour of the provider.
func (rig *logoutRig) leave(t *testing.T, person *agent, during func(), state func(string) url.Values) answer {
	t.Helper()
	asked := rig.provider.Hits(openidtest.EndSessionEndpoint)
	rig.during.Store(&during)
	rig.state.Store(&state)
	if state == nil {
		rig.state.Store(nil)
	}
	got := person.signOut()
	if rig.provider.Hits(openidtest.EndSessionEndpoint) != asked+1 {
		t.Error("the end-session endpoint is not asked")
	}
	person.wantSession(false)
	return got
}

func wantGoodbye(t *testing.T, got answer) {
	t.Helper()
	if target := got.location(); target == nil || target.Path != "/login" || target.RawQuery != "signed_out" {
		t.Errorf("ends at %d %s %s", got.status, got.header.Get("Location"), got.body)
	}
}

// TestConformanceRPInitiatedLogout runs the modules of the plan for RP-initiated logout. The
// session ends before the browser leaves. A browser that returns with an unknown state gets an
// error and no message of success, because anybody can redirect it there.
func TestConformanceRPInitiatedLogout(t *testing.T) {
	rig := startLogoutRig(t)
	nothing := func() {}
	t.Run("oidcc-client-test-rp-init-logout", func(t *testing.T) {
		person, _ := rig.signIn(t)
		wantGoodbye(t, rig.leave(t, person, nothing, nil))
	})
	t.Run("oidcc-client-test-rp-init-logout-other-state", func(t *testing.T) {
		person, _ := rig.signIn(t)
		got := rig.leave(t, person, nothing, func(state string) url.Values { return url.Values{"state": {state + "x"}} })
		if got.status != http.StatusBadRequest || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
			t.Errorf("the browser that comes back gets %d %s", got.status, got.header)
		}
	})
	// Amazon Cognito also omits the state. The browser gets the usual page after a logout.
	t.Run("oidcc-client-test-rp-init-logout-no-state", func(t *testing.T) {
		person, _ := rig.signIn(t)
		wantGoodbye(t, rig.leave(t, person, nothing, func(string) url.Values { return nil }))
	})
}

// TestConformanceBackChannelLogout runs the modules of the plan for back-channel logout: a
// logout token arrives while the browser signs out. Each token is also sent for an active
// session, which must end or continue.
func TestConformanceBackChannelLogout(t *testing.T) {
	rig := startLogoutRig(t)
	claim := func(name string, value any) func(_, claims map[string]any) {
		return func(_, claims map[string]any) { claims[name] = value }
	}
	const module = "oidcc-client-test-rp-backchannel-rpinitlogout"
	for _, m := range []struct {
		name  string
		alter func(header, claims map[string]any)
		alg   string // if empty, the algorithm of the client
		want  int
	}{
		{name: module, want: http.StatusOK},
		{name: module + "-alg-none", alter: func(header, _ map[string]any) { header["alg"] = "none" }, want: http.StatusBadRequest},
		{name: module + "-no-event", alter: func(_, claims map[string]any) { delete(claims, "events") }, want: http.StatusBadRequest},
		{name: module + "-with-nonce", alter: claim("nonce", "n"), want: http.StatusBadRequest},
		// Another key of the provider signs. Without client_id_token_signed_response_alg, the
		// host accepts each algorithm that the provider lists, as for ID tokens. A client that
		// is registered for one algorithm sets the option.
		{name: module + "-wrong-alg", alg: "ES256", want: http.StatusBadRequest},
		{name: module + "-wrong-aud", alter: claim("aud", "other"), want: http.StatusBadRequest},
		{name: module + "-wrong-event", alter: claim("events", map[string]any{"http://schemas.openid.net/event/other": map[string]any{}}), want: http.StatusBadRequest},
		{name: module + "-wrong-iss", alter: claim("iss", "https://evil.example"), want: http.StatusBadRequest},
	} {
		t.Run(m.name, func(t *testing.T) {
			send := func(sid string) {
				if got := postForm(t, rig.url, url.Values{"logout_token": {rig.logoutToken(t, sid, m.alg, m.alter)}}); got != m.want {
					t.Errorf("the logout token gets %d, want %d", got, m.want)
				}
			}
			person, sid := rig.signIn(t)
			wantGoodbye(t, rig.leave(t, person, func() { send(sid) }, nil))
			person, sid = rig.signIn(t)
			send(sid)
			person.wantSession(m.want != http.StatusOK)
		})
	}
}

// logoutToken returns a logout token, signed with an algorithm of the provider.
func (rig *logoutRig) logoutToken(t *testing.T, sid, alg string, alter func(header, claims map[string]any)) string {
	t.Helper()
	client := openidtest.Client{ID: "signs", TokenEndpointAuthMethod: openidtest.PublicClient, IDTokenSignedResponseAlg: alg}
	if err := rig.provider.AddClient(client); err != nil {
		t.Error(err)
	}
	token, err := rig.provider.LogoutToken(client.ID, "alice", sid, func(header, claims map[string]any) {
		claims["aud"] = "doorward"
		if alter != nil {
			alter(header, claims)
		}
	})
	if err != nil {
		t.Error(err)
	}
	rig.host.secrets.add("logout token", token)
	return token
}

// TestConformanceFrontChannelLogout runs the modules of the plan for front-channel logout: the
// provider shows a frame with the logout URL of the host.
func TestConformanceFrontChannelLogout(t *testing.T) {
	rig := startLogoutRig(t)
	frame := func(sid string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, rig.url+"?"+url.Values{"iss": {rig.provider.Issuer()}, "sid": {sid}}.Encode(), nil)
		if err != nil {
			t.Error(err)
			return
		}
		for name, value := range map[string]string{"Accept": "text/html", "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"} {
			req.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "frame-ancestors *") {
			t.Errorf("the frame gets %s %v", resp.Status, resp.Header)
		}
	}
	t.Run("oidcc-client-test-rp-frontchannel-rpinitlogout", func(t *testing.T) {
		person, sid := rig.signIn(t)
		wantGoodbye(t, rig.leave(t, person, func() { frame(sid) }, nil))
	})
	t.Run("oidcc-client-test-rp-frontchannel-opinitlogout", func(t *testing.T) {
		person, sid := rig.signIn(t)
		bystander, _ := rig.signIn(t)
		frame(sid)
		person.wantSession(false)
		bystander.wantSession(true)
	})
}
