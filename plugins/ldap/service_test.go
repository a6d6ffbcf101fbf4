package main

import (
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// startForReader runs a directory that gives this answer to the bind of the service account.
func startForReader(t *testing.T, right *ldaptest.Answer, attributes map[string][]string) *ldaptest.Directory {
	t.Helper()
	list := entries()
	list[4].Right = right
	if attributes != nil {
		list[4].Attributes = attributes
	}
	return start(t, ldaptest.Config{Entries: list})
}

// TestServicePasswordPolicy: what the directory says about the password of bind_dn, although
// it accepts it, is in the check, with the time for the metric, and once in the log.
func TestServicePasswordPolicy(t *testing.T) {
	clock := plugintest.NewClock()
	in := func(d time.Duration) time.Time { return clock.Now().Add(d) }
	for name, test := range map[string]struct {
		answer     ldaptest.Answer
		attributes map[string][]string
		word       string // empty: nothing is said
		logged     bool
		expires    time.Time
		severity   sdk.Severity
	}{
		"nothing":            {policy(0, -1, -1, -1), nil, "", false, time.Time{}, ""},
		"expires in hours":   {policy(0, 7200, -1, -1), nil, "expires at", true, in(2 * time.Hour), sdk.SeverityWarning},
		"expires in months":  {policy(0, 90*24*3600, -1, -1), nil, "expires at", true, in(90 * 24 * time.Hour), sdk.SeverityOK},
		"grace logins":       {policy(0, -1, 2, -1), nil, "2 grace logins", true, in(0), sdk.SeverityWarning},
		"must be changed":    {policy(0, -1, -1, 2), nil, "must be changed", true, in(0), sdk.SeverityWarning},
		"389 expires":        {vchu(0, "2.16.840.1.113730.3.4.5", "3600"), nil, "expires at", true, in(time.Hour), sdk.SeverityWarning},
		"389 must change":    {vchu(0, "2.16.840.1.113730.3.4.4", "0"), nil, "must be changed", true, in(0), sdk.SeverityWarning},
		"AD, by its entry":   {ldaptest.Answer{}, map[string][]string{"msDS-UserPasswordExpiryTimeComputed": {filetimeOf(in(48 * time.Hour))}}, "expires at", false, in(48 * time.Hour), sdk.SeverityWarning},
		"389, by its entry":  {ldaptest.Answer{}, map[string][]string{"passwordExpirationTime": {in(48 * time.Hour).UTC().Format("20060102150405Z")}}, "expires at", false, in(48 * time.Hour), sdk.SeverityWarning},
		"the sooner of both": {policy(0, 7200, -1, -1), map[string][]string{"passwordExpirationTime": {in(48 * time.Hour).UTC().Format("20060102150405Z")}}, "expires at", true, in(2 * time.Hour), sdk.SeverityWarning},
	} {
		t.Run(name, func(t *testing.T) {
			dir := startForReader(t, &test.answer, test.attributes)
			l := openLocal(t, func(env *sdk.Env) { env.Now = clock.Now }, map[string]any{"pool_size": 1}, dir)
			findings, err := l.Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var said []sdk.Finding
			for _, f := range findings {
				if f.Subject == "bind_password" {
					said = append(said, f)
				}
			}
			switch {
			case test.word == "" && len(said) > 0:
				t.Errorf("findings %+v", said)
			case test.word == "":
			case len(said) != 1 || said[0].Severity != test.severity || !strings.Contains(said[0].Text, test.word) || said[0].ExpiresAt.Sub(test.expires).Abs() > time.Second:
				t.Errorf("findings %+v, want one that %q at %v", said, test.word, test.expires)
			}
			for range 3 {
				step, err := l.enter(t.Context(), "alice", alicePassword)
				identityOf(t, step, err)
				dir.HangUp() // the next one binds again
			}
			want := 0
			if test.logged {
				want = 1
			}
			if got := strings.Count(l.log.String(), "accepts bind_dn and says"); got != want {
				t.Errorf("%d lines in the log, want %d:\n%s", got, want, l.log)
			}
		})
	}
}

// TestServiceRestricted: a service account whose password must be changed is accepted but
// cannot do anything. The refusal says so.
func TestServiceRestricted(t *testing.T) {
	for _, code := range []uint16{50, 53} { // OpenLDAP, 389 Directory Server
		dir := startForReader(t, ptr(policy(0, -1, -1, 2)), nil)
		dir.Misbehave(ldaptest.On(ldaptest.Search, ldaptest.Reply(ldaptest.Answer{Code: code})))
		_, err := openRig(t, nil, dir).enter("alice", alicePassword)
		plugintest.Refused(t, err, sdk.ErrMisconfigured, directory.ReasonServiceBind)
		if !strings.Contains(err.Error(), "must be changed") {
			t.Errorf("the refusal says %v", err)
		}
	}
}

// TestServiceBindRefused: each refusal of the service account says what to change, in the log
// and in the check.
func TestServiceBindRefused(t *testing.T) {
	for want, answer := range map[string]*ldaptest.Answer{
		"bind_password is wrong": ldaptest.ActiveDirectory("52e"), "no account with that name": ldaptest.ActiveDirectory("525"),
		"at this time or from": ldaptest.ActiveDirectory("531"), "has expired: set a new one": ldaptest.ActiveDirectory("532"),
		"is disabled": ldaptest.ActiveDirectory("533"), "account has expired": ldaptest.ActiveDirectory("701"),
		"must be changed": ldaptest.ActiveDirectory("773"), "is locked": ldaptest.ActiveDirectory("775"),
		"use ldaps:// or start_tls (Strong Auth Required": {Code: 8, Text: "BindSimple: Transport encryption required."},
		"use ldaps:// or start_tls (Confidentiality Req":  {Code: 13},
		"bind_dn or bind_password is wrong":               {Code: 49},
		"locked by wrong passwords":                       {Code: 19},
		"the account is disabled":                         {Code: 53},
		"give it access to the application":               {Code: 50},
		"set a new one, and write it":                     ptr(policy(49, -1, -1, 0)),
		"locked by wrong":                                 ptr(policy(49, -1, -1, 1)),
	} {
		t.Run(want, func(t *testing.T) {
			dir := startForReader(t, answer, nil)
			r := openRig(t, nil, dir)
			_, err := r.enter("alice", alicePassword)
			plugintest.Refused(t, err, sdk.ErrMisconfigured, directory.ReasonServiceBind)
			if err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("the refusal says %v", err)
			}
			findings, err := r.provider.Check(t.Context())
			if err != nil || !strings.Contains(shown(findings), want) {
				t.Errorf("the check says %v\n%s", err, shown(findings))
			}
		})
	}
	for _, code := range []uint16{3, 11} { // the next server may get further
		first, second := startForReader(t, &ldaptest.Answer{Code: code}, nil), start(t, ldaptest.Config{})
		openRig(t, nil, first, second).signIn("alice", alicePassword)
	}
}
