package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/oauth2/internal/preset"
	"github.com/doorward/doorward/plugins/oauth2/internal/profile"
	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// The tests in this file are the rows of the attack catalogue for logins without an
// ID token.

// codeOf has a person approve a login, and returns their code.
func codeOf(t *testing.T, redirect sdk.Redirect, login string) string {
	t.Helper()
	back, err := oauth2test.SignIn(t.Context(), redirect.URL, login)
	if err != nil {
		t.Fatal(err)
	}
	return back.URL.Query().Get("code")
}

// with is a callback with these parameters.
func with(redirect sdk.Redirect, params ...string) sdk.ContinueRequest {
	query := url.Values{}
	for i := 0; i < len(params); i += 2 {
		query.Add(params[i], params[i+1])
	}
	return sdk.ContinueRequest{State: theState, Memory: redirect.Memory, Response: sdk.InboundRequest{Method: http.MethodGet, Query: query}}
}

func TestCodeInjection(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{}, nil)
	victim, attacker := r.start(), r.start()
	stolen := codeOf(t, victim, "alice")
	_, err := r.finish(with(attacker, "state", theState, "code", stolen))
	checkReason(t, err, sdk.ErrInvalidResponse, "invalid_grant") // OS01
	if as.Hits(oauth2test.Profile) != 0 {
		t.Error("OS01 the profile was asked")
	}
	// Where the provider ignores PKCE, the state alone stands in the way.
	lax, as := startRig(t, oauth2test.Config{IgnorePKCE: true}, nil)
	stolen = codeOf(t, lax.start(), "alice")
	_, err = lax.finish(with(lax.start(), "state", "state-of-the-victim", "code", stolen))
	checkReason(t, err, sdk.ErrInvalidResponse, codeflow.ReasonStateMismatch)
	if n := as.Hits(oauth2test.Token); n != 0 {
		t.Errorf("OS01 %d token requests", n)
	}
}

func TestMalformedCallbacks(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{}, nil)
	redirect := r.start()
	for name, params := range map[string][]string{
		"OS03 no code":             {"state", theState},
		"OS03 empty code":          {"state", theState, "code", ""},
		"OS03 two codes":           {"state", theState, "code", "one-code-of-two", "code", "another-of-two"},
		"OS03 two states":          {"state", theState, "state", theState, "code", "some-code-or-other"},
		"OS03 code and error":      {"state", theState, "code", "some-code-or-other", "error", "access_denied"},
		"OS03 no parameters":       {},
		"OS23 code with a newline": {"state", theState, "code", "a\r\nX: y"},
	} {
		_, err := r.finish(with(redirect, params...))
		if !errors.Is(err, sdk.ErrInvalidResponse) {
			t.Errorf("%s: %v", name, err)
		}
	}
	posted := with(redirect)
	posted.Response = sdk.InboundRequest{Method: http.MethodPost, Form: url.Values{"state": {theState}, "code": {"a"}}}
	_, err := r.finish(posted)
	checkReason(t, err, sdk.ErrInvalidResponse, codeflow.ReasonResponseMode) // OS03 by POST
	if n := as.Hits(oauth2test.Token) + as.Hits(oauth2test.Profile); n != 0 {
		t.Errorf("OS03 %d requests", n)
	}
}

// TestMixUp: A is somebody else's provider beside the honest H, and sends browsers on
// to H.
func TestMixUp(t *testing.T) {
	honest, h := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, nil)
	asked := ""
	attacker, _ := startRig(t, oauth2test.Config{}, map[string]any{"authorize_url": h.Base() + "/login/oauth/authorize"})
	t.Run("OS04 a callback that is not the provider's own", func(t *testing.T) {
		target, err := url.Parse(attacker.start().URL)
		if err != nil {
			t.Fatal(err)
		}
		query := target.Query()
		query.Set("redirect_uri", "https://login.example/auth/login/attacker/callback")
		target.RawQuery = query.Encode()
		back, err := oauth2test.SignIn(t.Context(), target.String(), "alice")
		if err == nil && back.URL.Query().Get("error") != "redirect_uri_mismatch" {
			t.Errorf("the honest provider approves: %s", back.URL)
		}
	})
	t.Run("OS04 a code below the registered callback, learnt by A", func(t *testing.T) {
		target, err := url.Parse(attacker.start().URL)
		if err != nil {
			t.Fatal(err)
		}
		query := target.Query()
		query.Set("redirect_uri", callbackURL+"/below") // GitHub OAuth apps allow it
		target.RawQuery = query.Encode()
		back, err := oauth2test.SignIn(t.Context(), target.String(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		asked = back.URL.Query().Get("code")
		_, err = honest.finish(with(honest.start(), "state", theState, "code", asked))
		if !errors.Is(err, sdk.ErrInvalidResponse) && !errors.Is(err, sdk.ErrMisconfigured) {
			t.Errorf("A's code signs in: %v", err)
		}
		if h.Hits(oauth2test.Profile) != 0 {
			t.Error("the profile was asked")
		}
	})
	t.Run("OS04 a login that was begun with another provider", func(t *testing.T) {
		_, err := honest.finish(with(attacker.start(), "state", theState, "code", "x"))
		checkReason(t, err, sdk.ErrInvalidResponse, reasonProviderChanged)
	})
}

func TestIssuer(t *testing.T) {
	sends, as := startRig(t, oauth2test.Config{Issuer: true}, nil)
	sends.mustLogin("alice")
	base := as.Base()
	for _, test := range []struct {
		name, option, iss string
		reason            sdk.Reason // empty: the code is refused by the server only
	}{
		{"OS05 missing", base, "", codeflow.ReasonIssMissing},
		{"OS05 another's", base, "https://evil.example", codeflow.ReasonIssMismatch},
		{"OS05 with a slash", base, base + "/", codeflow.ReasonIssMismatch},
		{"OS05 right", base, base, "invalid_grant"},
		{"OS05 not configured, another's", "", "https://evil.example", codeflow.ReasonIssMismatch},
		{"OS05 not configured, another port", "", "http://127.0.0.1:1", codeflow.ReasonIssMismatch},
		{"OS05 not configured, no URL", "", "::", codeflow.ReasonIssMismatch},
		{"OS05 not configured, its own", "", base + "/tenant", "invalid_grant"},
		{"OS05 not configured, none", "", "", "invalid_grant"},
	} {
		t.Run(test.name, func(t *testing.T) {
			values := as.Options(client())
			if test.option != "" {
				values["issuer"] = test.option
			}
			r := openRig(t, time.Now, values)
			params := []string{"state", theState, "code", "no-such-code"}
			if test.iss != "" {
				params = append(params, "iss", test.iss)
			}
			_, err := r.finish(with(r.start(), params...))
			checkReason(t, err, sdk.ErrInvalidResponse, test.reason)
		})
	}
}

func TestPKCEMethods(t *testing.T) {
	for _, test := range []struct {
		name    string
		options map[string]any
		method  string
		warns   bool
	}{
		{"OS06 by default", nil, "S256", false},
		{"OS06 plain", map[string]any{"pkce": "plain"}, "plain", true},
		{"OS06 plain, as Directus has it", map[string]any{"plain_code_challenge": "true"}, "plain", true},
		{"OS06 off", map[string]any{"pkce": "off"}, "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, _ := startRig(t, oauth2test.Config{}, test.options)
			target, err := url.Parse(r.start().URL)
			if err != nil {
				t.Fatal(err)
			}
			if got := target.Query().Get("code_challenge_method"); got != test.method || target.Query().Has("code_challenge") != (test.method != "") {
				t.Errorf("%s", target)
			}
			r.mustLogin("alice")
			if f := r.checkPKCE(); (f.Severity == sdk.SeverityWarning) != test.warns {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestAnotherUserInBetween(t *testing.T) {
	as := startAS(t, oauth2test.Config{})
	values := as.Options(client())
	values["profile_calls"] = `[{"name":"details","url":"` + as.Base() + `/profile","user":"id"}]`
	r := openRig(t, time.Now, values)
	r.mustLogin("alice")
	as.Alter(oauth2test.Profile, func(s *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
		if s.Hits(oauth2test.Profile)%2 == 0 { // the second of each login
			reply.Members["id"] = "666"
		}
	})
	_, err := r.login("alice")
	checkReason(t, err, sdk.ErrInvalidResponse, reasonTokenUser) // OS09
}

func TestIdentifiers(t *testing.T) {
	const ok = sdk.Reason("")
	for _, test := range []struct {
		id                 string
		any, integer, text sdk.Reason
	}{
		{`1`, ok, ok, claims.ReasonSubjectInvalid},
		{`"1"`, ok, claims.ReasonSubjectInvalid, ok},
		{`1.0`, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid},
		{`1e0`, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid},
		{`01`, profile.ReasonMalformed, profile.ReasonMalformed, profile.ReasonMalformed},
		{`-1`, ok, ok, claims.ReasonSubjectInvalid},
		{`0`, ok, ok, claims.ReasonSubjectInvalid},
		{`-0`, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid},
		{`9007199254740993`, ok, ok, claims.ReasonSubjectInvalid},
		{`18446744073709551616`, ok, ok, claims.ReasonSubjectInvalid},
		{strings.Repeat("1", 65), profile.ReasonMalformed, profile.ReasonMalformed, profile.ReasonMalformed},
		{`true`, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid},
		{`null`, claims.ReasonSubjectMissing, claims.ReasonSubjectMissing, claims.ReasonSubjectMissing},
		{`""`, claims.ReasonSubjectMissing, claims.ReasonSubjectMissing, claims.ReasonSubjectMissing},
		{`" 1"`, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid},
		{`[1]`, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid},
		{`{"id":1}`, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid},
		{`"undefined"`, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid},
		{`"null"`, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid},
		{`"` + strings.Repeat("x", 256) + `"`, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid, claims.ReasonSubjectInvalid},
	} {
		for kind, want := range map[string]sdk.Reason{"": test.any, preset.Integer: test.integer, preset.Text: test.text} {
			t.Run(fmt.Sprintf("OS12 OS13 %.24s as %s", test.id, kind), func(t *testing.T) {
				options := map[string]any{}
				if kind != "" {
					options["identifier_type"] = kind
				}
				r, as := startRig(t, oauth2test.Config{}, options)
				as.Alter(oauth2test.Profile, rawMember("id", test.id))
				got, err := r.login("alice")
				if want != ok {
					checkReason(t, err, sdk.ErrInvalidResponse, want)
				} else if err != nil || got.Subject != strings.Trim(test.id, `"`) {
					t.Errorf("%q, %v", got.Subject, err)
				}
			})
		}
	}
}

func TestEqualKeys(t *testing.T) {
	raw := func(body string) oauth2test.Alteration { return answer(200, "application/json", body) }
	for _, test := range []struct {
		name   string
		at     oauth2test.Endpoint
		body   string
		reason sdk.Reason
	}{
		{"OS14 id twice", oauth2test.Profile, `{"id":1,"id":2}`, profile.ReasonMalformed},
		{"OS14 id in another case", oauth2test.Profile, `{"id":1,"ID":2}`, profile.ReasonMalformed},
		{"OS14 long s", oauth2test.Profile, `{"id":1,"isx":1,"iſx":2}`, profile.ReasonMalformed},
		{"OS14 verified in another case", oauth2test.Emails, `[{"email":"a@b.c","primary":true,"verified":false,"VERIFIED":true}]`, profile.ReasonMalformed},
		{"OS14 Kelvin sign in a list", oauth2test.Emails, `[{"k":1,"\u212a":2}]`, profile.ReasonMalformed},
		{"OS14 access_token twice", oauth2test.Token, `{"access_token":"a","access_token":"b","token_type":"bearer"}`, codeflow.ReasonMalformed},
		{"OS14 Access_Token", oauth2test.Token, `{"access_token":"a","Access_Token":"b","token_type":"bearer"}`, codeflow.ReasonMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, nil)
			as.Alter(test.at, raw(test.body))
			_, err := r.login("alice")
			checkReason(t, err, sdk.ErrInvalidResponse, test.reason)
		})
	}
	for name, body := range map[string]string{
		"OS14 form, twice":           "access_token=a&access_token=b&token_type=bearer",
		"OS14 form, in another case": "access_token=a&Access_token=b&token_type=bearer",
	} {
		t.Run(name, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, nil)
			as.Alter(oauth2test.Token, answer(200, "application/x-www-form-urlencoded", body))
			_, err := r.login("alice")
			checkReason(t, err, sdk.ErrInvalidResponse, codeflow.ReasonMalformed)
		})
	}
}

func TestHugeAnswers(t *testing.T) {
	bodies := map[string]string{
		"deep":            strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000),
		"million":         "[" + strings.Repeat("1,", 1_000_000) + "1]",
		"many":            `{"a":[` + strings.Repeat("0,", 30_000) + "0]}",
		"lone surrogate":  `{"id":"\ud800"}`,
		"NUL":             `{"id":"a\u0000"}`,
		"byte order mark": "\ufeff{\"id\":1}",
		"invalid UTF-8":   "{\"id\":\"\xff\"}",
		"trailing data":   `{"id":1} x`,
		"2 MiB":           `{"id":1,"a":"` + strings.Repeat("x", 2<<20) + `"}`,
		"empty":           "",
	}
	for name, body := range bodies {
		for _, at := range []oauth2test.Endpoint{oauth2test.Token, oauth2test.Profile, oauth2test.Emails} {
			t.Run("OS15 "+name+" at "+string(at), func(t *testing.T) {
				r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, nil)
				as.Alter(at, answer(200, "application/json", body))
				_, err := r.login("alice")
				if !errors.Is(err, sdk.ErrInvalidResponse) && !errors.Is(err, sdk.ErrUnavailable) {
					t.Errorf("%.200v", err)
				}
			})
		}
	}
}

func TestBombs(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for range 64 {
		if _, err := w.Write(bytes.Repeat([]byte(" "), 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, at := range []oauth2test.Endpoint{oauth2test.Token, oauth2test.Profile} {
		t.Run("OS16 gzip bomb at "+string(at), func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{}, nil)
			as.Alter(at, func(_ *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
				*reply = oauth2test.Reply{Status: 200, Header: http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, Body: packed.String()}
			})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := r.login("alice")
			runtime.ReadMemStats(&after)
			if !errors.Is(err, sdk.ErrUnavailable) {
				t.Errorf("%v", err)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
				t.Errorf("%d MiB for a bomb of 64 MiB", grown>>20)
			}
		})
	}
	t.Run("OS16 endless headers", func(t *testing.T) {
		r, as := startRig(t, oauth2test.Config{}, nil)
		as.Alter(oauth2test.Profile, func(_ *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
			reply.Header.Set("X-Endless", strings.Repeat("x", 1<<20))
		})
		_, err := r.login("alice")
		checkReason(t, err, sdk.ErrUnavailable, profile.ReasonUnreachable)
	})
	t.Run("OS16 one deadline over all requests", func(t *testing.T) {
		r, as := startRig(t, oauth2test.Config{}, map[string]any{"client_http_timeout": "1h", "client_http_total_timeout": "200ms"})
		as.Alter(oauth2test.Profile, func(_ *oauth2test.Server, req *http.Request, _ *oauth2test.Reply) { <-req.Context().Done() })
		_, err := r.login("alice")
		checkReason(t, err, sdk.ErrUnavailable, profile.ReasonUnreachable)
	})
}

func TestMediaTypes(t *testing.T) {
	for contentType, good := range map[string]bool{
		"application/json": true, "application/json; charset=utf-8": true, "application/vnd.github+json": true, "APPLICATION/JSON": true,
		"text/plain": false, "text/javascript": false, "application/xml": false, "application/x-www-form-urlencoded": false, "": false, "application/jsonp": false,
	} {
		t.Run("OS17 profile as "+contentType, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{}, nil)
			as.Alter(oauth2test.Profile, func(_ *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
				reply.Body, reply.Members = jsonOf(reply.Members), nil
				reply.Header["Content-Type"] = []string{contentType}
			})
			_, err := r.login("alice")
			if good && err != nil {
				t.Error(err)
			} else if !good {
				checkReason(t, err, sdk.ErrInvalidResponse, profile.ReasonMalformed)
			}
		})
	}
	t.Run("OS17 XML of OCS", func(t *testing.T) {
		r, _ := startRig(t, oauth2test.Config{Kind: oauth2test.Nextcloud}, map[string]any{"profile_headers__ocs_apirequest": "x"})
		r.set.profileHeaders["OCS-APIRequest"] = ""
		r.api.Header = r.set.profileHeaders
		_, err := r.login("alice")
		checkReason(t, err, sdk.ErrInvalidResponse, profile.ReasonHTML)
	})
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, at := range []oauth2test.Endpoint{oauth2test.Token, oauth2test.Profile, oauth2test.Emails, oauth2test.Orgs, oauth2test.Revocation} {
			t.Run(fmt.Sprintf("OS18 %d from %s", status, at), func(t *testing.T) {
				r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, map[string]any{"read_groups": true})
				as.Alter(at, func(s *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
					*reply = oauth2test.Reply{Status: status, Header: http.Header{"Location": {s.Trap() + "/?x=secret"}, "Refresh": {"0; url=" + s.Trap()}}}
				})
				identity, err := r.login("alice")
				if at == oauth2test.Revocation {
					_, err = r.Mechanism.(sdk.LogoutBeginner).BeginLogout(t.Context(), sdk.LogoutRequest{Grant: identity.Grant})
					if err != nil || as.Hits(oauth2test.Revocation) != 1 {
						t.Error(err)
					}
				} else if !errors.Is(err, sdk.ErrInvalidResponse) || !strings.Contains(err.Error(), as.Trap()) || strings.Contains(err.Error(), "x=secret") {
					t.Errorf("%v", err)
				}
				if n := as.Hits(oauth2test.Elsewhere); n != 0 {
					t.Errorf("%d requests elsewhere", n)
				}
			})
		}
	}
}

func TestPagesElsewhere(t *testing.T) {
	link := func(target func(*oauth2test.Server, *http.Request) string) oauth2test.Alteration {
		return func(s *oauth2test.Server, r *http.Request, reply *oauth2test.Reply) {
			reply.Header.Set("Link", "<"+target(s, r)+`>; rel="next"`)
		}
	}
	for name, target := range map[string]func(*oauth2test.Server, *http.Request) string{
		"OS19 metadata service":  func(*oauth2test.Server, *http.Request) string { return "http://169.254.169.254/latest/meta-data" },
		"OS19 OA22 another host": func(s *oauth2test.Server, _ *http.Request) string { return s.Trap() + "/user/orgs?page=2" },
		"OS19 another port":      func(s *oauth2test.Server, _ *http.Request) string { return s.Base() + "/user/orgs?page=2" },
		"OS19 another folder":    func(s *oauth2test.Server, _ *http.Request) string { return s.API() + "/admin/orgs?page=2" },
		"OS19 out of the folder": func(s *oauth2test.Server, _ *http.Request) string { return s.API() + "/user/../admin?page=2" },
		"OS19 encoded dots":      func(s *oauth2test.Server, _ *http.Request) string { return s.API() + "/user/%2e%2e/admin?page=2" },
		"OS19 a user in the URL": func(_ *oauth2test.Server, r *http.Request) string { return "http://a@" + r.Host + "/user/orgs?page=2" },
		"OS19 another scheme":    func(_ *oauth2test.Server, r *http.Request) string { return "https://" + r.Host + "/user/orgs?page=2" },
		"OS19 its own next page": func(s *oauth2test.Server, r *http.Request) string { return s.API() + r.URL.RequestURI() },
		"OS19 a page that never ends": func(s *oauth2test.Server, _ *http.Request) string {
			return fmt.Sprintf("%s/user/orgs?page=%d", s.API(), s.Hits(oauth2test.Orgs)+1)
		},
		"OS19 cannot be read": func(*oauth2test.Server, *http.Request) string { return "x" },
	} {
		t.Run(name, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, map[string]any{"read_groups": true})
			as.Alter(oauth2test.Orgs, link(target))
			if name == "OS19 cannot be read" {
				as.Alter(oauth2test.Orgs, func(_ *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
					reply.Header.Set("Link", `<x; rel="next"`)
				})
			}
			_, err := r.login("alice")
			checkReason(t, err, sdk.ErrInvalidResponse, profile.ReasonPages)
			if n := as.Hits(oauth2test.Elsewhere); n != 0 || as.Hits(oauth2test.Orgs) > profile.MaxPages {
				t.Errorf("%d requests elsewhere, %d pages", n, as.Hits(oauth2test.Orgs))
			}
		})
	}
	t.Run("OS19 next of Bitbucket", func(t *testing.T) {
		r, as := startRig(t, oauth2test.Config{Kind: oauth2test.Bitbucket}, nil)
		as.Alter(oauth2test.Emails, func(s *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
			reply.Members["next"] = s.Trap() + "/2.0/user/emails"
		})
		_, err := r.login("alice")
		checkReason(t, err, sdk.ErrInvalidResponse, profile.ReasonPages)
		if as.Hits(oauth2test.Elsewhere) != 0 {
			t.Error("a token went elsewhere")
		}
	})
	t.Run("OS15 OS19 too many items", func(t *testing.T) {
		r, _ := startRig(t, people(crowded(profile.MaxItems+1)), map[string]any{"read_groups": true})
		_, err := r.login("jane")
		checkReason(t, err, sdk.ErrInvalidResponse, profile.ReasonPages)
	})
}

func TestGroupCallsThatFail(t *testing.T) {
	headers := func(status int, header ...string) oauth2test.Alteration {
		return func(_ *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
			*reply = oauth2test.Reply{Status: status, Header: http.Header{}, Members: map[string]any{"message": "no"}}
			for i := 0; i < len(header); i += 2 {
				reply.Header.Set(header[i], header[i+1])
			}
		}
	}
	for name, test := range map[string]struct {
		alter  oauth2test.Alteration
		kind   error
		reason sdk.Reason
	}{
		"OS20 403":                  {headers(403), sdk.ErrDenied, profile.ReasonForbidden},
		"OS20 404":                  {headers(404), sdk.ErrUnavailable, profile.ReasonStatus},
		"OS20 500":                  {headers(500), sdk.ErrUnavailable, profile.ReasonStatus},
		"OS20 429":                  {headers(429, "Retry-After", "60"), sdk.ErrUnavailable, profile.ReasonRateLimited},
		"OS20 403 of a limit":       {headers(403, "X-RateLimit-Remaining", "0"), sdk.ErrUnavailable, profile.ReasonRateLimited},
		"OS20 403 of another limit": {headers(403, "Retry-After", "60"), sdk.ErrUnavailable, profile.ReasonRateLimited},
		"OS20 204":                  {headers(204), sdk.ErrInvalidResponse, profile.ReasonStatus},
		"OS20 object for a list":    {headers(200), sdk.ErrInvalidResponse, profile.ReasonMalformed},
		"OS20 breaks off":           {func(*oauth2test.Server, *http.Request, *oauth2test.Reply) { panic(http.ErrAbortHandler) }, sdk.ErrUnavailable, profile.ReasonUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, map[string]any{"allowed_organizations": "acme"})
			r.mustLogin("alice")
			as.Alter(oauth2test.Orgs, test.alter)
			_, err := r.login("alice")
			checkReason(t, err, test.kind, test.reason)
		})
	}
	t.Run("OS20 a limit on the addresses is no absence of them", func(t *testing.T) {
		r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, nil)
		as.Alter(oauth2test.Emails, headers(403, "X-RateLimit-Remaining", "0"))
		_, err := r.login("alice")
		checkReason(t, err, sdk.ErrUnavailable, profile.ReasonRateLimited)
		as.Behave()
		as.Alter(oauth2test.Emails, headers(404)) // OS21: the user has not given the scope
		if got := r.mustLogin("alice"); got.Email != "" {
			t.Errorf("%q", got.Email)
		}
	})
	t.Run("OS32 whoever is in no group and whoever is in others", func(t *testing.T) {
		r, _ := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, map[string]any{"allowed_organizations": "umbrella"})
		for _, who := range []string{"alice", "bob"} {
			_, err := r.login(who)
			checkReason(t, err, sdk.ErrDenied, sdk.ReasonNotAllowed)
		}
	})
}

func TestErrorTexts(t *testing.T) {
	hostile := "<script>alert(1)</script>\n2026 level=error msg=forged \x1b[31m" + strings.Repeat("A", 1<<16)
	r, as := startRig(t, oauth2test.Config{}, nil)
	check := func(err error) {
		t.Helper()
		if err == nil || len(err.Error()) > 1500 || strings.ContainsAny(err.Error(), "\n\x1b") || strings.Contains(err.Error(), "evil.example") {
			t.Errorf("OS22 %.300v", err)
		}
	}
	as.Alter(oauth2test.Token, answer(400, "application/json", `{"error":"x","error_description":`+jsonOf(hostile)+`,"error_uri":"https://evil.example"}`))
	_, err := r.login("alice")
	check(err)
	as.Behave()
	as.Alter(oauth2test.Profile, answer(500, "application/json", `{"message":`+jsonOf(hostile)+`}`))
	_, err = r.login("alice")
	check(err)
	_, err = r.finish(with(r.start(), "state", theState, "error", hostile[:5000], "error_description", hostile[:5000], "error_uri", "https://evil.example"))
	check(err)
	t.Run("OS24 a secret in the provider's text", func(t *testing.T) {
		as.Behave()
		as.Alter(oauth2test.Token, func(_ *oauth2test.Server, req *http.Request, reply *oauth2test.Reply) {
			*reply = oauth2test.Reply{Status: 400, Header: http.Header{}, Members: map[string]any{
				"error": "invalid_grant", "error_description": "verifier " + req.PostForm.Get("code_verifier") + " auth " + req.Header.Get("Authorization"),
			}}
		})
		_, err := r.login("alice") // the rig looks for secrets
		checkReason(t, err, sdk.ErrInvalidResponse, "invalid_grant")
	})
	t.Run("OS24 the token in the API's text", func(t *testing.T) {
		as.Behave()
		as.Alter(oauth2test.Profile, func(_ *oauth2test.Server, req *http.Request, reply *oauth2test.Reply) {
			*reply = oauth2test.Reply{Status: 500, Header: http.Header{}, Members: map[string]any{"message": "bad " + req.Header.Get("Authorization")}}
		})
		_, err := r.login("alice")
		checkReason(t, err, sdk.ErrUnavailable, profile.ReasonStatus)
	})
	t.Run("OS24 the proof in an error", func(t *testing.T) {
		facebook, as := startRig(t, oauth2test.Config{Kind: oauth2test.Facebook}, nil)
		as.Alter(oauth2test.Profile, func(*oauth2test.Server, *http.Request, *oauth2test.Reply) { panic(http.ErrAbortHandler) })
		_, err := facebook.login("alice")
		if err == nil || strings.Contains(err.Error(), "proof") {
			t.Errorf("%v", err)
		}
	})
}

func TestValuesInURLs(t *testing.T) {
	for id, good := range map[string]bool{
		"4711": true, "a b": true, "a?x=1": true, "a&b=c": true, "a#b": true, "../../admin": false, "..": false, "a/b": false, "%2e%2e": true, "a\\b": false,
	} {
		t.Run("OS23 "+id, func(t *testing.T) {
			as := startAS(t, oauth2test.Config{People: []oauth2test.Person{{Login: "a", ID: id}}})
			values := as.Options(client())
			values["profile_calls"] = `[{"name":"more","url":"` + as.Base() + `/emails?of={id}","list":true,"optional":true}]`
			r := openRig(t, time.Now, values)
			got := ""
			as.Alter(oauth2test.Emails, func(_ *oauth2test.Server, req *http.Request, _ *oauth2test.Reply) { got = req.URL.Query().Get("of") })
			_, err := r.login("a")
			if good && (err != nil || got != id) {
				t.Errorf("%q, %v", got, err)
			} else if !good {
				checkReason(t, err, sdk.ErrInvalidResponse, profile.ReasonURL)
			}
		})
	}
}

func TestURLOptions(t *testing.T) {
	for option, bad := range map[string][]string{
		"profile_url": {"http://169.254.169.254/", "http://api.example/user", "file:///etc/passwd", "https://a@b.example/", "//x"},
		"access_url":  {"http://as.example/token", "ftp://x"}, "authorize_url": {"http://as.example/", "javascript:alert(1)"}, "revoke_url": {"http://as.example/"},
		"profile_calls": {`[{"name":"x","url":"http://169.254.169.254/"}]`, `[{"name":"x","url":"https://{id}.example/"}]`, `[{"name":"x","url":"https://{id}/"}]`},
	} {
		for _, value := range bad {
			values := map[string]any{
				"client_id": "x", "client_secret": "y", "identifier_key": "id",
				"authorize_url": "https://as.example/a", "access_url": "https://as.example/t", "profile_url": "https://as.example/p",
			}
			values[option] = value
			if _, err := tryOpenRig(t, time.Now, values); err == nil || !strings.Contains(err.Error(), option) {
				t.Errorf("OS25 %s=%s: %v", option, value, err)
			}
		}
	}
}

func TestCodesAreSentOnce(t *testing.T) {
	for name, alter := range map[string]oauth2test.Alteration{
		"OS26 good":       func(*oauth2test.Server, *http.Request, *oauth2test.Reply) {},
		"OS26 refused":    answer(400, "application/json", `{"error":"invalid_grant"}`),
		"OS26 down":       answer(503, "text/html", "<html>"),
		"OS26 breaks off": func(*oauth2test.Server, *http.Request, *oauth2test.Reply) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{}, nil)
			as.Alter(oauth2test.Token, alter)
			_, _ = r.login("alice")
			if n := as.Spent(); n != 1 {
				t.Errorf("a code was sent %d times", n)
			}
		})
	}
}

func TestRefreshes(t *testing.T) {
	clock := plugintest.NewClock()
	start := func(t *testing.T, kind oauth2test.Kind, options map[string]any) (*rig, *oauth2test.Server, []byte) {
		t.Helper()
		r, as := startRig(t, oauth2test.Config{Kind: kind, Now: clock.Now}, options)
		return r, as, r.mustLogin("alice").Grant
	}
	t.Run("OS27 rotation, and the token before it ends", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.GitHubApp, nil)
		clock.Advance(9 * time.Hour)
		got, err := r.refresh(grant)
		if err != nil || grantOf(t, got.Grant).RefreshToken == grantOf(t, grant).RefreshToken {
			t.Fatalf("%v", err)
		}
		if _, err := r.refresh(got.Grant); err != nil || as.Hits(oauth2test.Token) != 2 {
			t.Errorf("%v after %d token requests", err, as.Hits(oauth2test.Token))
		}
	})
	t.Run("OS27 no new refresh token keeps the old", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.Spotify, nil)
		clock.Advance(2 * time.Hour)
		as.Alter(oauth2test.Token, set(map[string]any{"refresh_token": nil}))
		got, err := r.refresh(grant)
		if err != nil || grantOf(t, got.Grant).RefreshToken != grantOf(t, grant).RefreshToken {
			t.Errorf("%v", err)
		}
	})
	t.Run("OS27 the profile fails after the renewal", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.GitHubApp, nil)
		clock.Advance(9 * time.Hour)
		as.Alter(oauth2test.Profile, answer(502, "text/html", "<html>"))
		if _, err := r.refresh(grant); !errors.Is(err, sdk.ErrUnavailable) {
			t.Fatalf("%v", err)
		}
		as.Behave()
		if _, err := r.refresh(grant); err != nil {
			t.Errorf("the new tokens are lost: %v", err)
		}
	})
	t.Run("OS27 another user in the new profile", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.Generic, nil)
		as.Alter(oauth2test.Profile, set(map[string]any{"id": "666"}))
		_, err := r.refresh(grant)
		checkReason(t, err, sdk.ErrDenied, reasonOtherUser)
	})
	t.Run("OS27 fewer scopes", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.Spotify, map[string]any{"required_scopes": "user-read-email"})
		clock.Advance(2 * time.Hour)
		as.Alter(oauth2test.Token, set(map[string]any{"scope": "x"}))
		_, err := r.refresh(grant)
		checkReason(t, err, sdk.ErrDenied, reasonScopeReduced)
	})
	t.Run("OS27 refresh token spent elsewhere", func(t *testing.T) {
		r, _, grant := start(t, oauth2test.Nextcloud, nil)
		clock.Advance(2 * time.Hour)
		if _, err := r.refresh(grant); err != nil {
			t.Fatal(err)
		}
		r.renewals.list = nil // another process
		_, err := r.refresh(grant)
		checkReason(t, err, sdk.ErrDenied, "invalid_grant")
	})
	t.Run("OS28 deleted account", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.GitHub, nil)
		as.SetPeople(oauth2test.Person{Login: "other", ID: "1"})
		_, err := r.refresh(grant)
		checkReason(t, err, sdk.ErrDenied, profile.ReasonTokenRefused)
	})
	for status, kind := range map[int]error{401: sdk.ErrDenied, 403: sdk.ErrUnavailable, 404: sdk.ErrUnavailable, 429: sdk.ErrUnavailable, 500: sdk.ErrUnavailable} {
		t.Run(fmt.Sprintf("OS28 status %d", status), func(t *testing.T) {
			r, as, grant := start(t, oauth2test.Mastodon, nil)
			as.Alter(oauth2test.Profile, answer(status, "application/json", `{"error":"x"}`))
			if _, err := r.refresh(grant); !errors.Is(err, kind) {
				t.Errorf("%v", err)
			}
		})
	}
	t.Run("OS28 a token that has ended, and no way to a new one", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.X, nil)
		clock.Advance(3 * time.Hour)
		before := as.Hits(oauth2test.Profile)
		_, err := r.refresh(grant)
		checkReason(t, err, sdk.ErrUnavailable, reasonGrantExpired)
		if as.Hits(oauth2test.Profile) != before {
			t.Error("the ended token was sent")
		}
	})
	t.Run("OS29 who leaves the organization loses the session", func(t *testing.T) {
		r, as, grant := start(t, oauth2test.GitHub, map[string]any{"allowed_organizations": "id:9919"})
		as.SetPeople(oauth2test.Person{Login: "alice", ID: "4711"})
		_, err := r.refresh(grant)
		checkReason(t, err, sdk.ErrDenied, sdk.ReasonNotAllowed)
	})
	t.Run("no grant", func(t *testing.T) {
		r, _, _ := start(t, oauth2test.Generic, nil)
		for _, grant := range []string{"", "x", "{}", `{"sub":"1"}`} {
			_, err := r.refresh([]byte(grant))
			checkReason(t, err, sdk.ErrInvalidResponse, reasonGrant)
		}
	})
	t.Run("no_refresh keeps no token", func(t *testing.T) {
		r, _ := startRig(t, oauth2test.Config{}, map[string]any{"no_refresh": true})
		if got := r.mustLogin("alice"); got.Grant != nil {
			t.Error("a grant")
		}
		if capabilities := sdk.Capabilities(r.Mechanism); len(capabilities) != 1 {
			t.Errorf("%v", capabilities)
		}
	})
}

func TestSuspended(t *testing.T) {
	for _, kind := range []oauth2test.Kind{oauth2test.GitHub, oauth2test.GitHubEnterprise, oauth2test.Gitea, oauth2test.Mastodon, oauth2test.Reddit, oauth2test.Nextcloud, oauth2test.Atlassian} {
		t.Run("OS29 at "+string(kind), func(t *testing.T) {
			r, _ := startRig(t, oauth2test.Config{Kind: kind, People: []oauth2test.Person{{Login: "a", ID: "1", Suspended: true}}}, nil)
			_, err := r.login("a")
			checkReason(t, err, sdk.ErrDenied, sdk.ReasonAccountDisabled)
		})
	}
	for rule, refused := range map[string]bool{"state!=active": true, "locked": true, "name=Nobody": false, "groups": true, "email_verified=false": false} {
		t.Run("OS29 "+rule, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{}, map[string]any{"refuse_when": rule})
			as.Alter(oauth2test.Profile, set(map[string]any{"locked": true}))
			if _, err := r.login("alice"); errors.Is(err, sdk.ErrDenied) != refused {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestIDTokenIsNobodysWord(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{}, nil)
	as.Alter(oauth2test.Token, set(map[string]any{"id_token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiI2NjYifQ."}))
	got := r.mustLogin("alice") // OS30
	if got.Subject != "4711" || strings.Contains(string(got.Grant), "eyJ") || strings.Contains(jsonOf(got.Claims), "eyJ") {
		t.Errorf("%+v", got)
	}
}

func TestTokenTypes(t *testing.T) {
	for _, kind := range []string{"mac", "DPoP", "N_A", "Bearer2"} {
		r, as := startRig(t, oauth2test.Config{}, map[string]any{"allow_missing_token_type": true})
		as.Alter(oauth2test.Token, set(map[string]any{"token_type": kind}))
		_, err := r.login("alice")
		checkReason(t, err, sdk.ErrInvalidResponse, codeflow.ReasonType) // OS34
		if as.Hits(oauth2test.Profile) != 0 {
			t.Errorf("OS34 %s: the token was used", kind)
		}
	}
}

func TestRevocation(t *testing.T) {
	for _, kind := range []oauth2test.Kind{oauth2test.GitHub, oauth2test.GitHubApp, oauth2test.GitHubEnterprise, oauth2test.Mastodon} {
		t.Run(string(kind), func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{Kind: kind}, nil)
			grant := r.mustLogin("alice").Grant
			step, err := r.Mechanism.(sdk.LogoutBeginner).BeginLogout(t.Context(), sdk.LogoutRequest{State: theState, Grant: grant})
			if step != nil || err != nil || as.Hits(oauth2test.Revocation) != 1 {
				t.Errorf("%v, %v, %d requests", step, err, as.Hits(oauth2test.Revocation))
			}
			_, err = r.refresh(grant)
			checkReason(t, err, sdk.ErrDenied, map[bool]sdk.Reason{true: "bad_refresh_token", false: profile.ReasonTokenRefused}[kind == oauth2test.GitHubApp])
			r.checkNoSecret(nil, sdk.ContinueRequest{})
		})
	}
	for _, test := range []struct {
		name, auth string
		options    map[string]any
		requests   int
	}{
		{"RFC 7009 by Basic", oauth2test.Basic, map[string]any{}, 1},
		{"RFC 7009 by post", oauth2test.Post, map[string]any{"client_token_endpoint_auth_method": authPost}, 1},
		{"RFC 7009 by raw Basic", oauth2test.BasicRaw, map[string]any{"client_token_endpoint_auth_method": authBasicRaw}, 1},
		{"kept", oauth2test.Basic, map[string]any{"keep_tokens_at_logout": true}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := client()
			c.Auth = test.auth
			as := startAS(t, oauth2test.Config{Clients: []oauth2test.Client{c}})
			values := as.Options(c)
			values["revoke_url"] = as.Base() + "/revoke"
			for name, value := range test.options {
				values[name] = value
			}
			r := openRig(t, time.Now, values)
			grant := r.mustLogin("alice").Grant
			if _, err := r.Mechanism.(sdk.LogoutBeginner).BeginLogout(t.Context(), sdk.LogoutRequest{Grant: grant}); err != nil {
				t.Error(err)
			}
			if n := as.Hits(oauth2test.Revocation); n != test.requests {
				t.Errorf("%d requests", n)
			}
			if _, err := r.refresh(grant); (err != nil) != (test.requests == 1) {
				t.Errorf("afterwards: %v", err)
			}
			if strings.Contains(r.log.String(), "revoking") {
				t.Error(r.log.String())
			}
		})
	}
}
