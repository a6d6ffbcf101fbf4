package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/oauth2/internal/preset"
	"github.com/doorward/doorward/plugins/oauth2/internal/profile"
	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// The tests in this file are attacks with responses of a provider.

func TestOS09AnotherUserInBetween(t *testing.T) {
	as := startAS(t, oauth2test.Config{})
	values := as.Options(client())
	values["profile_calls"] = `[{"name":"details","url":"` + as.Base() + `/profile","user":"id"}]`
	r := openRig(t, time.Now, values)
	r.mustLogin("alice")
	as.Alter(oauth2test.Profile, func(s *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
		if s.Hits(oauth2test.Profile)%2 == 0 { // the second request of each login
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
		checkReason(t, err, sdk.ErrInvalidResponse, upstream.ReasonHTML)
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
		_, err := r.login("alice") // the rig searches the log for secrets
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

func TestIDTokenIsNobodysWord(t *testing.T) {
	r, as := startRig(t, oauth2test.Config{}, nil)
	as.Alter(oauth2test.Token, set(map[string]any{"id_token": "eyJhbGciOiJub25lIn0.eyJzdWIiOiI2NjYifQ."}))
	got := r.mustLogin("alice") // OS30
	if got.Subject != "4711" || strings.Contains(string(got.Grant), "eyJ") || strings.Contains(jsonOf(got.Claims), "eyJ") {
		t.Errorf("%+v", got)
	}
}

func TestOS34TokenTypes(t *testing.T) {
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
