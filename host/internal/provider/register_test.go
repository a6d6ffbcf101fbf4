package provider

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

func TestWhatElseToRegister(t *testing.T) {
	p := &Providers{config: Config{AllowedPublicURLs: []string{"https://b.example/sso", "http://localhost:8055"}}}
	found := func(subjects ...string) (list []sdk.Finding) {
		for _, subject := range subjects {
			list = append(list, sdk.Finding{Subject: subject})
		}
		return list
	}
	all := p.alsoRegister([]Checked{
		{Provider: "op", Findings: found("issuer", "callback", "client")},
		{Provider: "dir", Findings: found("server")},
	})
	var got []string
	for _, f := range all[0].Findings {
		got = append(got, f.Subject+": "+f.Text)
	}
	want := []string{
		"issuer: ", "callback: ",
		"callback: register https://b.example/sso/auth/login/op/callback there, too, for logins that begin at https://b.example/sso, and https://b.example/sso/auth/login/op/logout as a post-logout redirect URI if one is registered",
		"callback: register http://localhost:8055/auth/login/op/callback there, too, for logins that begin at http://localhost:8055, and http://localhost:8055/auth/login/op/logout as a post-logout redirect URI if one is registered",
		"client: ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(all[1].Findings) != 1 {
		t.Errorf("a mechanism without a callback: %+v", all[1].Findings)
	}
}

// What a provider announced is told for the turn of a call.
func TestCapabilitiesOfAMechanism(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a", "expires", "240h")}})
	m, done, err := h.Mechanism(t.Context(), "a", sso.LineLogins)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	announcing, ok := m.(interface{ Capabilities() []sdk.Capability })
	if !ok || !slices.Contains(announcing.Capabilities(), sdk.CapabilityCheck) || slices.Contains(announcing.Capabilities(), sdk.CapabilityMetadata) {
		t.Errorf("%T", m)
	}
}
