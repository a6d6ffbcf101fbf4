package provider

import (
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/outbound"
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

// A plugin of a third party that makes one request in its check shows the whole way.
func TestCheckShowsTheWayOfAThirdParty(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	trusting, stranger := configured("fake", "trusting", "asks", server.URL), configured("fake", "stranger", "asks", server.URL)
	trusting.Outbound = outbound.Settings{CA: ca, Names: map[string]string{outbound.KeyCA: "AUTH_TRUSTING_CA"}}
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{trusting, stranger}})
	all, err := h.Check(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]string{
		{"ok proxy", "ok connect", "ok tls", "ok http", "ok clock", "ok ", "ok "}, // and the authority of AUTH_TRUSTING_CA
		{"ok proxy", "ok connect", "error tls", "error "},
	} {
		var got []string
		for _, f := range all[i].Findings {
			got = append(got, string(f.Severity)+" "+string(f.Step))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", all[i].Provider, diff)
		}
	}
	address := server.Listener.Addr().String()
	if f := all[0].Findings[2]; f.Target != address || !strings.Contains(f.Text, "trusted by AUTH_TRUSTING_CA") || !f.ExpiresAt.Equal(server.Certificate().NotAfter) {
		t.Errorf("the certificate: %+v", f)
	}
	providers := h.plugin(t, "fake").Providers
	at := slices.IndexFunc(providers, func(s Status) bool { return s.Name == "trusting" })
	if until := providers[at].Expiries["certificate of "+address]; !until.Equal(server.Certificate().NotAfter) {
		t.Errorf("expiries: %v", providers[at].Expiries)
	}
}

// What the SDK finds on a way it weighs itself: a certificate that lives for weeks only is
// no trouble for the most part.
func TestExpiresSoon(t *testing.T) {
	const day = 24 * time.Hour
	for name, tc := range map[string]struct {
		finding sdk.Finding
		left    time.Duration
		want    bool
	}{
		"far":             {sdk.Finding{}, 31 * day, false},
		"near":            {sdk.Finding{Severity: sdk.SeverityOK}, 29 * day, true},
		"weighed as near": {sdk.Finding{Severity: sdk.SeverityWarning, Step: sdk.StepTLS}, 10 * day, true},
		"weighed as far":  {sdk.Finding{Severity: sdk.SeverityOK, Step: sdk.StepTLS}, 20 * day, false},
	} {
		if tc.finding.ExpiresAt = time.Now().Add(tc.left); expiresSoon(tc.finding, tc.left) != tc.want {
			t.Errorf("%s: want %v", name, tc.want)
		}
	}
	if expiresSoon(sdk.Finding{}, -time.Hour) {
		t.Error("what does not expire")
	}
}

// One that hangs does not use up the time of the others.
func TestChecksAreMadeSideBySide(t *testing.T) {
	var waiting sync.WaitGroup
	waiting.Add(checkedAtOnce)
	list := make([]Configured, 3*checkedAtOnce)
	for i := range list {
		list[i].Name = strconv.Itoa(i)
	}
	var begun, now, most atomic.Int32
	got := sideBySide(list, func(c Configured) Checked {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		if begun.Add(1) <= checkedAtOnce {
			waiting.Done()
			waiting.Wait() // for the others of the first
		}
		return Checked{Provider: c.Name}
	})
	for i, c := range got {
		if c.Provider != list[i].Name {
			t.Errorf("%d is %s", i, c.Provider)
		}
	}
	if len(got) != len(list) || most.Load() > checkedAtOnce {
		t.Errorf("%d results, at most %d at once", len(got), most.Load())
	}
}

// The earliest end counts, for the metrics; what ends within 30 days is told.
func TestExpiry(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{
		configured("fake", "soon", "expires", "240h"), configured("fake", "later", "expires", "2400h"), configured("fake", "unchecked"),
	}})
	h.warnOfExpiry(t.Context())
	providers := h.plugin(t, "fake").Providers
	soon := providers[slices.IndexFunc(providers, func(s Status) bool { return s.Name == "soon" })]
	if left := time.Until(soon.Expiries["certificate"]); len(soon.Expiries) != 2 || left < 239*time.Hour || left > 240*time.Hour {
		t.Errorf("expiries: %v", soon.Expiries)
	}
	if soon.Expiries["unattended"].IsZero() {
		t.Error("the mechanism takes it for a check that somebody has asked for")
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
