package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// names lists the providers that the host offers.
func (r *reloadable) names(t *testing.T) string {
	t.Helper()
	var body struct {
		Data []struct {
			Name string `json:"name"`
		} `json:"data"`
	}
	decode(t, newAgent(t, r.testHost, "").call(http.MethodGet, "/auth", nil, nil).body, &body)
	var names []string
	for _, p := range body.Data {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}

// another is a second provider of the fake, under a name that the fake does not
// know to send anybody back to.
func (r *reloadable) another(label string) map[string]any {
	another := map[string]any{}
	for name, value := range r.providers["fake"] {
		another[name] = value
	}
	another["label"] = label
	return another
}

// Providers are added, changed and removed in the file, and every way to reload the host
// works while people sign in.
func TestReload(t *testing.T) {
	ways := map[string]struct {
		flags []string
		do    func(t *testing.T, h *reloadable) // nil: nothing is to be done
	}{
		"command": {nil, func(t *testing.T, h *reloadable) { h.mustRun(t, "reload") }},
		"SIGHUP": {nil, func(t *testing.T, h *reloadable) {
			if err := h.signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
		}},
		"watch": {[]string{"--watch"}, func(*testing.T, *reloadable) {}},
	}
	for name, way := range ways {
		t.Run("K10 "+name, func(t *testing.T) {
			h := startReloadable(t, HostConfig{Flags: way.flags})
			people := h.signingIn(t, 2)
			for _, change := range []struct {
				what, want, label string
				do                func()
			}{
				{"adding", "another fake", "First", func() { h.providers["another"] = h.another("First") }},
				{"changing", "another fake", "Second", func() { h.providers["another"] = h.another("Second") }},
				{"removing", "fake", "", func() { delete(h.providers, "another") }},
			} {
				change.do()
				h.write(t)
				way.do(t, h)
				eventually(t, change.what+" a provider", func() bool {
					return h.names(t) == change.want && strings.Contains(newAgent(t, h.testHost, "").get(h.URL+"/login").body, change.label)
				})
			}
			people.disperse()
		})
	}
}

// What doorward reload says, and its exit status.
func TestReloadTells(t *testing.T) {
	h := startReloadable(t, HostConfig{})
	tell := func(what string, status int, texts ...string) {
		t.Helper()
		out, code := h.run(t, "reload")
		if code != status {
			t.Errorf("%s: exit status %d, want %d\n%s", what, code, status, out)
		}
		for _, text := range texts {
			if !strings.Contains(out, text) {
				t.Errorf("%s: want %q\n%s", what, text, out)
			}
		}
	}
	tell("no change", 0, "nothing has changed")
	h.providers["another"] = h.another("First")
	h.write(t)
	tell("added", 0, "added: another")
	h.providers["another"]["scope"] = "openid email"
	h.write(t)
	tell("changed", 0, "changed: another")

	text, err := json.Marshal(map[string]any{"access_token_ttl": "20m", "providers": h.providers})
	if err != nil {
		t.Fatal(err)
	}
	h.writeText(t, string(text))
	tell("a setting of the host", 0, "needs a restart of the host: ACCESS_TOKEN_TTL")

	h.providers["another"]["issuer_url"] = "not a URL"
	h.write(t)
	tell("options that are refused", 1, "another", "issuer_url", "stays as it was")
	h.writeText(t, "providers: [")
	// The command reads the file, too, to find the host.
	tell("a file that is broken", 1, "doorward.yaml")
	if err := h.signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the line about the broken file", func() bool { return strings.Contains(h.Logs(), "the old one stays in force") })
	if err := wholeLogin(t.Context(), h.URL, "fake"); err != nil || h.names(t) != "another fake" {
		t.Errorf("after a broken file: %v, providers %s", err, h.names(t))
	}
	delete(h.providers, "another")
	h.write(t)
	tell("removed", 0, "removed: another")
}

// A plugin is replaced while 8 clients log in. None of them notices, and a login
// that began on the old process ends on the new one.
func TestK10PluginIsReplacedUnderLogins(t *testing.T) {
	h := startReloadable(t, HostConfig{})
	before := h.plugin(t, "openid")
	person := newAgent(t, h.testHost, "alice")
	person.hint = "alice"
	begun := callbackOf(t, person)
	people := h.signingIn(t, 8)
	newer := filepath.Join(t.TempDir(), "doorward-plugin-openid")
	if err := copyProgram(filepath.Join(h.pluginDir(), "doorward-plugin-openid"), newer); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(newer, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("another build"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	h.mustRun(t, "plugin", "add", newer)
	if out := h.mustRun(t, "reload"); !strings.Contains(out, "plugins replaced: openid") {
		t.Errorf("doorward reload: %s", out)
	}
	after := h.plugin(t, "openid")
	if after.State != "ready" || after.PID == before.PID || after.SHA256 != digestOf(t, newer) || after.Swaps != 1 || after.Restarts != 0 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	people.disperse()
	if got := person.get(begun); got.location() == nil || person.cookie(sessionCookie) == "" {
		t.Errorf("the login that began before: %d %s", got.status, got.body)
	}
	eventually(t, "the end of the old process", func() bool { return len(h.Plugins()) == 1 })
}

// doorward plugins tells how a plugin stands and why it died, without the secrets
// that the plugin wrote on its way out.
func TestPluginsCommand(t *testing.T) {
	h := startHostile(t, "evil")
	if out, code := h.addEvil(t, "evil"); code != 0 {
		t.Fatalf("adding the provider: %s", out)
	}
	canary := "canary-" + newClientSecret()
	h.secrets.add("the option of the hostile plugin", canary)
	h.providers["evil"]["client_secret"] = canary
	h.write(t)
	h.mustRun(t, "reload")
	first := h.plugin(t, "evil")
	wantNothingGained(t, h.evilLogin(t, "secret"), http.StatusServiceUnavailable, unavailable)
	got := h.awaitReady(t, "evil", first.PID)
	if got.Restarts == 0 || got.Version != "1.2.3" || got.SHA256 != first.SHA256 || !strings.Contains(got.LastError, "exit status 9") {
		t.Errorf("after a death: %+v", got)
	}
	if lines := strings.Join(got.LastLines, "\n"); !strings.Contains(lines, "my secret is [redacted]") {
		t.Errorf("the last lines of the plugin: %q", lines)
	}
	table, all := h.mustRun(t, "plugins"), h.mustRun(t, "plugins", "--json")
	for _, want := range []string{"PLUGIN", "evil", "openid", "ready", "1.2.3", first.SHA256[:12], "exit status 9", "my secret is [redacted]"} {
		if !strings.Contains(table, want) {
			t.Errorf("doorward plugins does not show %q:\n%s", want, table)
		}
	}
	if strings.Contains(table+all, canary) {
		t.Errorf("L06 doorward plugins shows the secret:\n%s\n%s", table, all)
	}
	if out, code := runCommand(t, h.Command("check")); !strings.Contains(out, "fake (openid)") || !strings.Contains(out, "evil (evil)") {
		t.Errorf("doorward check: %d\n%s", code, out)
	}
}

func TestCheckCommand(t *testing.T) {
	h := startReloadable(t, HostConfig{})
	if out, code := h.run(t, "check", "fake"); code != 0 || !strings.Contains(out, "fake (openid)") {
		t.Errorf("doorward check of a good provider: %d\n%s", code, out)
	}
	if out, code := h.run(t, "check", "nobody"); code != 1 {
		t.Errorf("doorward check of none: %d\n%s", code, out)
	}
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	if out, code := h.run(t, "check", "fake"); code != 0 || !strings.Contains(out, "fake (openid)") {
		t.Errorf("doorward check without a host: %d\n%s", code, out)
	}
	for _, command := range []string{"plugins", "reload"} {
		if out, code := h.run(t, command); code != 1 || !strings.Contains(out, "no doorward is running here") {
			t.Errorf("doorward %s without a host: %d\n%s", command, code, out)
		}
	}
}

// --dev runs what is not locked, on loopback and with a warning at each start.
func TestDevelopment(t *testing.T) {
	config := HostConfig{Flags: []string{"--dev"}}
	h := newReloadable(t, &config, hostileAs(t, "evil", ""))
	h.providers["evil"] = map[string]any{"driver": "evil", "tenant": "t"}
	h.write(t)
	h.testHost = startHost(t, config)
	if got := h.plugin(t, "evil"); got.State != "ready" {
		t.Errorf("K03 the unlocked plugin: %+v", got)
	}
	const warning = "plugins run without a check against the lock file"
	for starts := 1; starts <= 2; starts++ {
		if n := strings.Count(h.Logs(), warning); n != starts {
			t.Errorf("%d warnings after %d starts", n, starts)
		}
		if err := h.Stop(); err != nil {
			t.Fatal(err)
		}
		if err := h.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, setting := range []string{"HOST=0.0.0.0", "PUBLIC_URL=https://login.example.org"} {
		cmd := h.Command("serve", "--dev")
		cmd.Env = append(cmd.Env, setting) // the last one counts
		if out, code := runCommand(t, cmd); code != 1 || !strings.Contains(out, "on loopback only") {
			t.Errorf("K03 --dev with %s: %d\n%s", setting, code, out)
		}
	}
}

func TestControlSocketIsPrivate(t *testing.T) {
	h := startReloadable(t, HostConfig{})
	info, err := os.Stat(h.Env("DB_FILENAME") + ".sock")
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Type() != os.ModeSocket || info.Mode().Perm() != 0o600 {
		t.Errorf("the control socket is %s", info.Mode())
	}
}

// A host that is told to stop does not wait for the plugins that a reload starts.
func TestStopDuringReload(t *testing.T) {
	h := startReloadable(t, HostConfig{}, hostileAs(t, "silent-a", ""), hostileAs(t, "silent-b", ""))
	h.lockAsIs(t)
	for _, driver := range []string{"silent-a", "silent-b"} {
		h.providers[driver] = map[string]any{"driver": driver, "tenant": "t"}
	}
	h.write(t)
	if err := h.signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the start of the plugin", func() bool { return len(h.Plugins()) == 2 })
	if err := h.Stop(); err != nil {
		t.Error(err)
	}
}

// SIGHUP ends a program that does not ask for it. A service may be told to reload
// as soon as its process is there.
func TestReloadDuringTheStart(t *testing.T) {
	h := startReloadable(t, HostConfig{}, hostileAs(t, "silent", ""))
	h.lockAsIs(t)
	h.providers["quiet"] = map[string]any{"driver": "silent", "tenant": "t"}
	h.write(t)
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	h.logs = append(h.logs, h.Output())
	var err error
	if h.Process, err = StartProcess(h.Command("serve")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the start of the plugins", func() bool { return len(h.Plugins()) == 2 })
	if err := h.signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := h.waitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
}
