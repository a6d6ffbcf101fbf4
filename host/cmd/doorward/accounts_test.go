package main

import (
	"errors"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

func TestCheckSaysWhetherAnybodyCanComeIn(t *testing.T) {
	for name, tc := range map[string]struct {
		open  bool
		users int
		err   error
		want  sdk.Finding
	}{
		"closed and empty": {false, 0, nil, sdk.Finding{
			Severity: sdk.SeverityWarning,
			Text:     "nobody can sign in through corp: there is no account, and registration is closed; make accounts with doorward user add, or set AUTH_CORP_ALLOW_PUBLIC_REGISTRATION to true",
		}},
		"closed":   {false, 3, nil, sdk.Finding{Severity: sdk.SeverityOK, Text: "3; nobody gets a new one (AUTH_CORP_ALLOW_PUBLIC_REGISTRATION)"}},
		"open":     {true, 0, nil, sdk.Finding{Severity: sdk.SeverityOK, Text: "0; whoever signs in at the provider gets one"}},
		"no store": {false, 0, errors.New("counting users: disk I/O error"), sdk.Finding{Severity: sdk.SeverityError, Text: "counting users: disk I/O error"}},
	} {
		p := sso.Provider{Name: "corp", AllowPublicRegistration: tc.open, Spelled: sso.Spelled{AllowPublicRegistration: "AUTH_CORP_ALLOW_PUBLIC_REGISTRATION"}}
		tc.want.Subject = "accounts"
		if got := accountsFinding(p, tc.users, tc.err); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}
