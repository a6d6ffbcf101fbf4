package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/sdk"
)

func TestCheck(t *testing.T) {
	good := start(t, ldaptest.Config{LDAPS: true, Entries: entries(group("staff", "member", aliceDN))})
	down := start(t, ldaptest.Config{LDAPS: true})
	down.Stop()
	plain := start(t, ldaptest.Config{})
	expired := start(t, ldaptest.Config{LDAPS: true, CertificateLife: -time.Second})
	bare := start(t, ldaptest.Config{Entries: entries(person("bare", "x", map[string][]string{"entryUUID": nil, "mail": nil, "userAccountControl": {"514"}}))})
	full := map[string]any{"check_user": "alice", "group_dn": "ou=groups," + base, "id_attribute": "entryUUID"}
	for name, test := range map[string]struct {
		dirs   []*ldaptest.Directory
		values map[string]any
		want   []string // severity, subject, and a part of the text
	}{
		"all is well": {[]*ldaptest.Directory{good}, full, []string{
			"ok|certificate of 127.0.0.1:|trusted by tls_ca", "ok|bind at |" + readerDN, "ok|user_dn|" + base, "ok|group_dn|ou=groups",
			"ok|check_user|" + aliceDN, "ok|id_attribute|" + aliceUUID, "ok|attributes|mail", "ok|groups|1: staff",
		}},
		"one server down":      {[]*ldaptest.Directory{good, down}, full, []string{"error|connection to " + down.Address() + "|refused", "ok|groups|1: staff"}},
		"all servers down":     {[]*ldaptest.Directory{down}, full, []string{"error|connection to |refused"}},
		"wrong bind_password":  {[]*ldaptest.Directory{good}, map[string]any{"bind_password": "wrong"}, []string{"error|bind at |Invalid Credentials"}},
		"unknown authority":    {[]*ldaptest.Directory{good}, map[string]any{"tls_ca": plain.CA()}, []string{"error|connection to |certificate"}},
		"expired certificate":  {[]*ldaptest.Directory{expired}, nil, []string{"error|certificate of |the server's certificate was good until", "error|connection to |renew it there"}},
		"no such base":         {[]*ldaptest.Directory{good}, map[string]any{"user_dn": "ou=nowhere," + base}, []string{"error|user_dn|does not exist"}},
		"no such group base":   {[]*ldaptest.Directory{good}, map[string]any{"group_dn": "ou=nowhere," + base}, []string{"ok|user_dn|", "error|group_dn|does not exist"}},
		"no such user":         {[]*ldaptest.Directory{good}, map[string]any{"check_user": "nobody"}, []string{"error|check_user|(uid=nobody)"}},
		"nobody at all":        {[]*ldaptest.Directory{good}, map[string]any{"user_filter": "(objectClass=alien)"}, []string{"error|user_filter|nobody can sign in"}},
		"no check_user":        {[]*ldaptest.Directory{good}, nil, []string{"ok|user_filter|matches entries"}},
		"identifier not named": {[]*ldaptest.Directory{good}, map[string]any{"check_user": "bob"}, []string{"ok|id_attribute|write it into id_attribute", "warning|attributes|there is no displayName"}},
		"nothing but a DN":     {[]*ldaptest.Directory{bare}, map[string]any{"check_user": "bare"}, []string{"warning|id_attribute|the DN is taken", "warning|attributes|mail", "warning|account|account_disabled"}},
		"dangers":              {[]*ldaptest.Directory{plain}, map[string]any{"allow_insecure_plaintext": true, "client__tls_options__reject_unauthorized": false, "tls_ca": nil}, []string{"warning|TLS|reject_unauthorized", "warning|TLS|unencrypted"}},
		"only users search":    {[]*ldaptest.Directory{good}, map[string]any{"user_dn_template": "uid={username}," + people, "bind_dn": nil, "bind_password": nil}, []string{"ok|bind|only end users"}},
		"unicodePwd elsewhere": {[]*ldaptest.Directory{good}, map[string]any{"password_change": "unicode-pwd"}, []string{"warning|password_change|Active Directory"}},
	} {
		t.Run(name, func(t *testing.T) {
			findings, err := openRig(t, test.values, test.dirs...).provider.Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				parts := strings.SplitN(want, "|", 3)
				if !slices.ContainsFunc(findings, func(f sdk.Finding) bool {
					return string(f.Severity) == parts[0] && strings.HasPrefix(f.Subject, parts[1]) && strings.Contains(f.Text, parts[2])
				}) {
					t.Errorf("no finding %q in:\n%s", want, shown(findings))
				}
			}
			if name == "all is well" {
				for _, f := range findings {
					if f.Severity != sdk.SeverityOK {
						t.Errorf("finding %+v", f)
					}
				}
				at := slices.IndexFunc(findings, func(f sdk.Finding) bool { return f.Step == sdk.StepTLS })
				if left := time.Until(findings[at].ExpiresAt); left < 24*time.Hour || left > 40*24*time.Hour {
					t.Errorf("the certificate expires at %v", findings[at].ExpiresAt)
				}
			}
		})
	}
	for _, dn := range append(good.Binds(), plain.Binds()...) {
		if dn != readerDN {
			t.Errorf("a bind as %q", dn)
		}
	}
}

func shown(findings []sdk.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		b.WriteString(string(f.Severity) + "|" + f.Subject + "|" + f.Text + "\n")
	}
	return b.String()
}
