package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// asking prompts for fields and signs in every client that answers; it counts the answers.
type asking struct {
	fields []sdk.PromptField
	calls  *atomic.Int32
}

func (a asking) Begin(context.Context, sdk.BeginRequest) (sdk.Step, error) {
	return sdk.Prompt{Fields: a.fields}, nil
}

func (a asking) Continue(_ context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	a.calls.Add(1)
	return sdk.Authenticated{Identity: sdk.Identity{Subject: "uuid-of-" + req.Answers["user"]}}, nil
}

// siteOf is a site with one provider, "dir".
func siteOf(t *testing.T, m sdk.Mechanism) *site {
	return newSiteWith(t, "", directory{
		list: []sso.Provider{{
			Name: "dir", Driver: "ldap", Label: "DIR", Mode: sso.ModeSession, LoginTimeout: time.Minute, AllowPublicRegistration: true,
		}},
		mechanisms: map[string]sdk.Mechanism{"dir": m},
	})
}

func attemptOf(t *testing.T, a answer) (token, reason string) {
	t.Helper()
	token, _ = extensionsOf(t, a)["attempt"].(string)
	reason, _ = extensionsOf(t, a)["reason"].(string)
	return token, reason
}

// Identifier and password go only where they are meant to go; the mechanism is not called
// with an incomplete answer.
func TestDirectLoginThatWantsMore(t *testing.T) {
	user := sdk.PromptField{Name: "user", Kind: sdk.FieldUsername}
	password := sdk.PromptField{Name: "password", Kind: sdk.FieldPassword}
	code := sdk.PromptField{Name: "code", Kind: sdk.FieldOneTimeCode}
	text := func(name string, optional bool) sdk.PromptField {
		return sdk.PromptField{Name: name, Kind: sdk.FieldText, Optional: optional}
	}
	for name, test := range map[string]struct {
		fields []sdk.PromptField
		more   bool
	}{
		"user name and password":       {[]sdk.PromptField{user, password}, false},
		"the only text":                {[]sdk.PromptField{text("user", false), password}, false},
		"an optional text besides":     {[]sdk.PromptField{user, password, text("realm", true)}, false},
		"a code besides":               {[]sdk.PromptField{user, password, code}, true},
		"a text besides":               {[]sdk.PromptField{user, password, text("realm", false)}, true},
		"two texts":                    {[]sdk.PromptField{text("user", false), text("realm", false), password}, true},
		"two passwords":                {[]sdk.PromptField{user, password, {Name: "other", Kind: sdk.FieldPassword}}, true},
		"a password but no identifier": {[]sdk.PromptField{password}, true},
	} {
		t.Run(name, func(t *testing.T) {
			m := asking{test.fields, new(atomic.Int32)}
			s := siteOf(t, m)
			s.logger.SetLevel(hclog.Info)
			b := s.browser(t)
			a := b.postJSON("/auth/login/dir", map[string]string{"identifier": "ada", "password": "right"})
			if !test.more {
				if a.StatusCode != http.StatusOK {
					t.Errorf("got %s %s", a.Status, a.body)
				}
				return
			}
			token, reason := attemptOf(t, a)
			if a.StatusCode != http.StatusUnauthorized || token == "" || reason != "" || m.calls.Load() != 0 || strings.Contains(a.body, "not right") {
				t.Fatalf("got %s %s after %d calls", a.Status, a.body, m.calls.Load())
			}
			if strings.Contains(s.log.String(), "refused") {
				t.Errorf("a login that goes well is logged as refused: %s", s.log)
			}
			answers := map[string]string{}
			for _, f := range test.fields {
				answers[f.Name] = "x"
			}
			b.postJSON("/auth/login/dir", map[string]any{"attempt": token, "answers": answers}).data(t)
		})
	}
}

// A login by JSON requires what the first prompt asks for, and nothing else.
func TestDirectLoginRequiresTheFirstPrompt(t *testing.T) {
	user := sdk.PromptField{Name: "user", Kind: sdk.FieldUsername}
	password := sdk.PromptField{Name: "password", Kind: sdk.FieldPassword}
	code := sdk.PromptField{Name: "code", Kind: sdk.FieldOneTimeCode}
	answers := func(pairs ...string) map[string]any {
		list := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			list[pairs[i]] = pairs[i+1]
		}
		return map[string]any{"answers": list}
	}
	for name, test := range map[string]struct {
		fields []sdk.PromptField
		body   map[string]any
		status int
		reason string // of a 400
	}{
		"a user name first":              {[]sdk.PromptField{user}, map[string]any{"identifier": "ada"}, http.StatusOK, ""},
		"a user name first, none given":  {[]sdk.PromptField{user}, map[string]any{}, http.StatusBadRequest, `"identifier" is required`},
		"a password and no user name":    {[]sdk.PromptField{password}, map[string]any{"password": "x"}, http.StatusOK, ""},
		"a code alone":                   {[]sdk.PromptField{code}, answers("code", "123456"), http.StatusOK, ""},
		"a code alone, none given":       {[]sdk.PromptField{code}, map[string]any{}, http.StatusUnauthorized, ""},
		"a name and a code":              {[]sdk.PromptField{user, code}, map[string]any{"identifier": "ada", "answers": map[string]string{"code": "1"}}, http.StatusOK, ""},
		"by the names of the fields":     {[]sdk.PromptField{user, password}, answers("user", "ada", "password", "x"), http.StatusOK, ""},
		"nothing":                        {[]sdk.PromptField{user, password}, map[string]any{}, http.StatusBadRequest, `"identifier" and "password" are required`},
		"no password":                    {[]sdk.PromptField{user, password}, map[string]any{"identifier": "ada"}, http.StatusBadRequest, `"password" is required`},
		"J01 an empty password":          {[]sdk.PromptField{user, password}, map[string]any{"identifier": "ada", "password": ""}, http.StatusBadRequest, `"password" is required`},
		"J01 an empty answer":            {[]sdk.PromptField{user, password}, answers("user", "ada", "password", ""), http.StatusBadRequest, `"password" is required`},
		"an identifier besides a code":   {[]sdk.PromptField{code}, map[string]any{"identifier": "ada", "answers": map[string]string{"code": "1"}}, http.StatusUnauthorized, ""},
		"an answer that nobody asks for": {[]sdk.PromptField{user}, map[string]any{"identifier": "ada", "answers": map[string]string{"admin": "1"}}, http.StatusOK, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := asking{test.fields, new(atomic.Int32)}
			a := siteOf(t, m).browser(t).postJSON("/auth/login/dir", test.body)
			if a.StatusCode != test.status || test.status != http.StatusOK && m.calls.Load() != 0 {
				t.Fatalf("got %s %s after %d calls", a.Status, a.body, m.calls.Load())
			}
			if test.status == http.StatusOK {
				return
			}
			if token, reason := attemptOf(t, a); reason != test.reason || (token == "") != (test.status == http.StatusBadRequest) {
				t.Errorf("got %s", a.body)
			}
		})
	}
}

func TestJ01_AnswersThatAreMissing(t *testing.T) {
	m := asking{credentials, new(atomic.Int32)}
	s := siteOf(t, m)
	b := s.browser(t)
	form := hiddenFields(t, b.get("/auth/login/dir", "Accept", acceptHTML).body)
	for name, password := range map[string][]string{"missing": nil, "empty": {""}, "twice": {"a", "b"}} {
		form["username"], form["password"] = []string{"ada"}, password
		a := b.postForm("/auth/login/dir/callback", form, "Accept", acceptHTML)
		if a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, "not accepted") {
			t.Errorf("%s: %s %s", name, a.Status, a.body)
		}
		a = b.postForm("/auth/login/dir/callback", form)
		if reason := extensionsOf(t, a)["reason"]; a.code(t) != "INVALID_PAYLOAD" || reason != "an answer is missing or given twice" {
			t.Errorf("%s as JSON: %s", name, a.body)
		}
	}
	if n := m.calls.Load(); n != 0 {
		t.Errorf("the mechanism was asked %d times", n)
	}
	form["password"] = []string{"right"}
	if a := b.postForm("/auth/login/dir/callback", form); a.cookie("directus_session_token") == nil {
		t.Errorf("in full: %s %s", a.Status, a.body)
	}
}

// refusing asks again with its own reason.
type refusing struct{ reason sdk.Reason }

func (r refusing) Begin(context.Context, sdk.BeginRequest) (sdk.Step, error) {
	return sdk.Prompt{Fields: credentials}, nil
}

func (r refusing) Continue(context.Context, sdk.ContinueRequest) (sdk.Step, error) {
	return sdk.Prompt{Reason: r.reason, Fields: credentials}, nil
}

// A prompt that is shown again says why, also for a reason for which the page has no words;
// a further step without a reason is not a refusal.
func TestPromptSaysWhyItIsShownAgain(t *testing.T) {
	for _, test := range []struct {
		reason sdk.Reason
		status int
		want   string
	}{
		{sdk.ReasonBadCredentials, http.StatusUnauthorized, "is incorrect"},
		{sdk.ReasonCodeWrong, http.StatusUnauthorized, "The code is incorrect"},
		{sdk.ReasonCodeExpired, http.StatusUnauthorized, "The code is too old"},
		{"password_too_short", http.StatusUnauthorized, "not accepted"},
		{"", http.StatusOK, ""},
	} {
		t.Run(string(test.reason), func(t *testing.T) {
			s := siteOf(t, refusing{test.reason})
			s.logger.SetLevel(hclog.Info)
			b := s.browser(t)
			form := hiddenFields(t, b.get("/auth/login/dir", "Accept", acceptHTML).body)
			form.Set("username", "ada")
			form.Set("password", "x")
			a := b.postForm("/auth/login/dir/callback", form, "Accept", acceptHTML)
			if a.StatusCode != test.status || !strings.Contains(a.body, test.want) || strings.Contains(a.body, `role="alert"`) != (test.reason != "") {
				t.Errorf("got %s %s", a.Status, a.body)
			}
			if strings.Contains(s.log.String(), "asking again") != (test.reason != "") {
				t.Errorf("log: %s", s.log)
			}
		})
	}
}

func TestReasonsOfBadPayloads(t *testing.T) {
	b := newSite(t, "").browser(t)
	for _, test := range []struct{ path, body, want string }{
		{"/auth/login/dir", `{"identifier":1}`, `"identifier" must be a string`},
		{"/auth/login/dir", `{"answers":[]}`, `"answers" must be an object of strings`},
		{"/auth/login/dir", `{"answers":{"a":1}}`, `"answers" must be an object of strings`},
		{"/auth/login/dir", `[]`, "the body is not a JSON object"},
		{"/auth/login/dir", `{"identifier":`, "the body is not a JSON object"},
		{"/auth/refresh", `{"refresh_token":{}}`, `"refresh_token" must be a string`},
		{"/auth/refresh", `{"mode":"json"}{"mode":"cookie"}`, "the body is more than one JSON object"},
		{"/auth/logout", `{} trailing`, "the body is more than one JSON object"},
	} {
		a := b.do(http.MethodPost, test.path, strings.NewReader(test.body), "Content-Type", "application/json")
		if got := extensionsOf(t, a)["reason"]; a.StatusCode != http.StatusBadRequest || got != test.want {
			t.Errorf("%s %s: %s %s", test.path, test.body, a.Status, a.body)
		}
	}
	marked := b.do(http.MethodPost, "/auth/refresh", strings.NewReader("\xef\xbb\xbf"+`{"refresh_token":5}`), "Content-Type", "application/json")
	if got := extensionsOf(t, marked)["reason"]; got != `"refresh_token" must be a string` {
		t.Errorf("after a byte order mark: %s", marked.body)
	}
	long := url.Values{"identifier": {strings.Repeat("a", 10<<10)}, "password": {"x"}}
	if a := b.postForm("/auth/login/dir", long); extensionsOf(t, a)["reason"] != "an answer is too long" {
		t.Errorf("too long: %s", a.body)
	}
}

// renewing asks for a name and a password, and then for a new password, twice.
type renewing struct{}

func (renewing) Begin(context.Context, sdk.BeginRequest) (sdk.Step, error) {
	return sdk.Prompt{Fields: credentials, Memory: []byte("password")}, nil
}

func (renewing) Continue(_ context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	ask := func(reason sdk.Reason) sdk.Step {
		return sdk.Prompt{Reason: reason, Memory: []byte("renew"), Fields: []sdk.PromptField{
			{Name: "new_password", Kind: sdk.FieldNewPassword},
			{Name: "new_password_again", Kind: sdk.FieldNewPassword, Label: "New password, again"},
		}}
	}
	switch {
	case string(req.Memory) == "password":
		return ask(sdk.ReasonPasswordExpired), nil
	case req.Answers["new_password"] != req.Answers["new_password_again"]:
		return ask("not_the_same"), nil
	}
	return sdk.Authenticated{Identity: sdk.Identity{Subject: "ada"}}, nil
}

func TestChooseANewPassword(t *testing.T) {
	t.Run("by a program", func(t *testing.T) {
		b := siteOf(t, renewing{}).browser(t)
		a := b.postJSON("/auth/login/dir", map[string]string{"identifier": "ada", "password": "old"})
		for _, again := range []string{"nwe", "new"} {
			token, reason := attemptOf(t, a)
			if a.StatusCode != http.StatusUnauthorized || token == "" || again == "nwe" && reason != "password_expired" {
				t.Fatalf("got %s %s", a.Status, a.body)
			}
			fields, _ := extensionsOf(t, a)["fields"].([]any)
			if len(fields) != 2 || fields[1].(map[string]any)["kind"] != "new_password" {
				t.Errorf("fields %v", fields)
			}
			a = b.postJSON("/auth/login/dir", map[string]any{
				"attempt": token, "answers": map[string]string{"new_password": "new", "new_password_again": again},
			})
		}
		if a.StatusCode != http.StatusOK || a.data(t)["access_token"] == nil {
			t.Errorf("got %s %s", a.Status, a.body)
		}
	})
	t.Run("by a browser", func(t *testing.T) {
		b := siteOf(t, renewing{}).browser(t)
		form := hiddenFields(t, b.get("/auth/login/dir", "Accept", acceptHTML).body)
		form.Set("username", "ada")
		form.Set("password", "old")
		a := b.postForm("/auth/login/dir/callback", form, "Accept", acceptHTML)
		if strings.Count(a.body, `autocomplete="new-password"`) != 2 || !strings.Contains(a.body, ">New password<") ||
			!strings.Contains(a.body, ">New password, again<") || strings.Count(a.body, `type="password"`) != 2 {
			t.Errorf("page: %s", a.body)
		}
		form = hiddenFields(t, a.body)
		form.Set("new_password", "new")
		form.Set("new_password_again", "new")
		if a := b.postForm("/auth/login/dir/callback", form, "Accept", acceptHTML); a.cookie(sessionCookie) == nil {
			t.Errorf("got %s %s", a.Status, a.body)
		}
	})
}

// denying denies for a reason.
type denying struct{ reason sdk.Reason }

func (denying) Begin(context.Context, sdk.BeginRequest) (sdk.Step, error) {
	return sdk.Prompt{Fields: []sdk.PromptField{{Name: "user", Kind: sdk.FieldUsername}, {Name: "password", Kind: sdk.FieldPassword}}}, nil
}

func (d denying) Continue(context.Context, sdk.ContinueRequest) (sdk.Step, error) {
	return nil, sdk.Denied(d.reason, "no")
}

// Each reason of the SDK is sent to programs, and has its own words for people.
func TestDeniedReasons(t *testing.T) {
	seen := map[string]sdk.Reason{}
	for _, reason := range sdk.Reasons() {
		a := siteOf(t, denying{reason}).browser(t).postJSON("/auth/login/dir", map[string]string{"identifier": "ada", "password": "x"})
		if got := extensionsOf(t, a)["reason"]; a.StatusCode != http.StatusUnauthorized || got != string(reason) {
			t.Errorf("%s: %s %s", reason, a.Status, a.body)
		}
		text, _, _ := strings.Cut(a.body, `","extensions"`)
		if other, ok := seen[text]; ok {
			t.Errorf("%s and %s have the same words: %q", reason, other, text)
		}
		seen[text] = reason
	}
}
