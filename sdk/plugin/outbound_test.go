package plugin

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/doorward/doorward/sdk/outbound"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

// TestOutboundCrossesTheWire: each setting arrives in its own field, secrets as they
// are; a host that sends none means the zero value.
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
