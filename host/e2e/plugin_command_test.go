package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A third party's binary is one `plugin add` away from being run, and nothing that
// was not added or has changed since is run.
func TestPluginCommand(t *testing.T) {
	h := startReloadable(t, HostConfig{})
	h.providers["evil"] = map[string]any{"driver": "evil", "tenant": "t"}
	h.write(t)
	theirs := hostileAs(t, "evil", "")
	installed := filepath.Join(h.pluginDir(), "doorward-plugin-evil")

	out, code := h.run(t, "reload")
	if code != 1 || !strings.Contains(out, "doorward plugin add") || !strings.Contains(out, installed) {
		t.Errorf("K03 a plugin that is not there: %d %s", code, out)
	}
	if err := copyProgram(theirs, installed); err != nil {
		t.Fatal(err)
	}
	out, code = h.run(t, "reload")
	if code != 1 || !strings.Contains(out, "run: doorward plugin add "+installed) {
		t.Errorf("K03 a plugin that is there and not locked: %d %s", code, out)
	}
	out = h.mustRun(t, "plugin", "add", theirs)
	if want := "added evil 1.2.3, sha256 " + digestOf(t, theirs) + "\n"; out != want {
		t.Errorf("plugin add: %q, want %q", out, want)
	}
	h.mustRun(t, "reload")
	if got := h.plugin(t, "evil"); got.State != "ready" || got.SHA256 != digestOf(t, installed) || got.Version != "1.2.3" {
		t.Errorf("after plugin add and reload: %+v", got)
	}
	if out = h.mustRun(t, "plugin", "list"); !strings.Contains(out, "doorward-plugin-evil") || !strings.Contains(out, "openid") {
		t.Errorf("plugin list:\n%s", out)
	}
	if out = h.mustRun(t, "plugin", "verify"); !strings.Contains(out, "ok  evil 1.2.3\n") || !strings.Contains(out, "ok  openid") || strings.Contains(out, "BAD") {
		t.Errorf("plugin verify:\n%s", out)
	}
	checkAltered(t, h, installed)

	h.mustRun(t, "plugin", "remove", "evil")
	if out, code = h.run(t, "plugin", "remove", "evil"); code != 1 || !strings.Contains(out, "not in the lock file") {
		t.Errorf("removing twice: %d %s", code, out)
	}
	if _, err := os.Stat(installed); err != nil {
		t.Errorf("the file of the plugin that was removed: %v", err)
	}
	if out = h.mustRun(t, "plugin", "list"); strings.Contains(out, "evil") {
		t.Errorf("plugin list after remove:\n%s", out)
	}
}

// checkAltered puts other bytes in place of the plugin. What runs, runs on; what is
// there is refused, with both digests.
func checkAltered(t *testing.T, h *reloadable, installed string) {
	t.Helper()
	before := h.plugin(t, "evil")
	locked := digestOf(t, installed)
	if err := os.Rename(hostileAs(t, "evil", "altered"), installed); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"plugin", "verify"}, {"reload"}} {
		out, code := h.run(t, args...)
		if code != 1 || !strings.Contains(out, locked) || !strings.Contains(out, digestOf(t, installed)) {
			t.Errorf("K03 %s with an altered file: %d, want both digests\n%s", strings.Join(args, " "), code, out)
		}
	}
	if got := h.plugin(t, "evil"); got.PID != before.PID || got.SHA256 != locked {
		t.Errorf("K03 what runs was %+v, is %+v", before, got)
	}
}

func TestPluginsThatCannotBeAdded(t *testing.T) {
	h := startReloadable(t, HostConfig{})
	lock := filepath.Join(h.pluginDir(), "plugins.lock")
	before := digestOf(t, lock)
	script := filepath.Join(t.TempDir(), "doorward-plugin-script")
	f, err := os.Create(script)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("#!/bin/sh\nexit 0\n")
	if err := errors.Join(err, f.Chmod(0o755), f.Close()); err != nil {
		t.Fatal(err)
	}
	for path, cause := range map[string]string{
		script: "native binary", hostileAs(t, "quitter", ""): "exit status 3", hostileAs(t, "garbage", ""): "not a handshake",
		filepath.Join(t.TempDir(), "none"): "not found",
	} {
		if out, code := h.run(t, "plugin", "add", path); code != 1 || !strings.Contains(out, cause) || !strings.Contains(out, path) {
			t.Errorf("K05 adding %s: %d %s", filepath.Base(path), code, out)
		}
	}
	if digestOf(t, lock) != before {
		t.Error("the lock file has changed")
	}
}
