package provider

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
)

func TestCheck(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{
		configured("fake", "soon", "expires", "240h"), configured("fake", "later", "expires", "2400h"),
		configured("fake", "unchecked"), configured("fake", "bad", "number", "many"),
	}})
	all, err := h.Check(t.Context(), "")
	if err != nil || len(all) != 4 {
		t.Fatalf("checking all: %+v, %v", all, err)
	}
	if f := all[0].Findings; len(f) != 3 || f[0].Subject != "certificate" {
		t.Errorf("what the mechanism found: %+v", f)
	}
	if f := all[2].Findings; len(f) != 1 || f[0].Severity != sdk.SeverityOK {
		t.Errorf("a mechanism without a check: %+v", f)
	}
	if f := all[3].Findings; len(f) != 1 || f[0].Severity != sdk.SeverityError || !strings.Contains(f[0].Text, "AUTH_BAD_NUMBER") {
		t.Errorf("a provider that is not open: %+v", f)
	}
	if one, err := h.Check(t.Context(), "later"); err != nil || len(one) != 1 || one[0].Provider != "later" {
		t.Errorf("checking one: %+v, %v", one, err)
	}
	if _, err := h.Check(t.Context(), "nobody"); !errors.Is(err, sso.ErrUnknownProvider) ||
		!strings.Contains(err.Error(), `"nobody"`) || !strings.Contains(err.Error(), "soon, later, unchecked, bad") {
		t.Errorf("checking nobody: %v", err)
	}
}

func TestCheckCallsShortSecretsWeak(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{
		configured("fake", "weak", "client_secret", "hunter2"), configured("fake", "marked", "tenant", options.Secret("hunter2")),
		configured("fake", "strong", "client_secret", "a secret of 23 bytes :)"),
	}})
	for name, want := range map[string]string{"weak": "AUTH_WEAK_CLIENT_SECRET: is weak", "marked": "AUTH_MARKED_TENANT: is weak", "strong": ""} {
		all, err := h.Check(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		var said string
		for _, f := range all[0].Findings {
			if f.Severity == sdk.SeverityWarning {
				said += f.Text
			}
		}
		if !strings.Contains(said, want) || (said == "") != (want == "") || strings.Contains(said, "hunter2") {
			t.Errorf("%s: %q, want %q", name, said, want)
		}
	}
}

// The earliest end counts, for the metrics; what ends within 30 days is told.
func TestExpiry(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{
		configured("fake", "soon", "expires", "240h"), configured("fake", "later", "expires", "2400h"), configured("fake", "unchecked"),
	}})
	h.warnOfExpiry(t.Context())
	providers := h.plugin(t, "fake").Providers
	soon := providers[slices.IndexFunc(providers, func(s Standing) bool { return s.Name == "soon" })]
	if left := time.Until(soon.Expiries["certificate"]); len(soon.Expiries) != 1 || left < 239*time.Hour || left > 240*time.Hour {
		t.Errorf("expiries: %v", soon.Expiries)
	}
	var told []string
	for line := range strings.Lines(h.logs.String()) {
		if strings.Contains(line, "expires soon") {
			told = append(told, line)
		}
	}
	if len(told) != 1 || !strings.Contains(told[0], `"provider":"soon"`) || !strings.Contains(told[0], `"days_left":9`) {
		t.Errorf("warnings: %q", told)
	}
}
