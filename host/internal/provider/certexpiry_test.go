package provider

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/outbound"
)

// expiring makes a certificate of a name and its key, in PEM.
func expiring(t *testing.T, name string, in time.Duration) (certificate string, key options.Secret) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(in)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		options.Secret(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

// TestExpiryOfTrust: what a provider has from the host is checked for it, whatever its
// mechanism checks. A chain has one that counts, and of several authorities the next to
// expire does: every large collection has some that have expired long ago, which would
// stay forever in the place of an alarm.
func TestExpiryOfTrust(t *testing.T) {
	certificate, key := expiring(t, "client", 240*time.Hour)
	over, _ := expiring(t, "over", -time.Hour)
	late, _ := expiring(t, "late", 2400*time.Hour)
	soon, _ := expiring(t, "soon", 1200*time.Hour)
	c := configured("fake", "a")
	c.Outbound = outbound.Settings{
		CA: over, ExtraCA: late + over + soon, Certificate: certificate + over, Key: key,
		Names: map[string]string{outbound.KeyCA: "AUTH_A_CA", outbound.KeyExtraCA: "OUTBOUND_EXTRA_CA", outbound.KeyCertificate: "AUTH_A_CERT"},
	}
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{c, configured("fake", "b")}})
	h.warnOfExpiry(t.Context())
	all, err := h.Check(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for text, severity := range map[string]sdk.Severity{
		"our certificate CN=client of AUTH_A_CERT, valid until":   sdk.SeverityWarning,
		"the authority CN=over of AUTH_A_CA, valid until":         sdk.SeverityWarning,
		"the authority CN=soon of OUTBOUND_EXTRA_CA, valid until": sdk.SeverityOK,
	} {
		found := false
		for _, f := range all[0].Findings {
			found = found || strings.HasPrefix(f.Text, text) && f.Severity == severity
		}
		if !found {
			t.Errorf("no finding %q of severity %s in %+v", text, severity, all[0].Findings)
		}
	}
	for _, f := range all[1].Findings {
		if !f.ExpiresAt.IsZero() {
			t.Errorf("of one without: %+v", f)
		}
	}
	for _, s := range h.plugin(t, "fake").Providers {
		if want := map[string]int{"a": 3, "b": 0}[s.Name]; len(s.Expiries) != want {
			t.Errorf("%s has %v", s.Name, s.Expiries)
		}
	}
	if got := strings.Count(h.logs.String(), "expires soon"); got != 2 {
		t.Errorf("%d warnings, want 2:\n%s", got, h.logs.String())
	}
}

// TestReopen: a provider whose outbound settings have changed is opened again, in the plugin that
// runs, and no other is. What settings are called changes nothing.
func TestReopen(t *testing.T) {
	b := binaries(t, "fake")
	a, other := configured("fake", "a"), configured("fake", "other")
	a.Outbound.Names = map[string]string{outbound.KeyCA: "providers.a.ca (doorward.yaml:1)"}
	h := startHost(t, Config{Binaries: b, Providers: []Configured{a, other}})
	pid := h.mustBegin(t, "a")
	before := h.now.Load().handles["other"].current.Load()
	replaceBinary(t, b, "fake", namedPlugin(t, "another"))
	lockAll(t, b, "fake")

	a.Outbound.Names = map[string]string{outbound.KeyCA: "providers.a.ca (doorward.yaml:2)"}
	done, err := h.Reopen(t.Context(), []Configured{a, other})
	if err != nil || !done.Empty() {
		t.Errorf("a line that moved: %s, %v", done, err)
	}
	a.Outbound.CA, _ = expiring(t, "ca", time.Hour)
	if done, err = h.Reopen(t.Context(), []Configured{a, other}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Reloaded{Changed: []string{"a"}}, done); diff != "" {
		t.Errorf("what was done (-want +got):\n%s", diff)
	}
	if got := h.mustBegin(t, "a"); got != pid {
		t.Errorf("it is in process %d, want %d", got, pid)
	}
	if h.now.Load().handles["other"].current.Load() != before {
		t.Error("another provider was opened again")
	}
	if done := h.reload(t, a, other); len(done.Replaced) != 1 {
		t.Errorf("a reload, which takes the other binary: %s", done)
	}
}
