package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// member is somebody who has signed in through "fake", with a browser.
func (r *reloadable) member(t *testing.T) *agent {
	t.Helper()
	a := newAgent(t, r.testHost, "alice")
	a.hint = "alice"
	a.signIn(r.URL + "/auth/login/fake?mode=session&redirect=/users/me")
	if a.cookie(sessionCookie) == "" {
		t.Fatal("alice is not signed in")
	}
	return a
}

// wantStatus checks how the browser is answered, and that its cookie stays.
func (a *agent) wantStatus(what string, want int) {
	a.t.Helper()
	before := a.cookie(sessionCookie)
	got := a.call(http.MethodGet, "/users/me", nil, nil)
	if got.status != want {
		a.t.Errorf("%s: %d %s", what, got.status, got.body)
	}
	refreshed := a.call(http.MethodPost, "/auth/refresh", map[string]string{"mode": "session"}, nil)
	if refreshed.status != want {
		a.t.Errorf("%s: the refresh is answered %d %s", what, refreshed.status, refreshed.body)
	}
	if after := a.cookie(sessionCookie); after == "" || want != http.StatusOK && after != before {
		a.t.Errorf("%s: the cookie is gone", what)
	}
}

// A file that is written in two parts, and one that is emptied, sign nobody out.
func TestFileInTwoHalves(t *testing.T) {
	config := HostConfig{Flags: []string{"--watch"}}
	h := newReloadable(t, &config)
	h.providers["another"] = h.another("First half")
	h.write(t)
	h.testHost = startHost(t, config)
	alice := h.member(t)
	second := h.providers["fake"]
	delete(h.providers, "fake")
	half, err := json.Marshal(map[string]any{"providers": h.providers})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"half a file": string(half), "an empty file": ""} {
		h.writeText(t, text)
		written := time.After(6 * time.Second) // longer than a file has to rest that takes nothing away
		look := time.NewTicker(500 * time.Millisecond)
		for waiting := true; waiting; {
			select {
			case <-written:
				waiting = false
			case <-look.C:
				alice.wantStatus(name, http.StatusOK)
			}
		}
		look.Stop()
	}
	for _, removed := range []string{"1 provider", "2 providers"} {
		if want := removed + " would be removed; waiting until the file has not changed for 10 s"; !strings.Contains(h.Logs(), want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	h.providers["fake"] = second
	h.providers["third"] = h.another("Third")
	h.write(t)
	eventually(t, "the whole file to be taken", func() bool { return h.names(t) == "another fake third" })
	alice.wantStatus("with the whole file", http.StatusOK)
}

// A configuration with none of the providers in force is refused, however the reload is
// requested, unless it is forced.
func TestReloadThatWouldRemoveAll(t *testing.T) {
	h := startReloadable(t, HostConfig{})
	alice := h.member(t)
	text := func() {
		t.Helper()
		h.writeText(t, "{}")
	}
	text()
	for _, args := range [][]string{{"reload"}, {"reload", "--dry-run"}} {
		out, code := h.run(t, args...)
		for _, want := range []string{h.file, "(fake)", "which stay in force", "doorward reload --force"} {
			if code != 1 || !strings.Contains(out, want) {
				t.Errorf("%q: exit status %d, want 1 and %q\n%s", args, code, want, out)
			}
		}
	}
	alice.wantStatus("after a reload that was refused", http.StatusOK)
	if out := h.mustRun(t, "reload", "--force"); !strings.Contains(out, "removed: fake") {
		t.Errorf("with --force: %s", out)
	}
	alice.wantStatus("without the provider", http.StatusUnauthorized)
	h.write(t)
	h.mustRun(t, "reload")
	alice.wantStatus("with the provider again", http.StatusOK)
}

// A typo at a restart signs nobody out for good.
func TestTypoAtARestart(t *testing.T) {
	h := startReloadable(t, HostConfig{})
	alice := h.member(t)
	restart := func() {
		t.Helper()
		if err := h.Stop(); err != nil {
			t.Fatal(err)
		}
		if err := h.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	h.providers["faek"] = h.providers["fake"]
	delete(h.providers, "fake")
	h.write(t)
	restart()
	alice.wantStatus("with a typo", http.StatusUnauthorized)
	if got := alice.get(h.URL + "/"); got.location() == nil && got.status != http.StatusOK {
		t.Errorf("the first page, with a typo: %d %s", got.status, got.body)
	}
	alice.wantStatus("with a typo, after the first page", http.StatusUnauthorized)
	h.providers["fake"] = h.providers["faek"]
	delete(h.providers, "faek")
	h.write(t)
	restart()
	alice.wantStatus("when it is mended", http.StatusOK)
}

// The running host looks at the file as it is now, and says what is not in force.
func TestCheckAndDryRunReadTheFile(t *testing.T) {
	h := startReloadable(t, HostConfig{})
	before := h.plugin(t, "openid")
	tell := func(what string, status int, args []string, texts ...string) {
		t.Helper()
		out, code := h.run(t, args...)
		if code != status {
			t.Errorf("%s: exit status %d, want %d\n%s", what, code, status, out)
		}
		for _, text := range texts {
			if !strings.Contains(out, text) {
				t.Errorf("%s: want %q\n%s", what, text, out)
			}
		}
		if h.names(t) != "fake" {
			t.Errorf("%s: providers %s", what, h.names(t))
		}
	}
	check, dry := []string{"check"}, []string{"reload", "--dry-run"}
	if out := h.mustRun(t, "check"); strings.Contains(out, "force") {
		t.Errorf("no change: %s", out)
	}
	tell("no change", 0, dry, "nothing is changed", "nothing has changed")
	h.providers["another"] = h.another("New")
	h.write(t)
	tell("one is added", 0, dry, "added: another")
	tell("one is added", 1, check, "fake (openid)\n", "another (openid): new, and not in force yet: run doorward reload", "the callback is not registered")
	h.providers["another"]["issuer_url"] = "not a URL"
	h.write(t)
	tell("bad options", 1, dry, "FAILED", "issuer_url")
	tell("bad options", 1, check, "another (openid): new", "issuer_url")
	delete(h.providers, "another")
	good := h.providers["fake"]["client_secret"]
	h.providers["fake"]["client_secret"] = "not-the-secret-of-before"
	h.write(t)
	tell("one is changed", 0, dry, "changed: fake")
	tell("one is changed", 1, []string{"check", "fake"}, "fake (openid): has changed", "invalid_client")
	h.providers["fake"]["client_secret"] = good
	h.write(t)
	if err := os.Chmod(h.file, 0o644); err != nil { // of which a start warns
		t.Fatal(err)
	}
	tell("a warning", 0, dry, "warning: ", "run chmod 600")
	tell("a warning", 0, check, "configuration\n  warning  setting: ", "run chmod 600")
	if err := os.Chmod(h.file, 0o600); err != nil {
		t.Fatal(err)
	}
	// The commands read the file, too, to find the host: it must be whole for them.
	tell("no change again", 0, dry, "nothing has changed")
	if after := h.plugin(t, "openid"); after.PID != before.PID || after.Restarts != 0 || after.Swaps != 0 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if err := wholeLogin(t.Context(), h.URL, "fake"); err != nil {
		t.Error(err)
	}
}
