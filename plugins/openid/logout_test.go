package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	"github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/plugins/openid/internal/logouttoken"
	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

func (r *rig) post(form url.Values) (sdk.Logout, error) {
	r.t.Helper()
	return r.ReceiveLogout(r.t.Context(), sdk.LogoutMessage{Request: sdk.InboundRequest{Method: http.MethodPost, Form: form}})
}

func (r *rig) get(query url.Values) (sdk.Logout, error) {
	r.t.Helper()
	return r.ReceiveLogout(r.t.Context(), sdk.LogoutMessage{Request: sdk.InboundRequest{Method: http.MethodGet, Query: query, RawQuery: query.Encode()}})
}

// TestBackChannelLogout breaks the rules of Back-Channel Logout 1.0 section 2.6, one by one
// (F26).
func TestBackChannelLogout(t *testing.T) {
	type members = map[string]any
	claim := func(name string, value any) func(header, claims members) {
		return func(_, claims members) {
			claims[name] = value
			if value == nil {
				delete(claims, name)
			}
		}
	}
	header := func(name string, value any) func(header, claims members) {
		return func(header, _ members) {
			header[name] = value
			if value == nil {
				delete(header, name)
			}
		}
	}
	clock := plugintest.NewClock()
	at := func(d time.Duration) int64 { return clock.Now().Add(d).Unix() }
	events := func(value any) any { return members{"http://schemas.openid.net/event/backchannel-logout": value} }
	op := startOP(t, openidtest.Config{Now: clock.Now})
	r := openRig(t, op.Issuer(), clock.Now, map[string]any{"trusted_audiences": "friend"})

	for _, test := range []struct {
		name         string
		subject, sid string
		alter        func(header, claims members)
		reason       sdk.Reason // empty: accepted
	}{
		{name: "good, by both", subject: "alice", sid: "s1"},
		{name: "good, by sub", subject: "alice"},
		{name: "good, by sid", sid: "s1"},
		{name: "typ of before the final version", sid: "s1", alter: header("typ", "JWT")},
		{name: "no typ", sid: "s1", alter: header("typ", nil)},
		{name: "typ in full", sid: "s1", alter: header("typ", "application/logout+jwt")},
		{name: "something in the event", sid: "s1", alter: claim("events", events(members{"x": 1}))},
		{name: "another event besides", sid: "s1", alter: func(_, claims members) { claims["events"].(members)["other"] = members{} }},
		{name: "exp in an hour", sid: "s1", alter: claim("exp", at(time.Hour))},
		{name: "no exp, as before the final version", sid: "s1", alter: claim("exp", nil)},
		{name: "audience in a list", sid: "s1", alter: claim("aud", []string{clientID})},
		{name: "for a friend, too", sid: "s1", alter: func(_, c members) { c["aud"], c["azp"] = []string{clientID, "friend"}, clientID }},

		{name: "alg none", sid: "s1", alter: header("alg", "none"), reason: jose.ReasonMalformed},
		{name: "alg of another key", sid: "s1", alter: header("alg", "PS256"), reason: jose.ReasonUnknown},
		{name: "alg that is not listed", sid: "s1", alter: header("alg", "RS512"), reason: jose.ReasonAlg},
		{name: "alg HS256", sid: "s1", alter: header("alg", "HS256"), reason: jose.ReasonAlg},
		{name: "typ of an access token", sid: "s1", alter: header("typ", "at+jwt"), reason: jose.ReasonType},
		{name: "typ that is a number", sid: "s1", alter: header("typ", 1), reason: jose.ReasonType},
		{name: "key that nobody knows", sid: "s1", alter: header("kid", "x"), reason: jose.ReasonUnknown},
		{name: "crit", sid: "s1", alter: header("crit", []string{"exp"}), reason: jose.ReasonCritical},
		{name: "iss wrong", sid: "s1", alter: claim("iss", "https://evil.example"), reason: discovery.ReasonIssuerMismatch},
		{name: "iss with a slash", sid: "s1", alter: claim("iss", op.Issuer()+"/"), reason: discovery.ReasonIssuerMismatch},
		{name: "iss missing", sid: "s1", alter: claim("iss", nil), reason: discovery.ReasonIssuerMismatch},
		{name: "aud wrong", sid: "s1", alter: claim("aud", "other"), reason: idtoken.ReasonAudienceMismatch},
		{name: "aud missing", sid: "s1", alter: claim("aud", nil), reason: idtoken.ReasonAudienceMismatch},
		{name: "aud with somebody else", sid: "s1", alter: func(_, c members) { c["aud"], c["azp"] = []string{clientID, "stranger"}, clientID }, reason: idtoken.ReasonAudienceUntrusted},
		{name: "no events", sid: "s1", alter: claim("events", nil), reason: logouttoken.ReasonEvent},
		{name: "other event", sid: "s1", alter: claim("events", members{"http://schemas.openid.net/event/other": members{}}), reason: logouttoken.ReasonEvent},
		{name: "events is a list", sid: "s1", alter: claim("events", []string{"http://schemas.openid.net/event/backchannel-logout"}), reason: logouttoken.ReasonEvent},
		{name: "event is null", sid: "s1", alter: claim("events", events(nil)), reason: logouttoken.ReasonEvent},
		{name: "event is true", sid: "s1", alter: claim("events", events(true)), reason: logouttoken.ReasonEvent},
		{name: "with a nonce", sid: "s1", alter: claim("nonce", "n"), reason: logouttoken.ReasonNonce},
		{name: "with an empty nonce", sid: "s1", alter: claim("nonce", ""), reason: logouttoken.ReasonNonce},
		{name: "no jti", sid: "s1", alter: claim("jti", nil), reason: logouttoken.ReasonID},
		{name: "jti is empty", sid: "s1", alter: claim("jti", ""), reason: logouttoken.ReasonID},
		{name: "jti is a number", sid: "s1", alter: claim("jti", 1), reason: logouttoken.ReasonID},
		{name: "jti is endless", sid: "s1", alter: claim("jti", strings.Repeat("j", 2000)), reason: logouttoken.ReasonID},
		{name: "exp in a year", sid: "s1", alter: claim("exp", at(365*24*time.Hour)), reason: logouttoken.ReasonTimes},
		{name: "exp past", sid: "s1", alter: claim("exp", at(-2*time.Minute)), reason: logouttoken.ReasonTimes},
		{name: "exp is a text", sid: "s1", alter: claim("exp", "soon"), reason: logouttoken.ReasonTimes},
		{name: "iat missing", sid: "s1", alter: claim("iat", nil), reason: logouttoken.ReasonTimes},
		{name: "iat in the future", sid: "s1", alter: claim("iat", at(time.Hour)), reason: logouttoken.ReasonTimes},
		{name: "old and without exp", sid: "s1", alter: func(_, c members) { delete(c, "exp"); c["iat"] = at(-time.Hour) }, reason: logouttoken.ReasonTimes},
		{name: "nbf in the future", sid: "s1", alter: claim("nbf", at(time.Hour)), reason: idtoken.ReasonNotYetValid},
		{name: "neither sub nor sid", reason: logouttoken.ReasonSubject},
		{name: "both empty", alter: func(_, c members) { c["sub"], c["sid"] = "", "" }, reason: logouttoken.ReasonSubject},
		{name: "sub is a number", alter: claim("sub", 1), reason: logouttoken.ReasonSubject},
		{name: "sub has a control character", alter: claim("sub", "a\x01"), reason: logouttoken.ReasonSubject},
		{name: "sid is a list", subject: "alice", alter: claim("sid", []string{"s1", "s2"}), reason: logouttoken.ReasonSubject},
		{name: "sid is endless", alter: claim("sid", strings.Repeat("s", 2000)), reason: logouttoken.ReasonSubject},
		{name: "sid has a control character", alter: claim("sid", "a\nb"), reason: logouttoken.ReasonSubject},
	} {
		t.Run("F26 "+test.name, func(t *testing.T) {
			alter := test.alter
			if alter == nil {
				alter = func(_, _ members) {}
			}
			token, err := op.LogoutToken(clientID, test.subject, test.sid, alter)
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.post(url.Values{"logout_token": {token}})
			if test.reason != "" {
				plugintest.Refused(t, err, sdk.ErrInvalidResponse, test.reason)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var sids []string
			if test.sid != "" {
				sids = []string{test.sid}
			}
			if got.Subject != test.subject || !slices.Equal(got.SessionIDs, sids) || got.Outcome != "" || got.Reply != nil || got.Framed {
				t.Errorf("got %+v", got)
			}
			if got.OnceID == "" || !got.OnceUntil.After(clock.Now()) || got.OnceUntil.Sub(clock.Now()) > 2*time.Hour {
				t.Errorf("F26 once %q until %v", got.OnceID, got.OnceUntil)
			}
			again, err := r.post(url.Values{"logout_token": {token}})
			if err != nil || again.OnceID != got.OnceID {
				t.Errorf("F26 the host cannot detect a replay: %q and %q, %v", got.OnceID, again.OnceID, err)
			}
		})
	}
	t.Run("F26 two tokens", func(t *testing.T) {
		token, err := op.LogoutToken(clientID, "alice", "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.post(url.Values{"logout_token": {token, token}})
		plugintest.Refused(t, err, sdk.ErrInvalidResponse, reasonLogoutMessage)
		other, err := op.LogoutToken(clientID, "alice", "")
		if err != nil {
			t.Fatal(err)
		}
		one, _ := r.post(url.Values{"logout_token": {token}})
		two, _ := r.post(url.Values{"logout_token": {other}})
		if one.OnceID == two.OnceID {
			t.Error("F26 two tokens have the same ID")
		}
	})
	t.Run("F26 in a query", func(t *testing.T) {
		token, err := op.LogoutToken(clientID, "alice", "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.get(url.Values{"logout_token": {token}})
		plugintest.Refused(t, err, sdk.ErrInvalidResponse, reasonLogoutMessage)
	})
	t.Run("F26 an ID token", func(t *testing.T) {
		identity, err := r.login("alice")
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.post(url.Values{"logout_token": {content(t, identity.Grant).IDToken}})
		plugintest.Refused(t, err, sdk.ErrInvalidResponse, logouttoken.ReasonEvent)
	})
	t.Run("F25 a logout token as ID token", func(t *testing.T) {
		token, err := op.LogoutToken(clientID, "alice", "")
		if err != nil {
			t.Fatal(err)
		}
		md := discovery.Metadata{Issuer: op.Issuer(), JWKSURI: op.Issuer() + "/jwks", Algs: []string{"RS256"}}
		_, err = r.identify(t.Context(), md, tokens{idToken: token, accessToken: "at"}, "n")
		plugintest.Refused(t, err, sdk.ErrInvalidResponse, jose.ReasonType)
	})
}

func TestFrontChannelLogout(t *testing.T) {
	op := startOP(t, openidtest.Config{})
	r := openRig(t, op.Issuer(), time.Now, nil)
	got, err := r.get(url.Values{"iss": {op.Issuer()}, "sid": {"s1"}})
	if err != nil || !got.Framed || !slices.Equal(got.SessionIDs, []string{"s1"}) || got.Subject != "" || got.Reply != nil {
		t.Errorf("F27 %+v, %v", got, err)
	}
	for name, test := range map[string]struct {
		query  url.Values
		reason sdk.Reason
	}{
		"other iss":        {url.Values{"iss": {"https://evil.example"}, "sid": {"s1"}}, reasonLogoutIssuer},
		"iss with a slash": {url.Values{"iss": {op.Issuer() + "/"}, "sid": {"s1"}}, reasonLogoutIssuer},
		"no iss":           {url.Values{"sid": {"s1"}}, reasonLogoutMessage},
		"no sid":           {url.Values{"iss": {op.Issuer()}}, reasonLogoutMessage},
		"sid empty":        {url.Values{"iss": {op.Issuer()}, "sid": {""}}, reasonLogoutMessage},
		"sid twice":        {url.Values{"iss": {op.Issuer()}, "sid": {"s1", "s2"}}, reasonLogoutMessage},
		"iss twice":        {url.Values{"iss": {op.Issuer(), op.Issuer()}, "sid": {"s1"}}, reasonLogoutMessage},
		"sid endless":      {url.Values{"iss": {op.Issuer()}, "sid": {strings.Repeat("s", 2000)}}, reasonLogoutMessage},
		"by a name":        {url.Values{"iss": {op.Issuer()}, "sub": {"alice"}}, reasonLogoutMessage},
		"nothing":          {nil, reasonLogoutMessage},
	} {
		t.Run("F27 "+name, func(t *testing.T) {
			got, err := r.get(test.query)
			plugintest.Refused(t, err, sdk.ErrInvalidResponse, test.reason)
			if got.Framed || got.SessionIDs != nil {
				t.Errorf("%+v", got)
			}
		})
	}
	t.Run("F27 by POST", func(t *testing.T) {
		_, err := r.post(url.Values{"iss": {op.Issuer()}, "sid": {"s1"}})
		plugintest.Refused(t, err, sdk.ErrInvalidResponse, reasonLogoutMessage)
	})
}

// browse opens the URL to which a logout sends the browser, and returns the URL to which the
// provider sends it back.
func browse(t *testing.T, step sdk.Step) *url.URL {
	t.Helper()
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var resp *http.Response
	var err error
	switch step := step.(type) {
	case sdk.Redirect:
		resp, err = client.Get(step.URL)
	case sdk.FormPost:
		form := url.Values{}
		for _, f := range step.Fields {
			form.Add(f.Name, f.Value)
		}
		resp, err = client.PostForm(step.URL, form)
	default:
		t.Fatalf("a %T", step)
	}
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	target, err := resp.Location()
	if err != nil {
		t.Fatalf("status %s: %v", resp.Status, err)
	}
	return target
}

func logoutClient() openidtest.Client {
	c := client()
	c.PostLogoutRedirectURIs = []string{logoutURL}
	return c
}

func TestOurLogout(t *testing.T) {
	big := []openidtest.Person{{Subject: "alice", Claims: map[string]any{"about": strings.Repeat("x", 8<<10)}}}
	for name, test := range map[string]struct {
		people []openidtest.Person
		post   bool
	}{"by a redirect": {}, "by a form, where the hint is large": {big, true}} {
		t.Run(name, func(t *testing.T) {
			c := logoutClient()
			c.ClaimsInIDToken = true
			s := refreshable(t, openidtest.Config{Clients: []openidtest.Client{c}, People: test.people, Security: openidtest.Security{Revocation: true}}, "alice", nil)
			step, err := s.BeginLogout(t.Context(), sdk.LogoutRequest{State: "the-state", Subject: s.Subject, Grant: s.Grant})
			if err != nil {
				t.Fatal(err)
			}
			if _, post := step.(sdk.FormPost); post != test.post {
				t.Errorf("a %T", step)
			}
			memory := memoryOf(step)
			back := browse(t, step)
			if !strings.HasPrefix(back.String(), logoutURL) || back.Query().Get("state") != "the-state" {
				t.Errorf("came back to %s", back)
			}
			got, err := s.ReceiveLogout(t.Context(), sdk.LogoutMessage{
				State: "the-state", Memory: memory,
				Request: sdk.InboundRequest{Method: http.MethodGet, Query: back.Query(), RawQuery: back.RawQuery},
			})
			if err != nil || got.Outcome != sdk.LogoutDone || got.Subject != "" || got.SessionIDs != nil {
				t.Errorf("%+v, %v", got, err)
			}
			// The session there is over, and the tokens are revoked.
			_, err = s.refresh(s.Grant)
			plugintest.Refused(t, err, sdk.ErrDenied, "invalid_grant")
			if s.op.Hits(openidtest.RevocationEndpoint) != 1 {
				t.Error("the tokens were not revoked")
			}
			// F28 a return without a logout that Doorward began.
			_, err = s.get(back.Query())
			plugintest.Refused(t, err, sdk.ErrInvalidResponse, reasonLogoutMessage)
			_, err = s.ReceiveLogout(t.Context(), sdk.LogoutMessage{State: "the-state", Memory: []byte("{}"), Request: sdk.InboundRequest{Method: http.MethodGet}})
			plugintest.Refused(t, err, sdk.ErrInvalidResponse, reasonUnsolicited)
		})
	}
}

func memoryOf(step sdk.Step) []byte {
	switch step := step.(type) {
	case sdk.Redirect:
		return step.Memory
	case sdk.FormPost:
		return step.Memory
	}
	return nil
}

func TestOurLogoutWithNothingToDo(t *testing.T) {
	config := openidtest.Config{Clients: []openidtest.Client{logoutClient()}, Security: openidtest.Security{Revocation: true}}
	for name, test := range map[string]struct {
		values map[string]any
		grant  string
		step   bool
		revoke int
	}{
		"all":                           {step: true, revoke: 1},
		"no grant":                      {grant: "-"},
		"a grant of another issuer":     {grant: `{"sub":"alice","iss":"https://other.example","refresh_token":"rt"}`},
		"the provider's session stays":  {values: map[string]any{"keep_provider_session": true}, revoke: 1},
		"the tokens stay":               {values: map[string]any{"keep_tokens_at_logout": true}, step: true},
		"an access token alone":         {values: map[string]any{"offline_access": false}, step: true, revoke: 1},
		"a session that keeps no token": {values: map[string]any{"no_refresh": "no"}, grant: `{"sub":"alice"}`, step: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := refreshable(t, config, "alice", test.values)
			grant := s.Grant
			if test.grant != "" {
				grant = []byte(strings.TrimPrefix(test.grant, "-"))
			}
			step, err := s.BeginLogout(t.Context(), sdk.LogoutRequest{State: "s", Grant: grant})
			if err != nil || (step != nil) != test.step || s.op.Hits(openidtest.RevocationEndpoint) != test.revoke {
				t.Errorf("step %v, %v, %d revocations", step, err, s.op.Hits(openidtest.RevocationEndpoint))
			}
		})
	}
	t.Run("a provider that has neither", func(t *testing.T) {
		r := openRig(t, serveDiscovery(t, nil), time.Now, nil)
		step, err := r.BeginLogout(t.Context(), sdk.LogoutRequest{State: "s", Grant: []byte(`{"sub":"alice","refresh_token":"rt"}`)})
		if step != nil || err != nil {
			t.Errorf("%v, %v", step, err)
		}
	})
	t.Run("E15 a revocation that fails is told without a secret", func(t *testing.T) {
		r := openRig(t, serveDiscovery(t, map[string]any{"revocation_endpoint": "http://127.0.0.1:1/revoke"}), time.Now, nil)
		step, err := r.BeginLogout(t.Context(), sdk.LogoutRequest{State: "s", Grant: []byte(`{"sub":"alice","refresh_token":"the-refresh-token-4711"}`)})
		if step != nil || err != nil || !strings.Contains(r.log.String(), string(reasonRevocation)) || strings.Contains(r.log.String(), "4711") {
			t.Errorf("%v, %v, %s", step, err, r.log)
		}
	})
	t.Run("an end-session endpoint that may not be asked", func(t *testing.T) {
		for _, endpoint := range []any{"http://op.example/end", "javascript:alert(1)", 1, []string{"https://op.example/end"}} {
			r := openRig(t, serveDiscovery(t, map[string]any{"end_session_endpoint": endpoint}), time.Now, nil)
			step, err := r.BeginLogout(t.Context(), sdk.LogoutRequest{State: "s", Grant: []byte(`{"sub":"alice"}`)})
			if step != nil || err != nil {
				t.Errorf("%v: %v, %v", endpoint, step, err)
			}
		}
	})
	t.Run("an end-session endpoint with a query", func(t *testing.T) {
		r := openRig(t, serveDiscovery(t, map[string]any{"end_session_endpoint": "https://op.example/end?p=a%20b&state=x"}), time.Now, nil)
		step, err := r.BeginLogout(t.Context(), sdk.LogoutRequest{State: "s", Grant: []byte(`{"sub":"alice","id_token":"a.b.c"}`)})
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(step.(sdk.Redirect).URL)
		want := url.Values{"p": {"a b"}, "state": {"s"}, "client_id": {clientID}, "post_logout_redirect_uri": {logoutURL}, "id_token_hint": {"a.b.c"}}
		if u.Query().Encode() != want.Encode() {
			t.Errorf("%s", u.RawQuery)
		}
	})
}
