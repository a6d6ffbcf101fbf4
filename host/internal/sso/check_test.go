package sso

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
)

func checkStep(step sdk.Step) error { return contractError(contract.CheckBegin(step)) }

func checkTarget(target string) error { return checkStep(sdk.Redirect{URL: target}) }

// wantRefused checks for a refusal of the provider's response.
func wantRefused(t *testing.T, what string, err error, reason sdk.Reason) {
	t.Helper()
	if !errors.Is(err, sdk.ErrInvalidResponse) || errors.Is(err, ErrPluginFault) || sdk.ReasonOf(err) != reason {
		t.Errorf("%s: got %v, want an invalid response with the reason %s", what, err, reason)
		return
	}
	if len(err.Error()) > 1024 || strings.ContainsAny(err.Error(), "\n\r\x1b\x00") {
		t.Errorf("%s: the error is not fit for a log: %q", what, err)
	}
}

// wantFault checks for a fault whose text is safe in a line of the log.
func wantFault(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, ErrPluginFault) {
		t.Errorf("%s: got %v, want a plugin fault", what, err)
		return
	}
	if len(err.Error()) > 1024 || strings.ContainsAny(err.Error(), "\n\r\x1b\x00") {
		t.Errorf("%s: the error is not fit for a log: %q", what, err)
	}
}

func TestCheckTarget(t *testing.T) {
	long := "https://idp.test/" + strings.Repeat("x", sdk.MaxURL)
	for _, target := range []string{
		"https://idp.test", "https://idp.test/", "https://idp.test:8443/a?b=c%20d#e", "HTTPS://IDP.TEST/", "https://[2001:db8::1]/",
		"http://localhost/", "http://LOCALHOST:8080/x", "http://127.0.0.1:8080/", "http://127.1.2.3/", "http://[::1]:8080/",
		"http://[::ffff:127.0.0.1]/", "https://idp.test/?next=http://evil.example", "https://idp.test/@x", long[:sdk.MaxURL],
	} {
		if err := checkTarget(target); err != nil {
			t.Errorf("%.80q is refused: %v", target, err)
		}
	}
	for _, target := range []string{
		"", "/", "//idp.test/", "idp.test", "?x", "#", "https:", "https://", "https:///evil.example/", "https:evil.example", "https:/evil.example",
		"https://:443/", "https://?x", "https://#x",
		"javascript:alert(1)", "JavaScript:alert(1)", "javascript://idp.test/%0aalert(1)", "data:text/html,x", "vbscript:x", "blob:https://idp.test/x",
		"file:///etc/passwd", "ftp://idp.test/", "ws://idp.test/", "myapp://callback", "about:blank", "view-source:https://idp.test/",
		"https://user@idp.test/", "https://user:pass@idp.test/", "https://@idp.test/", "https://idp.test@evil.example/", "https://idp.test%40evil.example/",
		`https://idp.test/\evil.example`, `https://idp.test\@evil.example/`, `https:\\evil.example`, `https:/\evil.example`, `\\evil.example`, `https://evil.example\.idp.test/`,
		" https://idp.test/", "https://idp.test/ ", "https://idp.test/a b", "https://idp.test/\r\nSet-Cookie: a=b", "https://idp.test/\x00", "\thttps://idp.test/",
		"java\nscript:alert(1)", "https://idp.test/\x7f", "https://idp.test/é", "https://ıdp.test/", "https://idp.test/\u202e", "https://idp.test/\xff",
		"http://idp.test/", "http://10.0.0.1/", "http://0.0.0.0/", "http://[::]/", "http://192.168.1.1:8080/", "http://127.0.0.1.evil.example/",
		"http://localhost.evil.example/", "http://localhost:80@evil.example/", "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/",
		"http://[::ffff:10.0.0.1]/", "http://[fe80::1]/", "http://localhost./", "https://[::1", "https://idp.test:port/", "https://%zz/", long,
	} {
		wantFault(t, fmt.Sprintf("target %.80q", target), checkTarget(target))
	}
}

func TestCheckFormPost(t *testing.T) {
	const target = "https://idp.test/"
	field := func(name, value string) []sdk.FormField { return []sdk.FormField{{Name: name, Value: value}} }
	for name, post := range map[string]sdk.FormPost{
		"no fields":    {URL: target},
		"some":         {URL: target, Fields: field("SAMLRequest", "PHg+\n")},
		"markup":       {URL: target, Fields: field("a", `"><script>`)},
		"as many":      {URL: target, Fields: slices.Repeat(field("a", "b"), sdk.MaxFormFields)},
		"as large":     {URL: target, Fields: field("a", strings.Repeat("x", sdk.MaxFormBytes-1))},
		"the same one": {URL: target, Fields: slices.Repeat(field("a", "b"), 2)},
	} {
		if err := checkStep(post); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, post := range map[string]sdk.FormPost{
		"no target":         {},
		"a script":          {URL: "javascript:alert(1)"},
		"too many":          {URL: target, Fields: slices.Repeat(field("a", "b"), sdk.MaxFormFields+1)},
		"too large a value": {URL: target, Fields: field("a", strings.Repeat("x", sdk.MaxFormBytes))},
		"too large a name":  {URL: target, Fields: field(strings.Repeat("x", sdk.MaxFormBytes), "a")},
		"a name no UTF-8":   {URL: target, Fields: field("\xff", "a")},
		"a value no UTF-8":  {URL: target, Fields: field("a", "\xff")},
	} {
		wantFault(t, name, checkStep(post))
	}
}

func TestCheckPrompt(t *testing.T) {
	field := func(name string) sdk.PromptField { return sdk.PromptField{Name: name, Kind: sdk.FieldText} }
	with := func(alter func(*sdk.Prompt)) sdk.Prompt {
		p := sdk.Prompt{Fields: []sdk.PromptField{field("identifier")}}
		alter(&p)
		return p
	}
	several := func(n int) (fields []sdk.PromptField) {
		for i := range n {
			fields = append(fields, field(fmt.Sprint("f", i)))
		}
		return fields
	}
	for name, prompt := range map[string]sdk.Prompt{
		"one":           with(func(*sdk.Prompt) {}),
		"as many":       {Fields: several(sdk.MaxPromptFields)},
		"a long name":   {Fields: []sdk.PromptField{field(strings.Repeat("x", 32))}},
		"a long label":  with(func(p *sdk.Prompt) { p.Fields[0].Label = strings.Repeat("x", sdk.MaxLabel) }),
		"a label":       with(func(p *sdk.Prompt) { p.Fields[0].Label = `Kennwort für <b>Ü</b>` }),
		"a reason":      with(func(p *sdk.Prompt) { p.Reason = sdk.ReasonBadCredentials }),
		"an odd reason": with(func(p *sdk.Prompt) { p.Reason = "weird_1" }),
		"every kind": {Fields: []sdk.PromptField{
			{Name: "a", Kind: sdk.FieldText}, {Name: "b", Kind: sdk.FieldUsername}, {Name: "c", Kind: sdk.FieldPassword},
			{Name: "d", Kind: sdk.FieldNewPassword}, {Name: "e", Kind: sdk.FieldOneTimeCode, Optional: true},
		}},
	} {
		if err := checkStep(prompt); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, prompt := range map[string]sdk.Prompt{
		"no fields":           {},
		"too many":            {Fields: several(sdk.MaxPromptFields + 1)},
		"the same name twice": {Fields: []sdk.PromptField{field("a"), field("a")}},
		"the name state":      {Fields: []sdk.PromptField{field("state")}},
		"no name":             {Fields: []sdk.PromptField{field("")}},
		"a capital":           {Fields: []sdk.PromptField{field("Password")}},
		"markup in a name":    {Fields: []sdk.PromptField{field(`a"><script>`)}},
		"a line break":        {Fields: []sdk.PromptField{field("a\n")}},
		"a very long name":    {Fields: []sdk.PromptField{field(strings.Repeat("x", 33))}},
		"no kind":             with(func(p *sdk.Prompt) { p.Fields[0].Kind = "" }),
		"an unknown kind":     with(func(p *sdk.Prompt) { p.Fields[0].Kind = "file\n" }),
		"a very long label":   with(func(p *sdk.Prompt) { p.Fields[0].Label = strings.Repeat("x", sdk.MaxLabel+1) }),
		"a label with ANSI":   with(func(p *sdk.Prompt) { p.Fields[0].Label = "\x1b[2J" }),
		"a label no UTF-8":    with(func(p *sdk.Prompt) { p.Fields[0].Label = "\xff" }),
		"prose as a reason":   with(func(p *sdk.Prompt) { p.Reason = "Your password\n has expired" }),
		"a very long reason":  with(func(p *sdk.Prompt) { p.Reason = sdk.Reason(strings.Repeat("x", 65)) }),
	} {
		wantFault(t, name, checkStep(prompt))
	}
}

func TestCheckMemory(t *testing.T) {
	const target = "https://idp.test/"
	if err := checkStep(sdk.Redirect{URL: target, Memory: make([]byte, sdk.MaxMemory)}); err != nil {
		t.Error(err)
	}
	wantFault(t, "too much", checkStep(sdk.Redirect{URL: target, Memory: make([]byte, sdk.MaxMemory+1)}))
}

func TestCheckIdentity(t *testing.T) {
	now := testStart
	for name, alter := range map[string]func(*sdk.Identity){
		"as it is":                     func(*sdk.Identity) {},
		"D05 subject of 255 bytes":     func(i *sdk.Identity) { i.Subject = strings.Repeat("s", 255) },
		"D05 subject with spaces":      func(i *sdk.Identity) { i.Subject = "  u1 " },
		"D05 subject of a full width":  func(i *sdk.Identity) { i.Subject = "ｕ１" },
		"D05 subject with zero width":  func(i *sdk.Identity) { i.Subject = "u\u200b1" },
		"D12 as many groups":           func(i *sdk.Identity) { i.Groups = slices.Repeat([]string{"g"}, sdk.MaxGroups) },
		"D12 a long group":             func(i *sdk.Identity) { i.Groups = []string{strings.Repeat("g", sdk.MaxAttribute)} },
		"D12 as many bytes of groups":  func(i *sdk.Identity) { i.Groups = slices.Repeat([]string{strings.Repeat("g", 1024)}, 512) },
		"a grant as large":             func(i *sdk.Identity) { i.Grant = make([]byte, sdk.MaxGrant) },
		"an expiry to come":            func(i *sdk.Identity) { i.ExpiresAt = now.Add(1) },
		"an expiry far away":           func(i *sdk.Identity) { i.ExpiresAt = now.AddDate(9000, 0, 0) },
		"a once-ID for a moment":       func(i *sdk.Identity) { i.OnceID, i.OnceUntil = "o", now.Add(1) },
		"a once-ID for as long":        func(i *sdk.Identity) { i.OnceID, i.OnceUntil = "o", now.Add(sdk.MaxOnce) },
		"an end of no once-ID":         func(i *sdk.Identity) { i.OnceUntil = now.Add(-1) },
		"attributes as long":           func(i *sdk.Identity) { i.Email = strings.Repeat("e", sdk.MaxAttribute) },
		"names in any script":          func(i *sdk.Identity) { i.GivenName, i.Name = "Łukasz", "山田 太郎" },
		"an amr as the provider likes": func(i *sdk.Identity) { i.AMR = []string{"pwd", "otp"} },
	} {
		i := sdk.Identity{Subject: "s"}
		alter(&i)
		if got, leftOut, err := acceptIdentity(i, now); err != nil || len(leftOut) > 0 || !cmp.Equal(got, i) {
			t.Errorf("%s: %v, left out %q", name, err, leftOut)
		}
	}
}

// Values for display only never make a login fail, and are never passed on unchecked.
func TestAcceptTidies(t *testing.T) {
	long := strings.Repeat("x", sdk.MaxAttribute+1)
	for name, alter := range map[string]func(*sdk.Identity){
		"K04 username no UTF-8":        func(i *sdk.Identity) { i.Username = "\xff" },
		"K04 username long":            func(i *sdk.Identity) { i.Username = long },
		"K04 e-mail with a line break": func(i *sdk.Identity) { i.Email = "a@b\nBcc: c" },
		"K04 e-mail long":              func(i *sdk.Identity) { i.Email = long },
		"K04 given name with ANSI":     func(i *sdk.Identity) { i.GivenName = "\x1b[2J" },
		"K04 given name long":          func(i *sdk.Identity) { i.GivenName = long },
		"K04 family name with NUL":     func(i *sdk.Identity) { i.FamilyName = "\x00" },
		"K04 name with a tab":          func(i *sdk.Identity) { i.Name = "a\tb" },
		"K04 acr with a line break":    func(i *sdk.Identity) { i.ACR = "\n" },
		"D12 a very long group":        func(i *sdk.Identity) { i.Groups = []string{long} },
		"D12 admin and NUL":            func(i *sdk.Identity) { i.Groups = []string{"users", "admin\x00"} },
		"D12 a group no UTF-8":         func(i *sdk.Identity) { i.Groups = []string{"admin\xff"} },
		"an amr with a line break":     func(i *sdk.Identity) { i.AMR = []string{"\n"} },
	} {
		i := sdk.Identity{Subject: "s"}
		alter(&i)
		got, leftOut, err := acceptIdentity(i, testStart)
		if err != nil || len(leftOut) != 1 || cmp.Equal(got, i) {
			t.Errorf("%s: %v, left out %q, got %+v", name, err, leftOut, got)
		}
		if slices.ContainsFunc(append(got.Groups, got.Username, got.Email, got.GivenName, got.FamilyName, got.Name, got.ACR), func(text string) bool {
			return len(text) > sdk.MaxAttribute || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl)
		}) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestCheckIdentityRefuses(t *testing.T) {
	now := testStart
	long := strings.Repeat("x", sdk.MaxAttribute+1)
	for name, test := range map[string]struct {
		reason sdk.Reason
		alter  func(*sdk.Identity)
	}{
		"D05 no subject":                {"subject_invalid", func(i *sdk.Identity) { i.Subject = "" }},
		"D05 subject of 256 bytes":      {"subject_invalid", func(i *sdk.Identity) { i.Subject = strings.Repeat("s", 256) }},
		"D05 subject with NUL":          {"subject_invalid", func(i *sdk.Identity) { i.Subject = "u\x00" }},
		"D05 subject with a line break": {"subject_invalid", func(i *sdk.Identity) { i.Subject = "u\r\nX: y" }},
		"D05 subject with DEL":          {"subject_invalid", func(i *sdk.Identity) { i.Subject = "u\x7f" }},
		"D05 subject with C1":           {"subject_invalid", func(i *sdk.Identity) { i.Subject = "u\u0085" }},
		"D05 subject no UTF-8":          {"subject_invalid", func(i *sdk.Identity) { i.Subject = "u\xff" }},
		"K04 once-ID with NUL":          {"once_id_invalid", func(i *sdk.Identity) { i.OnceID, i.OnceUntil = "\x00", now.Add(1) }},
		"K04 once-ID long":              {"once_id_invalid", func(i *sdk.Identity) { i.OnceID, i.OnceUntil = long, now.Add(1) }},
		"D12 too many groups":           {"groups_too_large", func(i *sdk.Identity) { i.Groups = slices.Repeat([]string{"g"}, sdk.MaxGroups+1) }},
		"D12 too many bytes of groups":  {"groups_too_large", func(i *sdk.Identity) { i.Groups = slices.Repeat([]string{strings.Repeat("g", 1024)}, 513) }},
		"too many amr":                  {"amr_too_large", func(i *sdk.Identity) { i.AMR = slices.Repeat([]string{"a"}, 65) }},
		"a session ID with NUL":         {"session_id_invalid", func(i *sdk.Identity) { i.SessionID = "\x00" }},
		"a logout subject with NUL":     {"logout_subject_invalid", func(i *sdk.Identity) { i.LogoutSubject = "\x00" }},
		"a long session ID":             {"session_id_invalid", func(i *sdk.Identity) { i.SessionID = long }},
		"a long logout subject":         {"logout_subject_invalid", func(i *sdk.Identity) { i.LogoutSubject = long }},
	} {
		i := sdk.Identity{Subject: "s"}
		test.alter(&i)
		_, _, err := acceptIdentity(i, now)
		wantRefused(t, name, err, test.reason)
	}
	for name, alter := range map[string]func(*sdk.Identity){
		"a grant too large":        func(i *sdk.Identity) { i.Grant = make([]byte, sdk.MaxGrant+1) },
		"expired now":              func(i *sdk.Identity) { i.ExpiresAt = now },
		"expired before":           func(i *sdk.Identity) { i.ExpiresAt = now.Add(-time.Hour) },
		"expired long ago":         func(i *sdk.Identity) { i.ExpiresAt = time.Unix(-1, 0) },
		"a once-ID without an end": func(i *sdk.Identity) { i.OnceID = "o" },
		"a once-ID until now":      func(i *sdk.Identity) { i.OnceID, i.OnceUntil = "o", now },
		"a once-ID for too long":   func(i *sdk.Identity) { i.OnceID, i.OnceUntil = "o", now.Add(sdk.MaxOnce+1) },
	} {
		i := sdk.Identity{Subject: "s"}
		alter(&i)
		_, _, err := acceptIdentity(i, now)
		wantFault(t, name, err)
	}
}

func TestNewNeedsALongSecret(t *testing.T) {
	if _, err := New(Config{Secret: make([]byte, MinSecret-1), Clock: SystemClock()}, Ports{}); err == nil {
		t.Error("a short secret is accepted")
	}
	if _, err := New(Config{Secret: make([]byte, MinSecret), Clock: SystemClock()}, Ports{}); err != nil {
		t.Error(err)
	}
	if _, err := New(Config{Secret: make([]byte, MinSecret)}, Ports{}); err == nil {
		t.Error("no clock is accepted")
	}
}
