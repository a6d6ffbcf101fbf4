package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/sdk/outbound"
)

// pair makes a self-signed certificate of a name and its key, in PEM.
func pair(t *testing.T, name string, until time.Time) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

func soon() time.Time { return time.Now().Add(time.Hour) }

// trustOf returns the authorities and the certificate of a provider's connections, without
// the line ends that files lose.
type trustOf struct{ extra, ca, certificate, key, certificateName string }

func trusted(c *config.Config, name string) trustOf {
	for _, p := range c.Providers {
		if p.Name == name {
			o := p.Outbound
			return trustOf{
				strings.TrimSpace(o.ExtraCA), strings.TrimSpace(o.CA), strings.TrimSpace(o.Certificate), strings.TrimSpace(o.Key.Reveal()),
				o.Names[outbound.KeyCertificate],
			}
		}
	}
	return trustOf{}
}

// TestTrustReachesTheProviders covers the settings of all providers and of one, and their
// names in errors.
func TestTrustReachesTheProviders(t *testing.T) {
	ca, _ := pair(t, "ca", soon())
	extra, _ := pair(t, "extra", soon())
	node, _ := pair(t, "node", soon())
	mine, myKey := pair(t, "mine", soon())
	all, allKey := pair(t, "all", soon())
	s := newSetup(t, "AUTH_PROVIDERS=a,b", "AUTH_A_DRIVER=openid", "AUTH_B_DRIVER=radius",
		"AUTH_A_CA_FILE=ca.pem", "AUTH_A_CERT="+mine, "AUTH_A_KEY_FILE=my.key",
		"OUTBOUND_EXTRA_CA="+extra, "OUTBOUND_CERT_FILE=all.pem", "OUTBOUND_KEY_FILE=all.key", "OUTBOUND_TLS_MIN_VERSION=1.3", "NODE_EXTRA_CA_CERTS=node.pem").
		yaml(t, "providers: {c: {driver: ldap, ca: {file: ca.pem}, cert: {file: all.pem}, key: {file: all.key}}}").
		file(t, "ca.pem", ca).file(t, "my.key", myKey).file(t, "all.pem", all).file(t, "all.key", allKey).file(t, "node.pem", node)
	c := s.mustLoad(t)
	both := strings.TrimSpace(extra) + "\n\n" + strings.TrimSpace(node)
	for name, want := range map[string]trustOf{
		"a": {both, strings.TrimSpace(ca), strings.TrimSpace(mine), strings.TrimSpace(myKey), "AUTH_A_CERT"},
		"b": {both, "", strings.TrimSpace(all), strings.TrimSpace(allKey), "OUTBOUND_CERT_FILE"},
		"c": {both, strings.TrimSpace(ca), strings.TrimSpace(all), strings.TrimSpace(allKey), "providers.c.cert (doorward.yaml:1)"},
	} {
		if got := trusted(c, name); got != want {
			t.Errorf("%s: %+v\nwant %+v", name, got, want)
		}
	}
	b := c.Providers[1].Outbound
	if b.MinVersion != "1.3" || b.Names[outbound.KeyCA] != "AUTH_B_CA" || b.Names[outbound.KeyExtraCA] != "OUTBOUND_EXTRA_CA and NODE_EXTRA_CA_CERTS" || len(c.Providers[1].Options) > 0 {
		t.Errorf("%+v", b)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warnings: %q", c.Warnings)
	}
	if names := c.RenewableFiles(); len(names) != 5 || !slices.Contains(names, filepath.Join(s.dir, "node.pem")) {
		t.Errorf("files to watch: %q", names)
	}
	without := newSetup(t, "AUTH_PROVIDERS=a", "AUTH_A_DRIVER=openid").mustLoad(t)
	if got := trusted(without, "a"); got != (trustOf{certificateName: "AUTH_A_CERT"}) {
		t.Errorf("nothing is set: %+v", got)
	}
}

// TestTrustThatIsRefused: each problem names the setting to change, and quotes no value.
func TestTrustThatIsRefused(t *testing.T) {
	certificate, key := pair(t, "x", soon())
	_, other := pair(t, "y", soon())
	for name, test := range map[string]struct {
		environ []string
		problem string
	}{
		"no PEM":               {[]string{"AUTH_A_CA=hunter2"}, "AUTH_A_CA: holds no PEM certificate"},
		"half a file":          {[]string{"AUTH_A_CA_FILE=half.pem"}, "AUTH_A_CA_FILE: ends within a certificate"},
		"an empty file":        {[]string{"AUTH_A_CA_FILE=empty.pem"}, "AUTH_A_CA_FILE: names a file that is empty"},
		"an empty line":        {[]string{"AUTH_A_CA_FILE=line.pem"}, "AUTH_A_CA_FILE: names a file that is empty"},
		"no file":              {[]string{"AUTH_A_CA_FILE=gone.pem"}, "AUTH_A_CA_FILE: reading "},
		"binary":               {[]string{"AUTH_A_CA_FILE=der"}, "AUTH_A_CA_FILE: is in DER"},
		"a file for all":       {[]string{"OUTBOUND_EXTRA_CA_FILE=empty.pem"}, "OUTBOUND_EXTRA_CA_FILE: names a file that is empty"},
		"another key":          {[]string{"AUTH_A_CERT=" + certificate, "AUTH_A_KEY=" + other}, "AUTH_A_KEY: belongs to another certificate than AUTH_A_CERT"},
		"another key, for all": {[]string{"OUTBOUND_CERT=" + certificate, "OUTBOUND_KEY=" + other}, "OUTBOUND_KEY: belongs to another certificate than OUTBOUND_CERT"},
		"no key":               {[]string{"AUTH_A_CERT=" + certificate}, "AUTH_A_CERT: goes together with AUTH_A_KEY"},
		"half of each":         {[]string{"AUTH_A_CERT=" + certificate, "OUTBOUND_CERT=" + certificate, "OUTBOUND_KEY=" + key}, "AUTH_A_CERT: goes together with AUTH_A_KEY"},
		"old TLS":              {[]string{"OUTBOUND_TLS_MIN_VERSION=1.1"}, "OUTBOUND_TLS_MIN_VERSION: must be one of 1.2, 1.3"},
		"no checks":            {[]string{"NODE_TLS_REJECT_UNAUTHORIZED=0"}, "NODE_TLS_REJECT_UNAUTHORIZED: is 0, which would accept any certificate from anyone on the network; remove it, and give the certificate of the authority (PEM) as AUTH_<PROVIDER>_CA_FILE, or as OUTBOUND_EXTRA_CA_FILE"},
		"writable for all":     {[]string{"NODE_EXTRA_CA_CERTS=writable.pem"}, "NODE_EXTRA_CA_CERTS: every user of this machine can write to"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetup(t, append(test.environ, "AUTH_PROVIDERS=a", "AUTH_A_DRIVER=openid")...).
				file(t, "half.pem", certificate[:100]).file(t, "empty.pem", "").file(t, "line.pem", "\n").file(t, "der", "\x30\x82\x01\x00\x30\x81\xf0\x02\x01\x01").
				file(t, "writable.pem", certificate)
			if err := os.Chmod(filepath.Join(s.dir, "writable.pem"), 0o666); err != nil {
				t.Fatal(err)
			}
			s.refused(t, test.problem)
			if _, err := s.load(); strings.Contains(err.Error(), "hunter2") {
				t.Error("a value in", err)
			}
		})
	}
}

// TestTrustThatIsOdd: odd settings that are harmless cause a warning that names them.
func TestTrustThatIsOdd(t *testing.T) {
	certificate, key := pair(t, "x", soon())
	over, overKey := pair(t, "over", time.Now().Add(-time.Hour))
	on := time.Now().Add(-time.Hour).UTC().Format(time.DateOnly)
	for name, test := range map[string]struct{ environ, warning string }{
		"expired CA":              {"AUTH_A_CA_FILE=both.pem", `AUTH_A_CA_FILE has 1 certificates that have expired, such as "CN=over" on ` + on},
		"expired certificate":     {"AUTH_A_CERT_FILE=over.pem AUTH_A_KEY_FILE=over.key", "AUTH_A_CERT_FILE expired on " + on + ": servers that ask for it refuse it; renew it"},
		"expired extra CA":        {"OUTBOUND_EXTRA_CA_FILE=both.pem", "OUTBOUND_EXTRA_CA_FILE has 1 certificates that have expired"},
		"expired CA of Node.js":   {"NODE_EXTRA_CA_CERTS=both.pem", "NODE_EXTRA_CA_CERTS has 1 certificates that have expired"},
		"no file of Node.js":      {"NODE_EXTRA_CA_CERTS=gone.pem", "no such file or directory; it is ignored, as in Node.js, and servers that need it are refused"},
		"half a file of Node.js":  {"NODE_EXTRA_CA_CERTS=half.pem", "which ends within a certificate: it is cut off, or not yet written completely; it is ignored, as in Node.js"},
		"checks as by default":    {"NODE_TLS_REJECT_UNAUTHORIZED=1", ""},
		"what Node.js heeds not":  {"NODE_TLS_REJECT_UNAUTHORIZED=false", ""},
		"as a number of other 0s": {"NODE_TLS_REJECT_UNAUTHORIZED=00", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetup(t, append(strings.Fields(test.environ), "AUTH_PROVIDERS=a", "AUTH_A_DRIVER=openid")...).
				file(t, "both.pem", certificate+over).file(t, "over.pem", over).file(t, "over.key", overKey).file(t, "half.pem", certificate[:100]).file(t, "x.key", key)
			got := strings.Join(s.mustLoad(t).Warnings, "\n")
			if !strings.Contains(got, test.warning) || (got == "") != (test.warning == "") {
				t.Errorf("warned of %q, want %q", got, test.warning)
			}
		})
	}
}

// TestRenewed: each provider gets the current content of its files if it is valid, and
// nothing else is read again.
func TestRenewed(t *testing.T) {
	old, oldKey := pair(t, "old", soon())
	new, newKey := pair(t, "new", soon())
	s := newSetup(t, "AUTH_PROVIDERS=a,b,c", "AUTH_A_DRIVER=openid", "AUTH_B_DRIVER=ldap", "AUTH_C_DRIVER=saml",
		"AUTH_A_CA_FILE=ca.pem", "AUTH_A_CLIENT_SECRET_FILE=secret", "AUTH_A_LABEL_FILE=label", "AUTH_B_CERT_FILE=b.pem", "AUTH_B_KEY_FILE=b.key",
		"AUTH_C_CA="+old, "OUTBOUND_EXTRA_CA_FILE=extra.pem").
		file(t, "ca.pem", old).file(t, "b.pem", old).file(t, "b.key", oldKey).file(t, "extra.pem", old).file(t, "secret", "s1").file(t, "label", "L1").
		file(t, ".env", "LOG_LEVEL=warn\n")
	first := s.mustLoad(t)
	same, err := first.Renewed()
	if err != nil || trusted(same, "a") != trusted(first, "a") {
		t.Fatalf("nothing has changed: %v", err)
	}

	// A pair with one new half, and a file that is being written.
	s.file(t, "b.pem", new).file(t, "ca.pem", new).file(t, "extra.pem", new[:50]).file(t, "secret", "s2").file(t, "label", "L2").
		file(t, ".env", "LOG_LEVEL=nonsense\n")
	second, err := first.Renewed()
	if err == nil || !strings.Contains(err.Error(), `provider "b": AUTH_B_KEY_FILE: belongs to another certificate than AUTH_B_CERT_FILE`) ||
		!strings.Contains(err.Error(), "OUTBOUND_EXTRA_CA_FILE: ends within a certificate") || strings.Contains(err.Error(), `"a"`) {
		t.Errorf("the error is %v", err)
	}
	if got := trusted(second, "a"); got.ca != strings.TrimSpace(new) || got.extra != strings.TrimSpace(old) {
		t.Errorf("a trusts %+v", got)
	}
	if got := trusted(second, "b"); got.certificate != strings.TrimSpace(old) || got.key != strings.TrimSpace(oldKey) {
		t.Errorf("b shows half a pair: %+v", got)
	}
	if a := second.Providers[0]; a.Options["client_secret"] != "s2" || a.Label != "L1" || second.LogLevel != "warn" {
		t.Errorf("%v, label %s", a.Options, a.Label)
	}

	s.file(t, "b.key", newKey).file(t, "extra.pem", new)
	third, err := second.Renewed()
	if err != nil {
		t.Fatal(err)
	}
	if got := trusted(third, "b"); got.certificate != strings.TrimSpace(new) || got.key != strings.TrimSpace(newKey) || got.extra != strings.TrimSpace(new) {
		t.Errorf("b trusts and shows %+v", got)
	}

	// The values in force are kept, not those of the start.
	s.file(t, "extra.pem", "").file(t, "ca.pem", "")
	fourth, err := third.Renewed()
	if err == nil || trusted(fourth, "a") != trusted(third, "a") || trusted(fourth, "c") != trusted(third, "c") {
		t.Errorf("%v; a trusts %+v", err, trusted(fourth, "a"))
	}
}

// TestRenewedWithoutNodesFile: a file that is ignored at the start removes nothing from a
// running host. A file that was never valid does not block others.
func TestRenewedWithoutNodesFile(t *testing.T) {
	old, _ := pair(t, "old", soon())
	new, _ := pair(t, "new", soon())
	s := newSetup(t, "AUTH_PROVIDERS=a", "AUTH_A_DRIVER=openid", "OUTBOUND_EXTRA_CA_FILE=extra.pem", "NODE_EXTRA_CA_CERTS=node.pem").
		file(t, "extra.pem", old).file(t, "node.pem", old)
	first := s.mustLoad(t)
	for name, half := range map[string]string{"half": old[:100], "empty": "", "no PEM": "nothing"} {
		s.file(t, "node.pem", half)
		renewed, err := first.Renewed()
		if err == nil || !strings.Contains(err.Error(), "NODE_EXTRA_CA_CERTS: names ") || trusted(renewed, "a") != trusted(first, "a") {
			t.Errorf("%s: %v; trusts %+v", name, err, trusted(renewed, "a"))
		}
	}
	if err := os.Remove(filepath.Join(s.dir, "node.pem")); err != nil {
		t.Fatal(err)
	}
	second, err := first.Renewed()
	if err == nil || !strings.Contains(err.Error(), "node.pem") || trusted(second, "a") != trusted(first, "a") {
		t.Errorf("removed: %v; trusts %+v", err, trusted(second, "a"))
	}
	s.file(t, "node.pem", new)
	third, err := second.Renewed()
	if err != nil || trusted(third, "a").extra != strings.TrimSpace(old)+"\n"+strings.TrimSpace(new) {
		t.Errorf("written again: %v; trusts %+v", err, trusted(third, "a"))
	}

	s.file(t, "node.pem", "nothing")
	never := s.mustLoad(t)
	s.file(t, "extra.pem", new)
	renewed, err := never.Renewed()
	if err != nil || trusted(renewed, "a").extra != strings.TrimSpace(new) {
		t.Errorf("never good: %v; trusts %+v", err, trusted(renewed, "a"))
	}
}
