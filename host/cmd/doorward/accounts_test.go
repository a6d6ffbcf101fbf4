package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/provider"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

func TestCheckSaysWhetherGroupsGiveRoles(t *testing.T) {
	const uuid = "6c1f7d3e-0b1a-4c5e-9a55-3f0d2f3c9b11"
	p := sso.Provider{Name: "corp", RolesByGroupName: true, Spelled: sso.Spelled{RolesByGroupName: "AUTH_CORP_ROLES_BY_GROUP_NAME"}}
	for name, tc := range map[string]struct {
		roles []sso.Role
		err   error
		want  sdk.Severity
	}{
		"none":                   {nil, nil, sdk.SeverityWarning},
		"only one that was made": {[]sso.Role{{ID: uuid, Name: uuid}}, nil, sdk.SeverityWarning},
		"one with a name":        {[]sso.Role{{ID: uuid, Name: uuid}, {ID: "2", Name: "Editors"}}, nil, sdk.SeverityOK},
		"no store":               {nil, errors.New("disk I/O error"), sdk.SeverityError},
	} {
		got := rolesFinding(p, tc.roles, tc.err)
		if got.Severity != tc.want || got.Subject != "roles" || (tc.want == sdk.SeverityWarning) != strings.Contains(got.Text, "AUTH_CORP_ROLES_BY_GROUP_NAME") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	by := func(p sso.Provider) int {
		checked := withAccounts(t.Context(), []provider.Checked{{Provider: "corp", As: p}}, accountsIn(config.Database{Filename: filepath.Join(t.TempDir(), "none.db")}))
		return len(checked[0].Findings)
	}
	if n := by(p); n != 2 {
		t.Errorf("%d findings, want accounts and roles", n)
	}
	p.RoleMapping = []sso.RoleRule{{Group: "g", Role: "r"}}
	if n := by(p); n != 1 {
		t.Errorf("%d findings with a mapping, want accounts", n)
	}
}

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
		"open":     {true, 0, nil, sdk.Finding{Severity: sdk.SeverityOK, Text: "0; anyone who signs in at the provider gets one"}},
		"no store": {false, 0, errors.New("counting users: disk I/O error"), sdk.Finding{Severity: sdk.SeverityError, Text: "counting users: disk I/O error"}},
	} {
		p := sso.Provider{Name: "corp", AllowPublicRegistration: tc.open, Spelled: sso.Spelled{AllowPublicRegistration: "AUTH_CORP_ALLOW_PUBLIC_REGISTRATION"}}
		tc.want.Subject = "accounts"
		if got := accountsFinding(p, tc.users, tc.err); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
}
