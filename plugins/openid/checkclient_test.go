package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/internal/preset"
	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
)

// TestCheckTellsWhatIsWrong: without a login, the check finds a wrong client ID, a wrong
// secret and an unregistered callback if the provider's answer shows them; otherwise the
// check says that it cannot.
func TestCheckTellsWhatIsWrong(t *testing.T) {
	const ok, warning, wrong = sdk.SeverityOK, sdk.SeverityWarning, sdk.SeverityError
	type o = map[string]any
	// refusing makes the token endpoint answer any code.
	refusing := func(status int, body string) openidtest.Quirk {
		return openidtest.Quirk{Answer: func(at openidtest.Stage, a *openidtest.Answer) {
			if at == openidtest.AtToken {
				a.Status, a.Body = status, []byte(body)
			}
		}}
	}
	// asked makes the authorization endpoint answer any request.
	asked := func(status int, header http.Header, body string) openidtest.Quirk {
		return openidtest.Quirk{Answer: func(at openidtest.Stage, a *openidtest.Answer) {
			if at == openidtest.AtAuthorization {
				a.Status, a.Header, a.Body = status, header, []byte(body)
			}
		}}
	}
	html := http.Header{"Content-Type": {"text/html"}}
	to := func(location string) http.Header { return http.Header{"Location": {location}} }
	for _, test := range []struct {
		name                  string
		quirk                 openidtest.Quirk
		options               o
		registered            openidtest.Client
		authorization, client sdk.Severity
		says                  string
	}{
		{name: "good", authorization: ok, client: ok},
		{name: "wrong secret", options: o{"client_secret": "wrong"}, authorization: ok, client: wrong, says: "invalid_client"},
		{name: "wrong client ID", options: o{"client_id": "nobody"}, authorization: wrong, client: wrong, says: "client_id is wrong"},
		{name: "callback not registered", registered: openidtest.Client{ID: clientID, Secret: clientSecret, RedirectURIs: []string{callbackURL + "/"}}, authorization: wrong, client: ok, says: "the callback is not registered"},
		{name: "method of another registration", options: o{"client_token_endpoint_auth_method": "client_secret_post"}, authorization: ok, client: wrong},
		{name: "a public client", options: o{"client_secret": nil, "client_token_endpoint_auth_method": "none"}, registered: openidtest.Client{ID: clientID, TokenEndpointAuthMethod: openidtest.PublicClient, RedirectURIs: []string{callbackURL}}, authorization: ok, client: ok},

		{name: "Gitea: unauthorized_client for a bad code", quirk: refusing(400, `{"error":"unauthorized_client","error_description":"client is not authorized"}`), authorization: ok, client: warning, says: "only a login"},
		{name: "invalid_request for a bad code", quirk: refusing(400, `{"error":"invalid_request"}`), authorization: ok, client: warning},
		{name: "a word of its own", quirk: refusing(200, `{"ok":false,"error":"invalid_code"}`), authorization: ok, client: warning},
		{name: "401 without a word", quirk: refusing(401, `no`), authorization: ok, client: warning},
		{name: "a page", quirk: refusing(200, `<html>`), authorization: ok, client: warning},
		{name: "an outage", quirk: refusing(503, ``), authorization: ok, client: warning},
		{name: "a token for any code", quirk: refusing(200, `{"access_token":"a","token_type":"Bearer","id_token":"x"}`), authorization: ok, client: wrong, says: "do not use this provider"},

		{name: "nobody is signed in there", quirk: asked(302, to(callbackURL+"?error=login_required&state=STATE"), ""), authorization: ok, client: ok, says: "knows the client and the callback"},
		{name: "the scope is refused", quirk: asked(302, to(callbackURL+"?error=invalid_scope&state=STATE"), ""), authorization: wrong, client: ok, says: "invalid_scope"},
		{name: "prompt is not known", quirk: asked(302, to(callbackURL+"?error=invalid_request&state=STATE"), ""), authorization: warning, client: ok},
		{name: "another state", quirk: asked(302, to(callbackURL+"?error=invalid_scope&state=x"), ""), authorization: warning, client: ok},
		{name: "leads to a page for signing in", quirk: asked(302, to("https://op.example/login?redirect_uri="+callbackURL), ""), authorization: ok, client: ok, says: "only a login"},
		{name: "leads to a host that begins alike", quirk: asked(302, to("https://login.example.evil.example/auth/login/op/callback?error=login_required"), ""), authorization: ok, client: ok, says: "only a login"},
		{name: "a page for signing in", quirk: asked(200, html, "<html>sign in"), authorization: ok, client: ok, says: "only a login"},
		{name: "a form that is posted", options: o{"params__response_mode": "form_post"}, authorization: ok, client: ok, says: "only a login"},
		{name: "Auth0: status 403", quirk: asked(403, html, "<html>Callback URL mismatch"), authorization: warning, client: ok},
		{name: "too many requests", quirk: asked(429, html, ""), authorization: ok, client: ok},
		{name: "Microsoft: the callback", quirk: asked(200, html, `<script>{"strServiceExceptionMessage":"AADSTS50011: The redirect URI …"}`), authorization: wrong, client: ok, says: "AADSTS50011"},
		{name: "Microsoft: the client", quirk: asked(200, html, `<script>{"strServiceExceptionMessage":"AADSTS700016: Application …"}`), authorization: wrong, client: ok, says: "AADSTS700016"},
	} {
		t.Run(test.name, func(t *testing.T) {
			registered := client()
			if test.registered.ID != "" {
				registered = test.registered
			}
			quirk := test.quirk
			if answer := quirk.Answer; answer != nil {
				state := ""
				quirk.Authorize = func(r *http.Request) string {
					state = r.FormValue("state")
					return ""
				}
				quirk.Answer = func(at openidtest.Stage, a *openidtest.Answer) {
					answer(at, a)
					if location := a.Header.Get("Location"); strings.Contains(location, "STATE") {
						a.Header = to(strings.Replace(location, "STATE", state, 1))
					}
				}
			}
			op := startOP(t, openidtest.Config{Clients: []openidtest.Client{registered}, Quirk: quirk})
			r := openRig(t, op.Issuer(), time.Now, test.options)
			findings, err := r.Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			said := ""
			for _, f := range findings {
				want, asked := map[string]sdk.Severity{"authorization": test.authorization, "client": test.client}[f.Subject]
				if asked && f.Severity != want {
					t.Errorf("%s: %s: %s", f.Severity, f.Subject, f.Text)
				}
				said += f.Subject + " " + f.Text + "\n"
			}
			if !strings.Contains(said, test.says) || !strings.Contains(said, callbackURL) || !strings.Contains(said, logoutURL) || !strings.Contains(said, "\nclient ") {
				t.Errorf("it says:\n%s", said)
			}
			if strings.Contains(said, clientSecret) || strings.Contains(r.log.String(), clientSecret) {
				t.Error("the findings contain a secret")
			}
			if hits := op.Hits(openidtest.TokenEndpoint); hits != 1 {
				t.Errorf("%d token requests", hits)
			}
		})
	}
}

// TestCheckOfPresets: with each preset, the check of a correct client has no error, and that
// of a wrong secret has one, unless the provider does not use the error codes of the
// specifications.
func TestCheckOfPresets(t *testing.T) {
	untold := map[string]bool{"twitch": true}
	for _, p := range preset.All() {
		t.Run(p.Name, func(t *testing.T) {
			for _, f := range findingsOf(t, startLike(t, p.Name, true, nil).rig) {
				if f.Severity == sdk.SeverityError || f.Subject == "client" && (f.Severity == sdk.SeverityOK) == untold[p.Name] {
					t.Errorf("%s: %s: %s", f.Severity, f.Subject, f.Text)
				}
			}
			if p.SecretAudience != "" {
				return
			}
			for _, f := range findingsOf(t, startLike(t, p.Name, true, map[string]any{"client_secret": "wrong"}).rig) {
				if f.Subject == "client" && (f.Severity == sdk.SeverityError) == untold[p.Name] {
					t.Errorf("wrong secret: %s: %s: %s", f.Severity, f.Subject, f.Text)
				}
			}
		})
	}
}

func findingsOf(t *testing.T, r *rig) []sdk.Finding {
	t.Helper()
	findings, err := r.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return findings
}

// TestUnattendedCheck: the host's periodic check does not send codes that fill the
// provider's log with errors.
func TestUnattendedCheck(t *testing.T) {
	op := startOP(t, openidtest.Config{Clients: []openidtest.Client{client()}})
	r := openRig(t, op.Issuer(), time.Now, nil)
	for _, attended := range []bool{false, true} {
		ctx := t.Context()
		if !attended {
			ctx = sdk.Unattended(ctx)
		}
		if _, err := r.Check(ctx); err != nil {
			t.Fatal(err)
		}
		if asked := op.Hits(openidtest.TokenEndpoint)+op.Hits(openidtest.AuthorizationEndpoint) > 0; asked != attended {
			t.Errorf("attended %v: the client is tried: %v", attended, asked)
		}
	}
}
