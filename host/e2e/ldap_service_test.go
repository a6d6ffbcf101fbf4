package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
)

// The check shows what a directory says about the password of the service account.
func TestLDAPServicePassword(t *testing.T) {
	everybodyReads := `access to attrs=userPassword by anonymous auth by * none
access to * by users read by anonymous auth`
	s := startSlapd(t, slapdConfig{Access: everybodyReads})
	ad := startSamba(t)
	ds := startDS389(t)
	admin := ds.admin(t)
	in := func(d time.Duration) time.Time { return time.Now().Add(d) }
	ds.follow(t, map[string]string{"passwordExp": "on", "passwordGraceLimit": "5"})
	generalized := func(at time.Time) string { return at.UTC().Format("20060102150405Z") }
	admin.set(ds389UserDN("ending"), "passwordExpirationTime", generalized(in(2*time.Hour)))
	admin.set(ds389UserDN("ended"), "passwordExpirationTime", generalized(in(-time.Hour)))

	for _, tc := range []struct {
		name    string
		options map[string]string
		word    string
		expires time.Time
	}{
		{"OpenLDAP, ends in days", s.options(map[string]string{"bind_dn": personDN("warned")}), "expires at", in(10 * 24 * time.Hour)},
		{"OpenLDAP, grace logins", s.options(map[string]string{"bind_dn": personDN("grace")}), "has expired", in(0)},
		{"OpenLDAP, must change", s.options(map[string]string{"bind_dn": personDN("mustchange")}), "must be changed", in(0)},
		{"389 Directory Server, ends in hours", ds.options(map[string]string{"bind_dn": ds389UserDN("ending")}), "expires at", in(24 * time.Hour)}, // it gives an account that was not warned yet a whole day
		{"389 Directory Server, grace logins", ds.options(map[string]string{"bind_dn": ds389UserDN("ended")}), "expired", in(0)},
		{"Active Directory, ends in days", ad.options(map[string]string{"bind_dn": "warned@ad.example.org"}), "expires at", in(48 * time.Hour)},
		{"Active Directory, by DOMAIN and name", ad.options(map[string]string{"bind_dn": adDomain + `\warned`}), "expires at", in(48 * time.Hour)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			found := check(t, tc.options)
			for _, f := range found {
				if f.Subject == "bind_password" && f.Severity == sdk.SeverityWarning && strings.Contains(f.Text, tc.word) && f.ExpiresAt.Sub(tc.expires).Abs() < time.Hour {
					return
				}
			}
			t.Errorf("no finding says that it %s at %s: %+v", tc.word, tc.expires, found)
		})
	}
}

// The refusals of real servers say what to change.
func TestLDAPServiceRefused(t *testing.T) {
	ad := startSamba(t)
	for _, tc := range []struct {
		name    string
		options map[string]string
		word    string
	}{
		{"Active Directory without TLS", ad.options(map[string]string{"client_url": ad.URL(), "allow_insecure_plaintext": "true"}), "ldaps:// or start_tls"},
		{"Active Directory, a wrong password", ad.options(map[string]string{"bind_password": "not the password"}), "is wrong"},
		{"Active Directory, disabled", ad.options(map[string]string{"bind_dn": "disabled@ad.example.org"}), "disabled"},
		{"Active Directory, must change", ad.options(map[string]string{"bind_dn": "mustchange2@ad.example.org"}), "must be changed"},
		{"OpenLDAP without TLS", startSlapd(t, slapdConfig{Extra: "security simple_bind=64"}).options(map[string]string{"start_tls": ""}), "ldaps:// or start_tls"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := openLDAP(t, tc.options).login("alice", "anything")
			wantKind(t, tc.name, err, sdk.ErrMisconfigured)
			if err != nil && !strings.Contains(err.Error(), tc.word) {
				t.Errorf("the refusal does not say %q: %v", tc.word, err)
			}
			for _, f := range check(t, tc.options) {
				if f.Severity == sdk.SeverityError && strings.Contains(f.Text, tc.word) {
					return
				}
			}
			t.Errorf("the check does not say %q", tc.word)
		})
	}
}
