package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/oauth2/internal/profile"
	"github.com/doorward/doorward/plugins/oauth2/internal/tokenresponse"
	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// The tests in this file reproduce public incidents of OAuth 2.0 clients. Their codes begin
// with OA.

// set changes members of a response; nil removes a member.
func set(members map[string]any) oauth2test.Alteration {
	return func(_ *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
		for name, value := range members {
			if value == nil {
				delete(reply.Members, name)
			} else {
				reply.Members[name] = value
			}
		}
	}
}

// answer replaces the response of an endpoint.
func answer(status int, contentType, body string) oauth2test.Alteration {
	return func(_ *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
		*reply = oauth2test.Reply{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: body}
	}
}

func people(p ...oauth2test.Person) oauth2test.Config {
	return oauth2test.Config{Kind: oauth2test.GitHub, People: p}
}

// TestRecycledNames: a person who takes a name that another person gave up is a different
// user, and a user who changes their name remains the same user.
func TestRecycledNames(t *testing.T) {
	jane := oauth2test.Person{Login: "jane", ID: "1001", Name: "Jane", Emails: []oauth2test.Email{{Address: "jane@example.com", Primary: true, Verified: true}}}
	r, as := startRig(t, people(jane), nil)
	first := r.mustLogin("jane")

	t.Run("OA01 OA03 OA05 the name taken by another account", func(t *testing.T) {
		as.SetPeople(oauth2test.Person{Login: "jane", ID: "2002", Name: "Mallory"})
		if got := r.mustLogin("jane"); got.Subject == first.Subject || got.Subject != "2002" {
			t.Errorf("subject %s", got.Subject)
		}
	})
	t.Run("OA04 the same account under another name", func(t *testing.T) {
		renamed := jane
		renamed.Login = "jane-doe"
		as.SetPeople(renamed)
		if got := r.mustLogin("jane-doe"); got.Subject != first.Subject || got.Username != "jane-doe" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("OA02 OA34 the same name and ID at another provider", func(t *testing.T) {
		// The host identifies a user by provider and subject, and a mechanism cannot name
		// another provider.
		other, _ := startRig(t, oauth2test.Config{Kind: oauth2test.Mastodon, People: []oauth2test.Person{jane}}, nil)
		if got := other.mustLogin("jane"); got.Subject != "1001" {
			t.Errorf("subject %s", got.Subject)
		}
	})
	for _, key := range []string{"login", "email", "name", "emails[primary].email"} {
		t.Run("OA01 OS11 identifier_key "+key+" with a preset", func(t *testing.T) {
			_, err := tryOpenRig(t, time.Now, map[string]any{"preset": "github", "client_id": "x", "client_secret": "y", "identifier_key": key})
			if err == nil || !strings.Contains(err.Error(), "identifier_key") || !strings.Contains(err.Error(), "id or node_id") || !strings.Contains(err.Error(), "can then be taken by another person") {
				t.Errorf("%v", err)
			}
		})
		t.Run("OA01 OS11 identifier_key "+key+" without a preset", func(t *testing.T) {
			as := startAS(t, oauth2test.Config{})
			values := as.Options(client())
			values["identifier_key"] = key
			r := openRig(t, time.Now, values)
			checkSays(t, r.log.String(), "the next owner would sign in as the previous one")
		})
	}
}

// TestOA06AllowListByName: an entry by name admits the current owner of the name.
func TestOA06AllowListByName(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, map[string]any{"allowed_organizations": "id:9919"})
	if strings.Contains(r.log.String(), "taken by somebody else") {
		t.Error("warns of an ID")
	}
	r.mustLogin("alice")
	// The organization was renamed, and another one took its name.
	as.SetPeople(
		oauth2test.Person{Login: "alice", ID: "4711", Orgs: []oauth2test.Org{{ID: "9919", Login: "acme-inc"}}},
		oauth2test.Person{Login: "mallory", ID: "666", Orgs: []oauth2test.Org{{ID: "6660", Login: "acme"}, {ID: "9", Login: "id:9919"}}},
	)
	r.mustLogin("alice")
	_, err := r.login("mallory")
	checkReason(t, err, sdk.ErrDenied, sdk.ReasonNotAllowed)

	byName, _ := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, map[string]any{"allowed_organizations": "acme"})
	checkSays(t, byName.log.String(), "taken by somebody else") // OA06
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	for name, id := range map[string]string{
		"OA07 snowflake": "967361082460459008", "OA07 beyond 2^53": "9007199254740993", "OA07 beyond 2^63": "18446744073709551617", "OA09 small": "123456",
	} {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []oauth2test.Kind{oauth2test.GitHub, oauth2test.Discord} { // GitHub sends a number, Discord a string
				r, _ := startRig(t, oauth2test.Config{Kind: kind, People: []oauth2test.Person{{Login: "a", ID: id}}}, nil)
				if got := r.mustLogin("a"); got.Subject != id {
					t.Errorf("%s: %s", kind, got.Subject)
				}
			}
		})
	}
	t.Run("OA08 OS07 two answers about two users", func(t *testing.T) {
		r, as := startRig(t, oauth2test.Config{}, map[string]any{"token_user_key": "user_id"})
		as.Alter(oauth2test.Token, answer(200, "application/json", ""))
		for id, want := range map[string]bool{`9007199254740993`: true, `"9007199254740993"`: true, `9007199254740992`: false, `9.007199254740993e15`: false, `null`: true, `{}`: false} {
			as.Behave()
			as.SetPeople(oauth2test.Person{Login: "a", ID: "9007199254740993"})
			as.Alter(oauth2test.Token, rawMember("user_id", id))
			_, err := r.login("a")
			if want && err != nil {
				t.Errorf("%s: %v", id, err)
			} else if !want {
				checkReason(t, err, sdk.ErrInvalidResponse, reasonTokenUser)
			}
		}
	})
}

// rawMember adds a member with the given JSON text.
func rawMember(name, value string) oauth2test.Alteration {
	return func(_ *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
		var parts []string
		for n, v := range reply.Members {
			if n != name {
				parts = append(parts, fmt.Sprintf("%q:%s", n, jsonOf(v)))
			}
		}
		parts = append(parts, fmt.Sprintf("%q:%s", name, value))
		*reply = oauth2test.Reply{Status: reply.Status, Header: http.Header{"Content-Type": {"application/json"}}, Body: "{" + strings.Join(parts, ",") + "}"}
	}
}

// TestErrorsWithStatus200: GitHub sends all errors with status 200.
func TestErrorsWithStatus200(t *testing.T) {
	for _, test := range []struct {
		name, contentType, body string
		kind                    error
		reason                  sdk.Reason
		says                    string
	}{
		{"OA10 JSON", "application/json", `{"error":"bad_verification_code","error_description":"The code passed is incorrect or expired."}`, sdk.ErrInvalidResponse, tokenresponse.ReasonCodeSpent, "expired"},
		{"OA10 form", "application/x-www-form-urlencoded", `error=bad_verification_code&error_description=The+code+passed+is+incorrect+or+expired.`, sdk.ErrInvalidResponse, tokenresponse.ReasonCodeSpent, "expired"},
		{"OA10 form with a token", "application/x-www-form-urlencoded", `access_token=evil&token_type=bearer&error=bad_verification_code`, sdk.ErrInvalidResponse, tokenresponse.ReasonCodeSpent, ""},
		{"OA10 wrong secret", "application/json", `{"error":"incorrect_client_credentials"}`, sdk.ErrMisconfigured, "incorrect_client_credentials", "client_secret"},
		{"OA10 wrong callback", "application/json", `{"error":"redirect_uri_mismatch"}`, sdk.ErrMisconfigured, "redirect_uri_mismatch", "callback URL"},
		{"OA18 unverified primary", "application/json", `{"error":"unverified_user_email"}`, sdk.ErrDenied, tokenresponse.ReasonEmailUnverified, "verify"},
		{"OA25 number", "application/json", `{"error":{"error_code":8,"error_msg":"Invalid request: v is deprecated"}}`, sdk.ErrInvalidResponse, codeflow.ReasonUnknownError, "code 8"},
		{"OA26 Graph version", "application/json", `{"error":{"message":"(#2635) deprecated","type":"OAuthException","code":2635}}`, sdk.ErrInvalidResponse, codeflow.ReasonUnknownError, "code 2635"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, nil)
			as.Alter(oauth2test.Token, answer(200, test.contentType, test.body))
			_, err := r.login("alice")
			checkReason(t, err, test.kind, test.reason)
			checkSays(t, err.Error(), test.says)
			if as.Hits(oauth2test.Profile) != 0 || as.Spent() != 1 {
				t.Errorf("%d profile calls, a code was sent %d times", as.Hits(oauth2test.Profile), as.Spent())
			}
		})
	}
	t.Run("OA25 OA26 at the profile", func(t *testing.T) {
		r, as := startRig(t, oauth2test.Config{Kind: oauth2test.Facebook}, nil)
		as.Alter(oauth2test.Profile, answer(400, "application/json", `{"error":{"message":"Unknown version","code":2635}}`))
		_, err := r.login("alice")
		checkReason(t, err, sdk.ErrUnavailable, profile.ReasonStatus)
		checkSays(t, err.Error(), "Unknown version, code 2635")
		as.Behave()
		as.Alter(oauth2test.Profile, answer(200, "application/json", `{"error":{"error_code":8,"error_msg":"v is deprecated"}}`))
		_, err = r.login("alice")
		checkReason(t, err, sdk.ErrInvalidResponse, profile.ReasonAPIError)
		checkSays(t, err.Error(), "code 8")
	})
}

func TestLifetimes(t *testing.T) {
	clock := plugintest.NewClock()
	for value, want := range map[string]int64{ // seconds; 0: it does not expire
		`"3600"`: 3600, `""`: 0, `null`: 0, `3600.0`: 3600, `-1`: 0, `1000000000000`: 86400, `3600`: 3600, `"x"`: 0, `{}`: 0, `1e3`: 0, `9223372036854775808`: 86400, `0`: 0,
	} {
		t.Run("OA11 OA12 OS35 "+value, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{Now: clock.Now}, nil)
			as.Alter(oauth2test.Token, rawMember("expires_in", value))
			grant := r.mustLogin("alice").Grant
			if got := grantOf(t, grant).Expires; want == 0 && got != 0 || want != 0 && got != clock.Now().Unix()+want {
				t.Errorf("expires %d, want %d after %d", got, want, clock.Now().Unix())
			}
		})
	}
}

func TestOddTokenAnswers(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{}, map[string]any{"required_scopes": "a,b"})
	t.Run("OA13 scope as a list", func(t *testing.T) {
		as.Alter(oauth2test.Token, rawMember("scope", `["a","b"]`))
		r.mustLogin("alice")
	})
	t.Run("OA13 scope with commas", func(t *testing.T) {
		as.Behave()
		as.Alter(oauth2test.Token, rawMember("scope", `"a,b c"`))
		r.mustLogin("alice")
	})
	t.Run("OS21 fewer scopes", func(t *testing.T) {
		as.Behave()
		as.Alter(oauth2test.Token, rawMember("scope", `"a"`))
		_, err := r.login("alice")
		checkReason(t, err, sdk.ErrDenied, reasonScopeReduced)
		checkSays(t, err.Error(), "not b")
	})
	t.Run("OS21 no scope means all", func(t *testing.T) {
		as.Behave()
		as.Alter(oauth2test.Token, set(map[string]any{"scope": nil}))
		r.mustLogin("alice")
	})
	for _, scope := range []string{`{}`, `1`, `[1]`, `true`} {
		t.Run("OA13 scope that cannot be read: "+scope, func(t *testing.T) {
			as.Behave()
			as.Alter(oauth2test.Token, rawMember("scope", scope))
			_, err := r.login("alice") // the response does not show whether required_scopes were granted
			checkReason(t, err, sdk.ErrDenied, reasonScopeReduced)
			careless, as := startRig(t, oauth2test.Config{}, nil)
			as.Alter(oauth2test.Token, rawMember("scope", scope))
			careless.mustLogin("alice")
			checkSays(t, careless.log.String(), "scope")
		})
	}
	t.Run("OA14 no token_type", func(t *testing.T) {
		as.Behave()
		as.Alter(oauth2test.Token, set(map[string]any{"token_type": nil, "scope": "a b"}))
		_, err := r.login("alice")
		checkReason(t, err, sdk.ErrInvalidResponse, codeflow.ReasonType)
		checkSays(t, err.Error(), "allow_missing_token_type")
		lenient, as := startRig(t, oauth2test.Config{}, map[string]any{"allow_missing_token_type": true})
		as.Alter(oauth2test.Token, set(map[string]any{"token_type": nil}))
		lenient.mustLogin("alice")
	})
	for _, label := range []string{"text/plain", "text/html", "text/javascript", "", "application/octet-stream"} {
		t.Run("OA15 JSON called "+label, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{}, nil)
			as.Alter(oauth2test.Token, func(_ *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
				reply.Body, reply.Members = jsonOf(reply.Members), nil
				reply.Header.Set("Content-Type", label)
			})
			r.mustLogin("alice")
		})
	}
	for _, label := range []string{"application/x-www-form-urlencoded", "text/plain", "text/html", "application/json"} {
		t.Run("OA15 form called "+label, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{}, nil)
			as.Alter(oauth2test.Token, func(_ *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
				reply.Form = true
				reply.Header.Set("Content-Type", label)
			})
			r.mustLogin("alice")
		})
	}
}

func TestHTMLInPlaceOfJSON(t *testing.T) {
	const page = "<!DOCTYPE html><html><body>very-secret-session-of-the-portal" + "................................................................</body></html>"
	for _, at := range []oauth2test.Endpoint{oauth2test.Token, oauth2test.Profile, oauth2test.Emails} {
		t.Run("OA16 OS17 at "+string(at), func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, nil)
			as.Alter(at, answer(200, "text/html", page))
			_, err := r.login("alice")
			checkReason(t, err, sdk.ErrInvalidResponse, upstream.ReasonHTML)
			checkSays(t, err.Error(), "HTML, status 200, 0.1 kB")
			if strings.Contains(err.Error()+r.log.String(), "very-secret") {
				t.Error("the error contains the page")
			}
		})
	}
	t.Run("OA16 with status 503", func(t *testing.T) {
		r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, nil)
		as.Alter(oauth2test.Profile, answer(503, "text/html", page))
		_, err := r.login("alice")
		checkReason(t, err, sdk.ErrUnavailable, profile.ReasonStatus)
	})
}

func TestAddresses(t *testing.T) {
	email := func(address string, primary, verified bool) oauth2test.Email {
		return oauth2test.Email{Address: address, Primary: primary, Verified: verified}
	}
	for _, test := range []struct {
		name   string
		emails []oauth2test.Email
		want   string
	}{
		{"OA17 private address", []oauth2test.Email{email("a@x.example", false, true), email("b@x.example", true, true), email("c@x.example", false, false)}, "b@x.example"},
		{"OA17 none", nil, ""},
		{"OA18 OS10 unverified primary", []oauth2test.Email{email("victim@x.example", true, false), email("b@x.example", false, true)}, ""},
		{"OS10 primary last", []oauth2test.Email{email("a@x.example", false, true), email("b@x.example", true, true)}, "b@x.example"},
		{"OS10 two primaries", []oauth2test.Email{email("a@x.example", true, true), email("b@x.example", true, true)}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, _ := startRig(t, people(oauth2test.Person{Login: "jane", ID: "1", Emails: test.emails}), nil)
			got := r.mustLogin("jane")
			if got.Email != test.want || got.EmailVerified != (test.want != "") {
				t.Errorf("%q, verified %v", got.Email, got.EmailVerified)
			}
		})
	}
	unverified := oauth2test.Person{Login: "jane", ID: "1", Emails: []oauth2test.Email{email("admin@x.example", true, false)}}
	for _, kind := range []oauth2test.Kind{oauth2test.Discord, oauth2test.Gitea, oauth2test.Bitbucket, oauth2test.Atlassian, oauth2test.X} {
		t.Run("OA19 OS10 unverified at "+string(kind), func(t *testing.T) {
			r, _ := startRig(t, oauth2test.Config{Kind: kind, People: []oauth2test.Person{unverified}}, nil)
			if got := r.mustLogin("jane"); got.EmailVerified {
				t.Errorf("%+v", got)
			}
		})
	}
	verified := oauth2test.Person{Login: "jane", ID: "1", Emails: []oauth2test.Email{email("admin@x.example", true, true)}}
	for _, kind := range []oauth2test.Kind{oauth2test.Facebook, oauth2test.Spotify, oauth2test.Yandex, oauth2test.Nextcloud, oauth2test.GitHubEnterprise} {
		t.Run("OA20 nobody's word at "+string(kind), func(t *testing.T) {
			r, _ := startRig(t, oauth2test.Config{Kind: kind, People: []oauth2test.Person{verified}}, nil)
			if got := r.mustLogin("jane"); got.Email != "admin@x.example" || got.EmailVerified {
				t.Errorf("%+v", got)
			}
		})
	}
	for value, want := range map[string][2]bool{ // by default, and with "true" allowed
		`true`: {true, false}, `"true"`: {false, true}, `"false"`: {false, false}, `1`: {false, false}, `"TRUE"`: {false, false}, `[true]`: {false, false}, `null`: {false, false},
	} {
		t.Run("OA21 email_verified "+value, func(t *testing.T) {
			for i, options := range []map[string]any{nil, {"email_verified_values": `"true"`}} {
				r, as := startRig(t, oauth2test.Config{}, options)
				as.Alter(oauth2test.Profile, rawMember("email_verified", value))
				if got := r.mustLogin("alice"); got.EmailVerified != want[i] {
					t.Errorf("with %v: %v", options, got.EmailVerified)
				}
			}
		})
	}
	t.Run("OA33 address null", func(t *testing.T) {
		r, as := startRig(t, oauth2test.Config{}, nil)
		as.Alter(oauth2test.Profile, rawMember("email", "null"))
		if got := r.mustLogin("alice"); got.Email != "" || got.EmailVerified {
			t.Errorf("%+v", got)
		}
	})
}

// crowded returns a person in many teams of one organization; the required team is the last.
func crowded(teams int) oauth2test.Person {
	p := oauth2test.Person{Login: "jane", ID: "1", Orgs: []oauth2test.Org{{ID: "9919", Login: "acme"}}}
	for i := range teams {
		p.Orgs[0].Teams = append(p.Orgs[0].Teams, oauth2test.Team{ID: fmt.Sprint(100 + i), Slug: fmt.Sprintf("team-%d", i)})
	}
	return p
}

func TestTeamsOfAllPages(t *testing.T) {
	r, as := startRig(t, people(crowded(61)), map[string]any{"allowed_teams": "acme/team-60"})
	got := r.mustLogin("jane")
	if !slices.Contains(got.Groups, "acme/team-60") || !slices.Contains(got.Groups, "team:160") || !slices.Contains(got.Groups, "organization:9919") || len(got.Groups) != 2*62 {
		t.Errorf("OA22 %d groups", len(got.Groups))
	}
	if n := as.Hits(oauth2test.Teams); n != 3 {
		t.Errorf("OA22 %d requests for 61 teams", n)
	}
	if _, told := got.Claims["teams"]; told {
		t.Error("the claims contain the teams")
	}
}

func TestOA23SAMLProtectedOrganization(t *testing.T) {
	jane := crowded(1)
	jane.Orgs[0].SAML = true
	r, _ := startRig(t, people(jane), map[string]any{"allowed_organizations": "acme"})
	_, err := r.login("jane")
	checkReason(t, err, sdk.ErrDenied, profile.ReasonSAMLSession) // OA23
	checkSays(t, err.Error(), "sign in there")
	jane.Orgs[0].SAML, jane.Orgs[0].Restricted = false, true
	hidden, _ := startRig(t, people(jane), map[string]any{"allowed_organizations": "acme"})
	_, err = hidden.login("jane")
	checkReason(t, err, sdk.ErrDenied, sdk.ReasonNotAllowed) // OS20: a user without groups is refused
	checkSays(t, err.Error(), "does not list")
}

func TestOA24WithdrawnScope(t *testing.T) {
	r, _ := startRig(t, oauth2test.Config{}, nil)
	redirect := r.start()
	_, err := r.finish(sdk.ContinueRequest{State: theState, Memory: redirect.Memory, Response: sdk.InboundRequest{Method: http.MethodGet, Query: url.Values{
		"state": {theState}, "error": {"unauthorized_scope_error"}, "error_description": {`Scope &quot;r_emailaddress&quot; is not authorized <b>`},
	}}})
	checkReason(t, err, sdk.ErrMisconfigured, "unauthorized_scope_error") // OA24
	checkSays(t, err.Error(), "&quot;r_emailaddress&quot;")
	checkSays(t, err.Error(), "scope")
}

// TestCosmetics: fields that are only for display never fail a login.
func TestCosmetics(t *testing.T) {
	for name, members := range map[string]map[string]any{
		"OA27 nulls":                {"discriminator": "0", "avatar": nil, "global_name": nil},
		"OA27 absent":               {"discriminator": nil},
		"OA27 leading zeros":        {"discriminator": "0999"},
		"OA27 another type":         {"global_name": []any{"x"}, "username": map[string]any{}},
		"OS31 endless name":         {"global_name": strings.Repeat("x", 10_000)},
		"OS31 other direction":      {"global_name": "staff\u202egnp.exe"},
		"OS31 isolate":              {"username": "a\u2066b"},
		"OS22 control characters":   {"username": "a\nlevel=error b"},
		"OA27 number for a name":    {"global_name": 7},
		"OA27 boolean for an email": {"email": true},
	} {
		t.Run(name, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{Kind: oauth2test.Discord}, nil)
			as.Alter(oauth2test.Profile, set(members))
			got := r.mustLogin("alice")
			if got.Subject != "4711" || len(got.Name) > sdk.MaxAttribute || strings.ContainsAny(got.Name+got.Username, "\n\u202e\u2066") {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestOA28UserAgent(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{Kind: oauth2test.Reddit}, nil)
	r.mustLogin("alice") // OA28: the fake sends 429 for a generic User-Agent
	if got := as.LastTokenRequest().Header.Get("User-Agent"); got != "Doorward/"+version {
		t.Errorf("User-Agent %q", got)
	}
	own, as := startRig(t, oauth2test.Config{Kind: oauth2test.Reddit}, map[string]any{"token_headers": map[string]any{"user-agent": "acme:login:1 (by {client_id})"}})
	own.mustLogin("alice")
	if got := as.LastTokenRequest().Header.Get("User-Agent"); got != "acme:login:1 (by "+clientID+")" {
		t.Errorf("User-Agent %q", got)
	}
}

func TestOA29ShortState(t *testing.T) {
	r, _ := startRig(t, oauth2test.Config{Kind: oauth2test.X}, nil)
	step, err := r.Begin(sdk.BeginRequest{State: strings.Repeat("s", 64)}) // as long as the host makes it
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(step.(sdk.Redirect).URL)
	if err != nil || len(target.Query().Get("state")) > 128 {
		t.Errorf("OA29 state %q, %v", target.Query().Get("state"), err)
	}
}

// TestSecretsThatNeedEncoding: there are two ways to encode a secret for Basic, and each
// server supports one of them.
func TestSecretsThatNeedEncoding(t *testing.T) {
	odd := "a+b/c:d=e%f~ x-and-some-more"
	for server, method := range map[string]string{oauth2test.Basic: authBasic, oauth2test.BasicRaw: authBasicRaw, oauth2test.Post: authPost} {
		for _, ours := range []string{authBasic, authBasicRaw, authPost} {
			t.Run("OA30 OS33 "+server+" by "+ours, func(t *testing.T) {
				c := oauth2test.Client{ID: "door/ward", Secret: odd, RedirectURIs: []string{callbackURL}, Auth: server}
				r, as := startRig(t, oauth2test.Config{Clients: []oauth2test.Client{c}}, map[string]any{"client_token_endpoint_auth_method": ours})
				_, err := r.login("alice")
				if used := as.LastTokenRequest(); used.Auth == "both" || as.Spent() != 1 {
					t.Errorf("authenticates by %s, %d times", used.Auth, as.Spent())
				}
				if ours == method {
					if err != nil {
						t.Error(err)
					}
					return
				}
				checkReason(t, err, sdk.ErrMisconfigured, "invalid_client")
				checkSays(t, err.Error(), "client_token_endpoint_auth_method")
			})
		}
	}
}

// TestOA31StaticSecret: secrets of this plugin are texts that do not expire. A provider
// whose secret is a signed token that expires needs the openid plugin.
func TestOA31StaticSecret(t *testing.T) {
	_, err := tryOpenRig(t, time.Now, map[string]any{"preset": "apple", "client_id": "x", "client_secret": "y"})
	if err == nil || !strings.Contains(err.Error(), "set the driver to openid") {
		t.Errorf("OA31 %v", err)
	}
}

func TestRefreshesAtTheSameTime(t *testing.T) {
	clock := plugintest.NewClock()
	r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHubApp, Now: clock.Now}, nil)
	grant := r.mustLogin("alice").Grant
	clock.Advance(9 * time.Hour)
	before := as.Hits(oauth2test.Token)
	var wg sync.WaitGroup
	grants := make([][]byte, 20)
	for i := range grants {
		wg.Go(func() {
			got, err := r.Mechanism.(sdk.Refresher).Refresh(t.Context(), grant)
			if err != nil {
				t.Errorf("OA32 %v", err)
			}
			grants[i] = got.Identity.Grant
		})
	}
	wg.Wait()
	if n := as.Hits(oauth2test.Token) - before; n != 1 {
		t.Errorf("OA32 %d requests for 20 refreshes", n)
	}
	for _, g := range grants {
		if string(g) != string(grants[0]) || len(g) == 0 {
			t.Error("OA32 different results")
		}
	}
	t.Run("OA32 the answer is lost", func(t *testing.T) {
		clock.Advance(9 * time.Hour)
		as.Alter(oauth2test.Token, func(*oauth2test.Server, *http.Request, *oauth2test.Reply) { panic(http.ErrAbortHandler) })
		_, err := r.refresh(grants[0])
		if !errors.Is(err, sdk.ErrUnavailable) {
			t.Errorf("%v", err)
		}
		as.Behave()
		_, err = r.refresh(grants[0]) // already used: the user must sign in again
		checkReason(t, err, sdk.ErrDenied, "bad_refresh_token")
	})
}

// TestCallbacksOfOthers: a response without the state of this login is refused.
func TestCallbacksOfOthers(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{}, nil)
	redirect := r.start()
	other := r.start()
	for name, test := range map[string]struct {
		query  string
		memory []byte
		reason sdk.Reason
	}{
		"OA35 no state":                {"code=x", redirect.Memory, codeflow.ReasonStateMismatch},
		"OA35 empty state":             {"code=x&state=", redirect.Memory, codeflow.ReasonStateMismatch},
		"OA36 OS02 another's state":    {"code=x&state=state-of-browser-A", redirect.Memory, codeflow.ReasonStateMismatch},
		"OS02 no memory":               {"code=x&state=" + theState, nil, reasonUnsolicited},
		"OA37 OS08 token in the query": {"code=x&access_token=t&state=" + theState, other.Memory, codeflow.ReasonResponseType},
		"OA37 OS08 ID token":           {"code=x&id_token=t&state=" + theState, other.Memory, codeflow.ReasonResponseType},
		"OA37 OS08 token alone":        {"access_token=t&token_type=bearer&state=" + theState, other.Memory, codeflow.ReasonResponseType},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.finish(sdk.ContinueRequest{
				State: theState, Memory: test.memory,
				Response: sdk.InboundRequest{Method: http.MethodGet, Query: parseQuery(t, test.query)},
			})
			checkReason(t, err, sdk.ErrInvalidResponse, test.reason)
		})
	}
	if n := as.Hits(oauth2test.Token) + as.Hits(oauth2test.Profile); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestMissingSubject(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, nil)
	as.Alter(oauth2test.Profile, answer(200, "application/json", `{"message":"Bad credentials","documentation_url":"x"}`))
	_, err := r.login("alice")
	checkReason(t, err, sdk.ErrInvalidResponse, claims.ReasonSubjectMissing) // OS13
	checkSays(t, err.Error(), "Bad credentials")
}
