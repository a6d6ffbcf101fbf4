package sso

import (
	"net/url"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk"
)

func TestLoginField(t *testing.T) {
	field := func(name string, kind sdk.FieldKind) sdk.PromptField { return sdk.PromptField{Name: name, Kind: kind} }
	for want, fields := range map[string][]sdk.PromptField{
		"user":  {field("user", sdk.FieldUsername), field("domain", sdk.FieldText), field("password", sdk.FieldPassword)},
		"email": {field("email", sdk.FieldText), field("password", sdk.FieldPassword)},
		"":      {field("code", sdk.FieldOneTimeCode), field("new", sdk.FieldNewPassword)},
	} {
		if got := LoginField(fields); got != want {
			t.Errorf("%v: %q, want %q", fields, got, want)
		}
	}
	two := []sdk.PromptField{field("a", sdk.FieldText), field("b", sdk.FieldText)}
	if got := LoginField(two); got != "" {
		t.Errorf("of two: %q", got)
	}
}

func TestAsked(t *testing.T) {
	sealer := testSealer(t, strings.Repeat("s", MinSecret))
	s := &Service{config: Config{Clock: SystemClock()}, sealer: sealer}
	seal := func(change func(*Attempt)) Answer {
		a := testAttempt()
		a.ExpiresAt = s.config.Now().Add(MinLoginTimeout)
		change(&a)
		return Answer{Provider: "p", State: a.State, Sealed: mustSeal(t, sealer, a), Response: sdk.InboundRequest{
			Form: url.Values{"identifier": {"ada"}, "padded": {strings.Repeat(" ", 2*maxLoginName) + "a\u200bda "}, "": {"forged"}},
		}}
	}
	other := seal(func(*Attempt) {})
	other.Provider = "q"
	for name, tc := range map[string]struct {
		answer Answer
		name   string
		asked  bool
	}{
		"a prompt":                  {seal(func(*Attempt) {}), "ada", true},
		"a name of before":          {seal(func(a *Attempt) { a.LoginField, a.LoginName = "", "bob" }), "bob", true},
		"a prompt without a name":   {seal(func(a *Attempt) { a.LoginField = "" }), "", true},
		"a name behind many spaces": {seal(func(a *Attempt) { a.LoginField = "padded" }), "ada", true},
		"a redirect":                {seal(func(a *Attempt) { a.Fields, a.LoginField = nil, "" }), "", false},
		"an expired one":            {seal(func(a *Attempt) { a.ExpiresAt = testStart.AddDate(-1, 0, 0) }), "", false},
		"one that is over":          {seal(func(a *Attempt) { *a = a.ended("s") }), "", false},
		"of another provider":       {other, "", false},
		"nothing":                   {Answer{}, "", false},
	} {
		if login, asked := s.Asked(tc.answer); login != tc.name || asked != tc.asked {
			t.Errorf("%s: %q, %v; want %q, %v", name, login, asked, tc.name, tc.asked)
		}
	}
}
