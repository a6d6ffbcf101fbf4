package provider

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/outbound"
)

// through is a provider whose connections leave as the settings say.
func through(c Configured, s outbound.Settings) Configured {
	s.Names = map[string]string{outbound.KeyProxy: "AUTH_A_PROXY"}
	c.Outbound = s
	return c
}

// TestReloadOfProxies: only providers whose proxy has changed are opened again.
func TestReloadOfProxies(t *testing.T) {
	closed := filepath.Join(t.TempDir(), "closed")
	a, b := configured("fake", "a", "closed", closed), configured("fake", "b")
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{a, b}})
	h.mustBegin(t, "a")
	proxied := through(a, outbound.Settings{Proxy: "http://user:hunter2@proxy.example"})
	would, err := h.Plan(t.Context(), []Configured{proxied, b})
	if err != nil || !slices.Equal(would.Changed, []string{"a"}) {
		t.Errorf("a dry run: %s, %v", would, err)
	}
	if done := h.reload(t, proxied, b); !slices.Equal(done.Changed, []string{"a"}) || len(done.Failed) > 0 {
		t.Errorf("reloaded: %s", done)
	}
	eventually(t, "the old one to be closed", func() bool { _, err := os.Stat(closed); return err == nil })
	if done := h.reload(t, proxied, b); !done.Empty() {
		t.Errorf("once more: %s", done)
	}
	bad := through(a, outbound.Settings{Proxy: "http://user:hunter2%@proxy.example"}) // which the configuration does not let through
	done := h.reload(t, bad, b)
	if len(done.Failed) != 1 || strings.Contains(done.String(), "hunter2") {
		t.Errorf("a proxy that cannot be read: %s", done)
	}
	h.mustBegin(t, "a")
	if strings.Contains(h.logs.String(), "hunter2") {
		t.Errorf("a password is in the log: %s", h.logs)
	}
}

// TestPasswordsOfProxiesInTheErrorsOfAPlugin: the host knows what it handed over, also
// if the plugin was written without the SDK.
func TestPasswordsOfProxiesInTheErrorsOfAPlugin(t *testing.T) {
	const password = "canary-of-the-proxy"
	h := startHost(t, Config{Binaries: binaries(t, "rawheeds"), Providers: []Configured{
		through(configured("rawheeds", "a", "tenant", password), outbound.Settings{Proxy: "http://user:" + password + "@proxy.example"}),
	}})
	_, err := h.begin(t, "a", "secret")
	if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "[redacted]") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(h.logs.String(), "canary") {
		t.Errorf("a password is in the log: %s", h.logs)
	}
}

// TestPluginsThatHeedNoProxies are not opened, and the operator is told what to do.
func TestPluginsThatHeedNoProxies(t *testing.T) {
	proxied := through(configured("raw", "a"), outbound.Settings{Proxy: "http://proxy.example"})
	b := configured("raw", "b")
	h := startHost(t, Config{Binaries: binaries(t, "raw"), Providers: []Configured{proxied, b}})
	if err := h.Available("b"); err != nil {
		t.Errorf("a provider without a proxy: %v", err)
	}
	err := h.Available("a")
	if !errors.Is(err, sdk.ErrMisconfigured) || !strings.Contains(err.Error(), "does not support AUTH_A_PROXY") || !strings.Contains(err.Error(), "or set AUTH_A_PROXY to direct") {
		t.Errorf("got %v", err)
	}
	h.reload(t, through(configured("raw", "a"), outbound.Settings{Proxy: outbound.Direct}), b)
	if err := h.Available("a"); err != nil {
		t.Errorf("without the proxy: %v", err)
	}
}
