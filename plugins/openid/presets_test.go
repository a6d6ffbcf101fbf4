package main

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/plugins/openid/internal/clientauth"
	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/plugins/openid/internal/idtoken"
	joses "github.com/doorward/doorward/plugins/openid/internal/jose"
	"github.com/doorward/doorward/plugins/openid/internal/preset"
	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugintest"
)

// likeRig is a mechanism with a provider that imitates a real one, under its real host name.
type likeRig struct {
	*rig
	subject      string
	server, name string // where the provider is, and is called
	op           *openidtest.Provider
}

// startLike starts a provider that imitates the one of a preset. The options are the preset,
// or none, and those given.
func startLike(t *testing.T, name string, usePreset bool, values map[string]any) *likeRig {
	t.Helper()
	p, ok := preset.Find(name)
	if !ok {
		t.Fatal("no preset", name)
	}
	issuer := cmp.Or(p.Issuer, p.Example)
	if text, ok := values["issuer_url"].(string); ok {
		issuer = text
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	registered := client()
	registered.PostLogoutRedirectURIs = []string{logoutURL}
	registered.Keys = []jose.JSONWebKey{{Key: key.Public(), KeyID: "KEY1234567"}}
	config := openidtest.Like(name, openidtest.Config{Issuer: issuer, AutoApprove: true, Clients: []openidtest.Client{registered}})
	op, err := openidtest.New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(op)
	t.Cleanup(server.Close)
	all := map[string]any{"issuer_url": nil}
	if !usePreset || p.Issuer == "" {
		all["issuer_url"] = issuer
	}
	if usePreset {
		all["preset"] = name
	}
	if p.SecretAudience != "" {
		all["client_secret"] = nil
		all["client_secret_key"], all["client_secret_key_id"], all["client_secret_team_id"] = pemOf(t, key), "KEY1234567", openidtest.AppleTeam
	}
	maps.Copy(all, values)
	r, err := tryOpenRig(t, issuer, time.Now, all)
	if err != nil {
		t.Fatal(err)
	}
	named, err := url.Parse(issuer)
	if err != nil {
		t.Fatal(err)
	}
	r.mechanism.logout = logoutURL
	here := strings.TrimPrefix(server.URL, "http://")
	r.wire.Next = atHost{named.Host, here, r.wire.Next}
	return &likeRig{r, config.People[0].Subject, server.URL, "https://" + named.Host, op}
}

func pemOf(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func (r *likeRig) signIn() (sdk.Identity, error) {
	r.t.Helper()
	const state = "state-of-this-login_0123456789"
	step, err := r.Begin(r.t.Context(), sdk.BeginRequest{State: state})
	if err != nil {
		return sdk.Identity{}, err
	}
	redirect := step.(sdk.Redirect)
	callback, err := openidtest.SignIn(r.t.Context(), strings.Replace(redirect.URL, r.name, r.server, 1), r.subject)
	if err != nil {
		return sdk.Identity{}, err
	}
	return r.finish(sdk.ContinueRequest{State: state, Memory: redirect.Memory, Response: inbound(r.t, callback)})
}

// TestPresets signs in and refreshes with each preset, with no other options than those of
// the client, and the issuer if the preset has none.
func TestPresets(t *testing.T) {
	type o = map[string]any
	alice := sdk.Identity{Username: "alice", Name: "Alice Archer", GivenName: "Alice", FamilyName: "Archer", Email: "alice@example.com", EmailVerified: true}
	but := func(change func(*sdk.Identity)) sdk.Identity {
		i := alice
		change(&i)
		return i
	}
	covered := map[string]bool{}
	for _, test := range []struct {
		name    string
		options o
		want    sdk.Identity
		grant   string // refresh, or "" if the provider gives no refresh token
	}{
		{name: "apple", grant: "refresh", want: sdk.Identity{GivenName: "Alice", FamilyName: "Archer", Email: "alice@privaterelay.appleid.com", EmailVerified: true}},
		{name: "auth0", want: alice},
		{name: "authentik", want: but(func(i *sdk.Identity) { i.Groups = []string{"archers", "staff"} })},
		{name: "cognito", grant: "refresh", want: but(func(i *sdk.Identity) { i.Groups = []string{"staff"} })},
		{name: "gitlab", grant: "refresh", want: but(func(i *sdk.Identity) { i.Groups = []string{"acme/staff", "acme"} })},
		{name: "google", grant: "refresh", want: alice},
		{name: "keycloak", grant: "refresh", want: but(func(i *sdk.Identity) { i.Groups = []string{"staff", "offline_access"} })},
		{name: "line", grant: "refresh", want: sdk.Identity{Name: "Alice", Email: "alice@example.com"}},
		{name: "linkedin", want: but(func(i *sdk.Identity) { i.Username = "" })},
		{name: "microsoft", grant: "refresh", want: but(func(i *sdk.Identity) { i.EmailVerified, i.GroupsUnknown = false, true })},
		{name: "okta", want: but(func(i *sdk.Identity) { i.Groups = []string{"archers", "staff"} })},
		{name: "slack", want: but(func(i *sdk.Identity) { i.Groups = []string{"T0R7GR"} })},
		{name: "twitch", grant: "refresh", want: sdk.Identity{Username: "alice", Email: "alice@example.com", EmailVerified: true}},
		{name: "zitadel", options: o{"trusted_audiences": "163840776835432345"}, want: but(func(i *sdk.Identity) { i.Groups = []string{"staff"} })},
	} {
		covered[test.name] = true
		t.Run(test.name, func(t *testing.T) {
			r := startLike(t, test.name, true, test.options)
			got, err := r.signIn()
			if err != nil {
				t.Fatal(err)
			}
			test.want.Subject = r.subject
			check := func(what string, got sdk.Identity) {
				t.Helper()
				short := sdk.Identity{
					Subject: got.Subject, Username: got.Username, Name: got.Name, GivenName: got.GivenName, FamilyName: got.FamilyName,
					Email: got.Email, EmailVerified: got.EmailVerified, Groups: got.Groups, GroupsUnknown: got.GroupsUnknown,
				}
				if diff := gocmp.Diff(test.want, short); diff != "" {
					t.Errorf("%s: %s", what, diff)
				}
			}
			check("login", got)
			if hits := r.op.Hits(openidtest.TokenEndpoint); hits != 1 {
				t.Errorf("%d token requests", hits)
			}
			if has := strings.Contains(string(got.Grant), `"refresh_token"`); has != (test.grant != "") {
				t.Errorf("a refresh token: %v", has)
			}
			if test.grant == "" {
				return
			}
			again, err := r.Refresh(t.Context(), got.Grant)
			if err != nil || again.Undecided != nil {
				t.Fatalf("refresh: %v, %v", err, again.Undecided)
			}
			if test.name == "apple" { // the name came once
				test.want.GivenName, test.want.FamilyName = "", ""
			}
			check("refresh", again.Identity)
		})
	}
	for _, p := range preset.All() {
		if !covered[p.Name] {
			t.Errorf("no login with %s", p.Name)
		}
	}
}

// TestWithoutThePreset shows what the presets are for: the same providers without the
// preset, or with one option changed.
func TestWithoutThePreset(t *testing.T) {
	type o = map[string]any
	with := func(t *testing.T, name string, values o) (sdk.Identity, error) {
		t.Helper()
		return startLike(t, name, true, values).signIn()
	}
	refused := func(t *testing.T, name string, values o, kind error, reason sdk.Reason) {
		t.Helper()
		_, err := startLike(t, name, false, values).signIn()
		plugintest.Refused(t, err, kind, reason)
	}
	post := o{"client_token_endpoint_auth_method": "client_secret_post"}
	unlisted := o{"client_token_endpoint_auth_method": "client_secret_post", "allow_unlisted_pkce": true}

	t.Run("line signs with the client secret", func(t *testing.T) {
		refused(t, "line", post, sdk.ErrInvalidResponse, joses.ReasonAlg)
	})
	t.Run("linkedin lists no PKCE", func(t *testing.T) {
		refused(t, "linkedin", post, sdk.ErrMisconfigured, discovery.ReasonUnsupported)
	})
	t.Run("linkedin refuses a code verifier", func(t *testing.T) {
		refused(t, "linkedin", unlisted, sdk.ErrMisconfigured, "invalid_client")
	})
	t.Run("linkedin has no nonce", func(t *testing.T) {
		refused(t, "linkedin", o{"client_token_endpoint_auth_method": "client_secret_post", "pkce": "off"}, sdk.ErrInvalidResponse, idtoken.ReasonNonceMismatch)
	})
	t.Run("slack lists no PKCE", func(t *testing.T) {
		refused(t, "slack", nil, sdk.ErrMisconfigured, discovery.ReasonUnsupported)
	})
	t.Run("twitch tells what it is asked for", func(t *testing.T) {
		got, err := with(t, "twitch", o{"params": o{"claims": ""}})
		if err != nil || got.Email != "" || got.Username != "" {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("google gives no refresh token", func(t *testing.T) {
		got, err := with(t, "google", o{"params__prompt": "select_account"})
		if err != nil || strings.Contains(string(got.Grant), `"refresh_token"`) {
			t.Errorf("%v, a grant with a refresh token", err)
		}
	})
	t.Run("google in the domain", func(t *testing.T) {
		if got, err := with(t, "google", o{"params__hd": "example.com"}); err != nil || got.Email != "alice@example.com" {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("google in another domain", func(t *testing.T) {
		_, err := with(t, "google", o{"params__hd": "example.org"})
		plugintest.Refused(t, err, sdk.ErrInvalidResponse, idtoken.ReasonHostedDomain)
	})
	t.Run("microsoft for many tenants", func(t *testing.T) {
		const common = "https://login.microsoftonline.com/common/v2.0"
		if _, err := with(t, "microsoft", o{"issuer_url": common, "allowed_tenants": "00000000-0000-0000-0000-000000000000"}); err != nil {
			t.Error(err)
		}
		_, err := with(t, "microsoft", o{"issuer_url": common, "allowed_tenants": "11111111-0000-0000-0000-000000000000"})
		plugintest.Refused(t, err, sdk.ErrDenied, discovery.ReasonTenant)
	})
	t.Run("cognito writes the text true", func(t *testing.T) {
		got, err := startLike(t, "cognito", false, o{"allow_unlisted_pkce": true}).signIn()
		if err != nil || got.EmailVerified {
			t.Errorf("%+v, %v", got, err)
		}
	})
	t.Run("zitadel names the project", func(t *testing.T) {
		_, err := with(t, "zitadel", nil)
		plugintest.Refused(t, err, sdk.ErrInvalidResponse, idtoken.ReasonAudienceUntrusted)
	})
	t.Run("what is written wins", func(t *testing.T) {
		got, err := with(t, "keycloak", o{"group_claim_name": "nothing", "username_key": "email"})
		if err != nil || got.Groups != nil || got.Username != "alice@example.com" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestCognitoLogout: Cognito has its own logout endpoint, and sends the browser back without
// parameters.
func TestCognitoLogout(t *testing.T) {
	r := startLike(t, "cognito", true, map[string]any{"issuer_url": "https://example.auth.eu-central-1.amazoncognito.com"})
	got, err := r.signIn()
	if err != nil {
		t.Fatal(err)
	}
	step, err := r.BeginLogout(t.Context(), sdk.LogoutRequest{State: "state-of-this-logout", Grant: got.Grant})
	if err != nil {
		t.Fatal(err)
	}
	redirect, ok := step.(sdk.Redirect)
	if !ok {
		t.Fatalf("a %T", step)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(redirect.URL, r.name, r.server, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	if back := res.Header.Get("Location"); res.StatusCode != http.StatusFound || back != logoutURL {
		t.Errorf("%s, to %q", res.Status, back)
	}
}

// TestSignedSecret: it is renewed, and bad keys are reported when the provider is opened.
func TestSignedSecret(t *testing.T) {
	type o = map[string]any
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := o{"preset": "apple", "client_secret": nil, "client_secret_key": pemOf(t, p256), "client_secret_key_id": "K", "client_secret_team_id": "T"}
	for name, change := range map[string]o{
		"no key":            {"client_secret_key": nil},
		"no key ID":         {"client_secret_key_id": nil},
		"no team":           {"client_secret_team_id": nil},
		"another curve":     {"client_secret_key": pemOf(t, p384)},
		"no PEM":            {"client_secret_key": "MIGTAgEAMBMGByqGSM49"},
		"no such preset":    {"preset": nil, "issuer_url": "https://op.example"},
		"a secret, too":     {"client_secret": "s3cret"},
		"no secret at all":  {"client_secret_key": nil, "client_secret_key_id": nil, "client_secret_team_id": nil},
		"a public client":   {"client_token_endpoint_auth_method": "none"},
		"an unknown preset": {"preset": "appel"},
	} {
		t.Run(name, func(t *testing.T) {
			values := maps.Clone(good)
			maps.Copy(values, change)
			values["client_id"] = clientID
			maps.DeleteFunc(values, func(_ string, v any) bool { return v == nil })
			decoded, err := options.Decode[Options](values)
			if err == nil {
				_, err = newMechanism(sdk.Env{}, decoded)
			}
			if err == nil {
				t.Error("accepted")
			} else if strings.Contains(err.Error(), "MIGT") {
				t.Errorf("the key is in the error: %v", err)
			}
		})
	}

	clock := plugintest.NewClock()
	auth, problems := clientauth.New(clientauth.Settings{ClientID: clientID, Method: clientauth.Post, Signed: clientauth.SignedSecret{
		Audience: "https://appleid.apple.com", TeamID: "T", KeyID: "K", Key: options.Secret(pemOf(t, p256)),
	}})
	if problems != nil {
		t.Fatal(problems)
	}
	secret := func() string {
		t.Helper()
		form := url.Values{}
		if _, err := auth.AuthenticateForm(form, clientauth.At{}, clock.Now()); err != nil {
			t.Fatal(err)
		}
		return form.Get("client_secret")
	}
	first := secret()
	if clock.Advance(time.Minute); secret() != first {
		t.Error("renewed at once")
	}
	clock.Advance(2 * time.Minute)
	second := secret()
	if second == first {
		t.Error("not renewed")
	}
	for _, made := range []string{first, second} {
		if !slices.Contains(auth.Secrets(), made) {
			t.Error("Secrets does not contain a secret")
		}
	}
}

// TestNameThatComesOnce: the name in the browser's parameter is used if it is valid.
func TestNameThatComesOnce(t *testing.T) {
	named := sdk.Identity{Subject: "s", Name: "Alice"}
	for _, test := range []struct {
		name, user    string
		before        sdk.Identity
		given, family string
		warnings      int
		nameBefore    string
	}{
		{name: "both", user: `{"name":{"firstName":"Ada","lastName":"L"},"email":"x@example.com"}`, given: "Ada", family: "L"},
		{name: "one", user: `{"name":{"firstName":"Ada"}}`, given: "Ada"},
		{name: "nothing"},
		{name: "no name", user: `{"email":"x@example.com"}`},
		{name: "the provider has a name", user: `{"name":{"firstName":"Mallory"}}`, before: named, nameBefore: "Alice"},
		{name: "no JSON", user: `<name>`, warnings: 1},
		{name: "another form", user: `{"name":"Ada"}`, warnings: 1},
		{name: "twice", user: `{"name":{"firstName":"Ada","firstname":"Eve"}}`, warnings: 1},
		{name: "control characters", user: `{"name":{"firstName":"A\u001b[2Jda"}}`, given: "A [2Jda", warnings: 1},
		{name: "half a surrogate pair", user: `{"name":{"firstName":"\ud800"}}`, warnings: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := withNameOf(sdk.InboundRequest{Form: url.Values{"user": {test.user}}}, test.before)
			if got.GivenName != test.given || got.FamilyName != test.family || got.Email != "" || got.Name != test.nameBefore || len(got.Warnings) != test.warnings {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestNonceThatIsThere: the preset for a provider without a nonce does not accept a wrong
// one.
func TestNonceThatIsThere(t *testing.T) {
	op := startOP(t, openidtest.Config{})
	op.Misbehave(openidtest.NonceOther)
	_, err := openRig(t, op.Issuer(), time.Now, map[string]any{"allow_missing_nonce": true}).login("alice")
	plugintest.Refused(t, err, sdk.ErrInvalidResponse, idtoken.ReasonNonceMismatch)
}

// FuzzNameThatComesOnce: any value of the browser's parameter changes only the name, and the
// name is printable.
func FuzzNameThatComesOnce(f *testing.F) {
	for _, seed := range []string{`{"name":{"firstName":"Ada","lastName":"L"},"email":"x@example.com"}`, `{"name":null}`, `{"name":{"firstName":"\ud800"}}`, `[]`, "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, user string) {
		got := withNameOf(sdk.InboundRequest{Form: url.Values{"user": {user}}}, sdk.Identity{Subject: "s"})
		given, family := got.GivenName, got.FamilyName
		got.GivenName, got.FamilyName, got.Warnings = "", "", nil
		if diff := gocmp.Diff(sdk.Identity{Subject: "s"}, got); diff != "" {
			t.Fatal(diff)
		}
		for _, name := range []string{given, family} {
			if len(name) > sdk.MaxAttribute || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
				t.Fatalf("%q", name)
			}
		}
	})
}
