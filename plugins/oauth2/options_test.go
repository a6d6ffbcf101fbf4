package main

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/oauth2/internal/profile"
	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

func TestOptionProblems(t *testing.T) {
	type o = map[string]any
	generic := o{
		"client_id": "door", "client_secret": clientSecret, "identifier_key": "id",
		"authorize_url": "https://as.example/a", "access_url": "https://as.example/t", "profile_url": "https://as.example/p",
	}
	github := o{"preset": "github", "client_id": "door", "client_secret": clientSecret}
	for _, test := range []struct {
		name    string
		base    o
		options o
		option  string // the option with a problem, or empty
	}{
		{"good", generic, o{}, ""},
		{"preset with ID and secret is enough", github, o{}, ""},
		{"no client ID", generic, o{"client_id": ""}, "client_id"},
		{"client ID outside ASCII", generic, o{"client_id": "dör"}, "client_id"},
		{"client ID with many digits", generic, o{"client_id": json.Number("123456789012345678")}, ""},
		{"no secret", generic, o{"client_secret": ""}, "client_secret"},
		{"secret for a public client", generic, o{"client_token_endpoint_auth_method": "none"}, "client_secret"},
		{"public client", generic, o{"client_token_endpoint_auth_method": "none", "client_secret": ""}, ""},
		{"public client without PKCE", generic, o{"client_token_endpoint_auth_method": "none", "client_secret": "", "pkce": "off"}, "pkce"},
		{"raw Basic with a colon in the ID", generic, o{"client_token_endpoint_auth_method": "client_secret_basic_raw", "client_id": "a:b"}, "client_token_endpoint_auth_method"},
		{"no URLs", o{"client_id": "a", "client_secret": "b", "identifier_key": "id"}, o{}, "authorize_url"},
		{"no identifier", generic, o{"identifier_key": ""}, "identifier_key"},
		{"identifier of two alternatives", generic, o{"identifier_key": "id|login"}, "identifier_key"},
		{"identifier of a list", generic, o{"identifier_key": "ids[]"}, "identifier_key"},
		{"identifier that is no path", generic, o{"identifier_key": "a[b"}, "identifier_key"},
		{"unknown preset", github, o{"preset": "gihub"}, "preset"},
		{"preset of the openid plugin", github, o{"preset": "google"}, "preset"},
		{"server of one's own without base_url", github, o{"preset": "gitea"}, "base_url"},
		{"server of one's own", github, o{"preset": "gitea", "base_url": "https://git.example.com/"}, ""},
		{"base_url without a preset", generic, o{"base_url": "https://git.example.com"}, "base_url"},
		{"base_url that is http", github, o{"base_url": "http://git.example.com"}, "base_url"},
		{"node_id", github, o{"identifier_key": "node_id"}, ""},
		{"node_id as a number", github, o{"identifier_key": "node_id", "identifier_type": "integer"}, "identifier_type"},
		{"scopes with commas", generic, o{"scope": "a,b c"}, ""},
		{"scope with a quote", generic, o{"scope": `"a"`}, "scope"},
		{"OS30 scope openid", generic, o{"scope": "openid email"}, "scope"},
		{"params may not set state", generic, o{"params": o{"state": "x"}}, "params"},
		{"params may not set redirect_uri", generic, o{"params__redirect_uri": "x"}, "params"},
		{"params may not set response_mode", generic, o{"params__response_mode": "form_post"}, "params"},
		{"params may not set code_challenge_method", generic, o{"params__code_challenge_method": "plain"}, "params"},
		{"odd parameter name", generic, o{"params": o{"a b": "x"}}, "params"},
		{"token_params may not set code", generic, o{"token_params": o{"code": "x"}}, "token_params"},
		{"token_params", generic, o{"token_params": o{"audience": "x"}}, ""},
		{"plain two ways", generic, o{"plain_code_challenge": true, "pkce": "S256"}, "plain_code_challenge"},
		{"OS23 header with a line break", generic, o{"profile_headers": o{"X-A": "a\r\nb: c"}}, "profile_headers"},
		{"header with a bad name", generic, o{"token_headers": o{"X A": "a"}}, "token_headers"},
		{"header Authorization", generic, o{"profile_headers": o{"authorization": "x"}}, "profile_headers"},
		{"error_when", generic, o{"error_when": "ok=false, resultcode!=00"}, ""},
		{"error_when that is no rule", generic, o{"error_when": "a[b"}, "error_when"},
		{"refuse_when that is no rule", generic, o{"refuse_when": "a=\"b"}, "refuse_when"},
		{"calls", generic, o{"profile_calls": `[{"name":"emails","url":"https://as.example/e","list":true,"pages":"link"},{"name":"teams","url":"https://as.example/t/{id}","pages":"next:next","items":"values"}]`}, ""},
		{"calls with a slip of the pen", generic, o{"profile_calls": `[{"name":"emails","ulr":"https://as.example/e"}]`}, "profile_calls"},
		{"calls that are no list", generic, o{"profile_calls": `{"name":"emails"}`}, "profile_calls"},
		{"call with a reserved name", generic, o{"profile_calls": `[{"name":"token","url":"https://as.example/e"}]`}, "profile_calls"},
		{"call twice", generic, o{"profile_calls": `[{"name":"a","url":"https://as.example/e"},{"name":"a","url":"https://as.example/e"}]`}, "profile_calls"},
		{"call with pages of what", generic, o{"profile_calls": `[{"name":"a","url":"https://as.example/e","pages":"link"}]`}, "profile_calls"},
		{"call with unknown pages", generic, o{"profile_calls": `[{"name":"a","url":"https://as.example/e","pages":"offset","list":true}]`}, "profile_calls"},
		{"nine calls", generic, o{"profile_calls": "[" + strings.Join(nineCalls(), ",") + "]"}, "profile_calls"},
		{"organizations of a generic provider", generic, o{"allowed_organizations": "acme"}, "allowed_organizations"},
		{"teams of Discord", github, o{"preset": "discord", "allowed_teams": "a/b"}, "allowed_teams"},
		{"groups of a generic provider", generic, o{"allowed_groups": "acme"}, ""},
		{"read_groups where there are none", github, o{"preset": "spotify", "read_groups": true}, "group_claim_name"},
		{"group_name alone", github, o{"group_name": "{login}"}, "group_name"},
		{"an empty list of organizations", github, o{"allowed_organizations": ","}, "allowed_organizations"},
		{"an empty list of teams", github, o{"allowed_teams": []any{}}, "allowed_teams"},
		{"an empty list of groups", generic, o{"allowed_groups": "[]"}, "allowed_groups"},
		{"an empty list of domains", github, o{"allowed_email_domains": " , "}, "allowed_email_domains"},
		{"no list of organizations", github, o{"allowed_organizations": ""}, ""},
		{"no time for a login", github, o{"client_http_total_timeout": "0"}, "client_http_total_timeout"},
		{"all day for a login", github, o{"client_http_total_timeout": "1d"}, "client_http_total_timeout"},
		{"domain", github, o{"allowed_email_domains": "example.com, @example.org"}, ""},
		{"domain with a star", github, o{"allowed_email_domains": "*.example.com"}, "allowed_email_domains"},
		{"domain where nothing is verified", github, o{"preset": "facebook", "allowed_email_domains": "example.com"}, "allowed_email_domains"},
		{"verified values", generic, o{"email_verified_key": "v", "email_verified_values": `true, "true", 1`}, ""},
		{"verified value that is no JSON", generic, o{"email_verified_values": "yes"}, "email_verified_values"},
		{"OA21 verified value false", generic, o{"email_verified_values": "false"}, "email_verified_values"},
		{"OA21 verified value null", generic, o{"email_verified_values": "null"}, "email_verified_values"},
		{"proof without a secret", generic, o{"appsecret_proof": true, "client_secret": "", "client_token_endpoint_auth_method": "none"}, "appsecret_proof"},
		{"certificate without a key", generic, o{"client_http_cert": "x"}, "client_http_cert"},
		{"slip of the pen", generic, o{"client_secert": "x"}, "client_secert"},
		{"Directus's names", generic, o{"email_key": "mail", "first_name_key": "name.first", "last_name_key": "name.last", "group_claim_name": "roles", "plain_code_challenge": "false"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			values := maps.Clone(test.base)
			maps.Copy(values, test.options)
			_, err := options.Decode[Options](values)
			if test.option == "" {
				if err != nil {
					t.Errorf("problem: %v", err)
				}
				return
			}
			problems, ok := errors.AsType[options.Problems](err)
			if !ok || len(problems) == 0 || problems[0].Option != test.option {
				t.Fatalf("problems: %v, want one of %s", err, test.option)
			}
			if strings.Contains(err.Error(), clientSecret) {
				t.Errorf("a secret in %v", err)
			}
		})
	}
}

func nineCalls() []string {
	var list []string
	for _, name := range strings.Split("a b c d e f g h i", " ") {
		list = append(list, `{"name":"`+name+`","url":"https://as.example/e"}`)
	}
	return list
}

func TestAuthorizationRequest(t *testing.T) {
	type o = map[string]any
	for _, test := range []struct {
		name    string
		kind    oauth2test.Kind
		options o
		want    map[string]string
	}{
		{"generic", oauth2test.Generic, o{}, map[string]string{"scope": "email"}},
		{"scope of one's own", oauth2test.Generic, o{"scope": "a,b"}, map[string]string{"scope": "a b"}},
		{"with commas", oauth2test.Generic, o{"scope": "a b", "scope_separator": "comma"}, map[string]string{"scope": "a,b"}},
		{"no scope", oauth2test.Nextcloud, o{}, map[string]string{"scope": ""}},
		{"Facebook's commas", oauth2test.Facebook, o{}, map[string]string{"scope": "public_profile,email"}},
		{"GitHub", oauth2test.GitHub, o{}, map[string]string{"scope": "read:user user:email"}},
		{"GitHub with groups", oauth2test.GitHub, o{"allowed_teams": "acme/devs"}, map[string]string{"scope": "read:user user:email read:org"}},
		{"GitHub App with groups", oauth2test.GitHubApp, o{"allowed_teams": "acme/devs"}, map[string]string{"scope": ""}},
		{"parameters", oauth2test.Atlassian, o{"params": o{"prompt": "", "x": json.Number("1"), "y": o{"a": true}}}, map[string]string{"audience": "api.atlassian.com", "prompt": "", "x": "1", "y": `{"a":true}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, _ := startRig(t, oauth2test.Config{Kind: test.kind}, test.options)
			target, err := url.Parse(r.start().URL)
			if err != nil {
				t.Fatal(err)
			}
			query := target.Query()
			for name, want := range test.want {
				if query.Get(name) != want || query.Has(name) != (want != "") {
					t.Errorf("%s=%q, want %q", name, query.Get(name), want)
				}
			}
			if query.Get("state") != theState || query.Get("redirect_uri") != callbackURL || query.Get("client_id") != clientID {
				t.Errorf("%s", target)
			}
		})
	}
	r, _ := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, nil)
	for hint, want := range map[string]string{"alice": "alice", "a\nb": "", strings.Repeat("x", 256): ""} {
		step, err := r.Begin(sdk.BeginRequest{State: theState, LoginHint: hint, Consent: true})
		if err != nil {
			t.Fatal(err)
		}
		target, err := url.Parse(step.(sdk.Redirect).URL)
		if err != nil || target.Query().Get("login") != want || target.Query().Get("prompt") != "consent" {
			t.Errorf("%s", target)
		}
	}
	long, _ := startRig(t, oauth2test.Config{}, map[string]any{"params": map[string]any{"x": strings.Repeat("x", sdk.MaxURL)}})
	_, err := long.Begin(sdk.BeginRequest{State: theState})
	checkReason(t, err, sdk.ErrMisconfigured, reasonRequestTooLong)
}

// TestGroups reads groups from presets, lists, objects and texts.
func TestGroups(t *testing.T) {
	for _, test := range []struct {
		name, groups string // as JSON
		options      map[string]any
		want         string
	}{
		{"list", `["a","b"]`, nil, "a b"},
		{"text with commas", `"a, b"`, nil, "a b"},
		{"text that is one group", `"a, b"`, map[string]any{"group_claim_separator": "none"}, "a, b"},
		{"one group", `"a"`, nil, "a"},
		{"OS11 one group of a list that reads as two", `["guests,admins"]`, nil, "guests,admins"},
		{"OS11 one of the list that fits", `[{"name":"guests,admins","mine":true}]`, map[string]any{"group_claim_name": "groups[mine].name"}, "guests,admins"},
		{"OS11 one of each element", `[{"name":"guests,admins"}]`, map[string]any{"group_claim_name": "groups[].name"}, "guests,admins"},
		{"twice", `["a","a"]`, nil, "a"},
		{"null", `null`, nil, ""},
		{"numbers", `[1,967361082460459008]`, nil, "1 967361082460459008"},
		{"objects", `[{"name":"a","org":{"n":"x"}},{"name":"b","org":{"n":"y"}}]`, map[string]any{"group_claim_name": "groups[]", "group_name": "{org.n}/{name}"}, "x/a y/b"},
		{"OS11 a name that reads as another's", `[{"name":"c","org":{"n":"a/b"}},{"name":"b","org":{"n":"y"}}]`, map[string]any{"group_claim_name": "groups[]", "group_name": "{org.n}/{name}"}, "y/b"},
		{"OS11 a name that reads as an identifier", `["organization:9919","team:31","a"]`, nil, "a"},
		{"objects without group_name", `[{"name":"a"}]`, nil, "!"},
		{"lists in a list", `[["a"]]`, nil, "!"},
		{"control characters", `["a\u0001"]`, nil, "!"},
		{"endless", `["` + strings.Repeat("x", sdk.MaxAttribute+1) + `"]`, nil, "!"},
		{"object", `{"a":true}`, nil, "!"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{}, test.options)
			as.Alter(oauth2test.Profile, rawMember("groups", test.groups))
			got, err := r.login("alice")
			if test.want == "!" {
				if !errors.Is(err, sdk.ErrInvalidResponse) {
					t.Errorf("%v, %v", got.Groups, err)
				}
				return
			}
			if err != nil || strings.Join(got.Groups, " ") != test.want {
				t.Errorf("%v, %v", got.Groups, err)
			}
		})
	}
}

func TestWhoMaySignIn(t *testing.T) {
	for _, test := range []struct {
		name    string
		kind    oauth2test.Kind
		options map[string]any
		alice   bool // bob must always be refused
	}{
		{"organization by name", oauth2test.GitHub, map[string]any{"allowed_organizations": "acme"}, true},
		{"organization by ID", oauth2test.GitHub, map[string]any{"allowed_organizations": "id:9919"}, true},
		{"another organization", oauth2test.GitHub, map[string]any{"allowed_organizations": "umbrella"}, false},
		{"OS11 the ID of a team is none of an organization", oauth2test.GitHub, map[string]any{"allowed_organizations": "id:31"}, false},
		{"OS11 the name of an organization that is a number", oauth2test.GitHub, map[string]any{"allowed_organizations": "9919"}, false},
		{"OS11 the name of an organization is none of its IDs", oauth2test.GitHub, map[string]any{"allowed_organizations": "id:acme"}, false},
		{"team by name", oauth2test.GitHub, map[string]any{"allowed_teams": "acme/devs"}, true},
		{"team by ID", oauth2test.GitHub, map[string]any{"allowed_teams": "id:31"}, true},
		{"team of another organization", oauth2test.GitHub, map[string]any{"allowed_teams": "umbrella/devs"}, false},
		{"team or organization", oauth2test.GitHub, map[string]any{"allowed_teams": "x/y", "allowed_organizations": "acme"}, true},
		{"GitHub App", oauth2test.GitHubApp, map[string]any{"allowed_organizations": "acme"}, true},
		{"GitHub Enterprise", oauth2test.GitHubEnterprise, map[string]any{"allowed_organizations": "acme"}, true},
		{"Gitea by team", oauth2test.Gitea, map[string]any{"allowed_teams": "acme/devs"}, true},
		{"Discord by ID", oauth2test.Discord, map[string]any{"allowed_organizations": "id:9919"}, true},
		{"Discord by name", oauth2test.Discord, map[string]any{"allowed_organizations": "acme"}, false},
		{"OS11 an identifier of which kind", oauth2test.GitHub, map[string]any{"allowed_groups": "id:31, id:9919"}, false},
		{"organization among all groups", oauth2test.GitHub, map[string]any{"allowed_groups": "organization:9919"}, true},
		{"team among all groups", oauth2test.GitHub, map[string]any{"allowed_groups": "team:31"}, true},
		{"OS11 the number of a team as an organization", oauth2test.GitHub, map[string]any{"allowed_groups": "organization:31"}, false},
		{"Nextcloud by group", oauth2test.Nextcloud, map[string]any{"allowed_groups": "acme"}, true},
		{"generic by group", oauth2test.Generic, map[string]any{"allowed_groups": "acme"}, true},
		{"domain", oauth2test.GitHub, map[string]any{"allowed_email_domains": "EXAMPLE.com"}, true},
		{"another domain", oauth2test.GitHub, map[string]any{"allowed_email_domains": "ample.com"}, false},
		{"both wanted, one there", oauth2test.GitHub, map[string]any{"allowed_email_domains": "example.com", "allowed_organizations": "umbrella"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, _ := startRig(t, oauth2test.Config{Kind: test.kind}, test.options)
			if test.alice {
				r.mustLogin("alice")
			} else {
				_, err := r.login("alice")
				checkReason(t, err, sdk.ErrDenied, sdk.ReasonNotAllowed)
			}
			_, err := r.login("bob")
			checkReason(t, err, sdk.ErrDenied, sdk.ReasonNotAllowed)
		})
	}
}

func TestAllowedDomains(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{}, map[string]any{"allowed_email_domains": "Kelvin.example", "email_verified_key": "sure"})
	as.Alter(oauth2test.Profile, set(map[string]any{"email": "a@kelvin.example", "sure": false}))
	_, err := r.login("alice")
	checkReason(t, err, sdk.ErrDenied, sdk.ReasonNotAllowed) // OS10 an unverified address
	for address, allowed := range map[string]bool{
		"a@kelvin.example": true, "a@KELVIN.example": true, "@kelvin.example": false, "kelvin.example": false, "a@kelvin.example.": false,
		"a@\u212aelvin.example":           false, // the Kelvin sign, whose lower case is k
		"a@kelvin.example@evil.example":   false,
		"a@evil.example,b@kelvin.example": false, "a@evil.example <b@kelvin.example": false, `"a@evil.example"@kelvin.example`: false,
	} {
		t.Run("OS10 "+address, func(t *testing.T) {
			as.Alter(oauth2test.Profile, set(map[string]any{"email": address, "sure": true}))
			if _, err := r.login("alice"); (err == nil) != allowed {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestProfileInTheTokenResponse: some providers send the profile in the token response.
func TestProfileInTheTokenResponse(t *testing.T) {
	as := startAS(t, oauth2test.Config{})
	values := as.Options(client())
	values["profile_url"], values["identifier_key"], values["email_key"] = "token", "user_id", "mail"
	r := openRig(t, time.Now, values)
	as.Alter(oauth2test.Token, rawMember("user_id", "967361082460459008"))
	as.Alter(oauth2test.Token, func(_ *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
		reply.Body = strings.Replace(reply.Body, "{", `{"mail":"a@example.com",`, 1)
	})
	got := r.mustLogin("alice")
	if got.Subject != "967361082460459008" || got.Email != "a@example.com" || as.Hits(oauth2test.Profile) != 0 {
		t.Errorf("%+v", got)
	}
	for _, token := range r.tokens() {
		if strings.Contains(jsonOf(got.Claims), token) {
			t.Error("a token among the claims")
		}
	}
	if _, err := r.refresh(got.Grant); err != nil {
		t.Errorf("refresh: %v", err)
	}
}

// TestRootsOfPaths: a member of a profile cannot be mistaken for the token response or a
// call, whatever its name.
func TestRootsOfPaths(t *testing.T) {
	as := startAS(t, oauth2test.Config{})
	values := as.Options(client())
	values["identifier_key"], values["email_key"], values["email_verified_key"] = "token.user_id", "mails[primary].email", "mails.0.verified"
	values["profile_calls"] = `[{"name":"mails","url":"` + as.Base() + `/emails","list":true}]`
	r := openRig(t, time.Now, values)
	as.Alter(oauth2test.Token, rawMember("user_id", `"right"`))
	as.Alter(oauth2test.Profile, set(map[string]any{
		"token": map[string]any{"user_id": "wrong"}, "token.user_id": "wrong", "profile": map[string]any{}, "mails.0.verified": true,
		"mails": []any{map[string]any{"email": "wrong@example.com", "primary": true}},
	}))
	got := r.mustLogin("bob")
	if got.Subject != "right" || got.Email != "bob@example.com" || got.EmailVerified {
		t.Errorf("%+v", got)
	}
	as.Behave() // no user_id in the token response
	as.Alter(oauth2test.Profile, set(map[string]any{"token": map[string]any{"user_id": "wrong"}, "token.user_id": "wrong"}))
	_, err := r.login("bob")
	checkReason(t, err, sdk.ErrInvalidResponse, claims.ReasonSubjectMissing)
}

// TestDomains: an address that only looks like one in an allowed domain is refused.
func TestDomains(t *testing.T) {
	for address, allowed := range map[string]bool{
		"a@bank.com": true, "a@BANK.COM": true, "a@ban\u212a.com": false, "a@evil.com@bank.com": false, "a@bank.com@evil.com": false,
		"a@bank.com.evil.com": false, "@bank.com": false, "bank.com": false, "a@sub.bank.com": false, "a@bank.com.": false,
	} {
		p := oauth2test.Person{Login: "a", ID: "1", Emails: []oauth2test.Email{{Address: address, Primary: true, Verified: true}}}
		r, _ := startRig(t, people(p), map[string]any{"allowed_email_domains": "bank.com"})
		if _, err := r.login("a"); (err == nil) != allowed {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestVerifiedBelongsToItsAddress: what a preset says about one address does not apply to
// another.
func TestVerifiedBelongsToItsAddress(t *testing.T) {
	for key, verified := range map[string]bool{"email": true, "username": false} {
		r, _ := startRig(t, oauth2test.Config{Kind: oauth2test.Discord}, map[string]any{"email_key": key})
		if got := r.mustLogin("alice"); got.Email == "" || got.EmailVerified != verified {
			t.Errorf("OS10 email_key=%s: %q, verified %v", key, got.Email, got.EmailVerified)
		}
	}
}

// TestErrorRules: rules about the envelope of the profile do not apply to token responses.
func TestErrorRules(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{}, map[string]any{"error_when": "ok=false, resultcode!=00"})
	as.Alter(oauth2test.Profile, set(map[string]any{"resultcode": "00"}))
	r.mustLogin("alice")
	as.Behave()
	_, err := r.login("alice")
	checkReason(t, err, sdk.ErrInvalidResponse, profile.ReasonAPIError)
	as.Alter(oauth2test.Token, set(map[string]any{"ok": false}))
	_, err = r.login("alice")
	checkReason(t, err, sdk.ErrInvalidResponse, codeflow.ReasonUnknownError)
}

func TestProfileByPost(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{}, map[string]any{"profile_method": "POST", "profile_headers": map[string]any{"X-Api": "for {client_id}"}})
	var got *http.Request
	as.Alter(oauth2test.Profile, func(_ *oauth2test.Server, req *http.Request, _ *oauth2test.Reply) { got = req })
	r.mustLogin("alice")
	if got.Method != http.MethodPost || got.ContentLength != 0 || got.Header.Get("X-Api") != "for "+clientID {
		t.Errorf("%s of %d bytes, %v", got.Method, got.ContentLength, got.Header)
	}
}

// FuzzCalls: any text of profile_calls is refused or parsed, and a call never has a field in
// its host.
func FuzzCalls(f *testing.F) {
	for _, example := range []string{`[{"name":"a","url":"https://as.example/e"}]`, `[{"name":"a","url":"https://{id}/"}]`, `[{"name":"a","url":"https://a{b}c/"}]`, `[null]`, `[{"name":"a","url":"https://as.example/{a[b]}","list":true,"pages":"next:x|y"}]`} {
		f.Add([]byte(example))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		calls, err := readCalls(raw)
		if err != nil {
			return
		}
		for _, c := range calls {
			parsed, err := parseCall(c)
			if err != nil {
				continue
			}
			before, _, _ := strings.Cut(parsed.URL.String(), "{")
			u, err := url.Parse(before)
			if err != nil || u.Host == "" || !strings.Contains(strings.TrimPrefix(before, u.Scheme+"://"), "/") {
				t.Fatalf("%s", parsed.URL)
			}
		}
	})
}
