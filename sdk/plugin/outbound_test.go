package plugin

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/outbound"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

// TestOutboundCrossesTheWire: each setting arrives in its own field, and secrets arrive
// unchanged; no settings mean the zero value.
func TestOutboundCrossesTheWire(t *testing.T) {
	want := outbound.Settings{
		Proxy:       "http://user:pass@proxy.example:3128",
		GlobalAgent: outbound.ProxyRules{HTTP: "a", HTTPS: "b", NoProxy: "c"},
		Standard:    outbound.ProxyRules{HTTP: "d", HTTPS: "e", NoProxy: "f"},
		Deny:        []string{"link-local"}, Allow: []string{"10.0.0.0/8"},
		ExtraCA: "g", CA: "h", Certificate: "i", Key: "j", MinVersion: "1.3",
		Names: map[string]string{"proxy": "AUTH_X_PROXY"},
	}
	data, err := proto.Marshal(outboundToWire(want))
	if err != nil {
		t.Fatal(err)
	}
	var wire doorwardv1.Outbound
	if err := proto.Unmarshal(data, &wire); err != nil {
		t.Fatal(err)
	}
	got := outboundFromWire(&wire)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.Proxy.Reveal() != want.Proxy.Reveal() || got.Key.Reveal() != "j" || got.Standard.HTTPS.Reveal() != "e" {
		t.Error("a secret that did not arrive")
	}
	if diff := cmp.Diff(outbound.Settings{}, outboundFromWire(nil)); diff != "" {
		t.Errorf("without settings (-want +got):\n%s", diff)
	}
}

// TestTooManyCertificates: each file may have its full size, but all together can be too large
// for a message. The error names them, because only the operator can change that.
func TestTooManyCertificates(t *testing.T) {
	host := serveOn(t, demanding(t, Description{}))
	if _, _, err := host.Describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	file := strings.Repeat("x", MaxMessage/4)
	s := outbound.Settings{ExtraCA: file + file, CA: file, Certificate: file, Names: map[string]string{
		outbound.KeyExtraCA: "OUTBOUND_EXTRA_CA_FILE", outbound.KeyCA: "AUTH_X_CA_FILE", outbound.KeyCertificate: "AUTH_X_CERT_FILE",
	}}
	_, err := host.Open(t.Context(), OpenRequest{Provider: "x", Outbound: s})
	want := "AUTH_X_CA_FILE, AUTH_X_CERT_FILE, OUTBOUND_EXTRA_CA_FILE and the options together have more than the 4 MiB that a plugin accepts: leave out certificates that are not needed"
	if !errors.Is(err, sdk.ErrMisconfigured) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	s.ExtraCA = file
	if _, err := host.Open(t.Context(), OpenRequest{Provider: "x", Outbound: s}); err == nil || strings.Contains(err.Error(), "4 MiB") {
		t.Errorf("three quarters: %v", err) // of the authorities, which are none
	}
}
