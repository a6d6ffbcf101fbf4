package sso_test

import (
	"encoding/base64"
	"os/exec"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// A command that an operator copies from the log does only one thing, no matter what the
// stranger sends.
func TestARefusedStrangersLogLineHasTheCommand(t *testing.T) {
	subjects := map[string]string{
		"a plain one":           "248289761001",
		"with all that is safe": "Az09_@%+:,./-",
		"a flag":                "--id=x",
		"spaces":                "cn=Ann O Neil, dc=example",
		"a command":             "$(touch /tmp/x)`id`;rm -rf ~ && x | y > z",
		"a quote":               "it's; id #",
		"a double quote":        `a"b`,
		"a backslash":           `CORP\ann`,
		"a history":             "a!b",
		"another script":        "Ünï 株式会社",
		"turned around":         "a\u202eb",
		"a line of another":     "a\u2028b",
		"what cannot be seen":   "a\u200bb",
		"as long as it may be":  strings.Repeat("'", sdk.MaxSubject),
	}
	p := provider("p")
	p.AllowPublicRegistration = false
	h := newHouse(t, p)
	for name, subject := range subjects {
		_, err := h.tryToSignIn(sso.Start{}, sdk.Identity{Subject: subject})
		wantErr(t, name, err, sso.ErrNotRegistered)
		_, line, _ := strings.Cut(err.Error(), "to admit the user: ")
		command, _, ok := strings.Cut(line, "; to create accounts at the first login")
		if !ok {
			t.Fatalf("%s: no command in %q", name, err)
		}
		if got := ranBy(t, command); got != subject {
			t.Errorf("%s: %s names %q, want %q", name, command, got, subject)
		}
		if strings.ContainsAny(command, "\"\\<>&\n") || len(command) > 512 || strings.Trim(command, printable()) != "" {
			t.Errorf("%s: a log would write it in another way: %s", name, command)
		}
	}
}

func printable() string {
	var all strings.Builder
	for r := rune(' '); r <= '~'; r++ {
		all.WriteRune(r)
	}
	return all.String()
}

// ranBy runs the command in a shell, and returns the subject that the program gets.
func ranBy(t *testing.T, command string) string {
	t.Helper()
	script := `doorward() { for word; do printf '%s\n' "$word"; done; }; ` + command
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	words := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if err != nil || len(words) != 6 || strings.Join(words[:4], " ") != "user add --provider p" {
		t.Fatalf("%s: %v, %q", command, err, words)
	}
	if words[4] == "--subject" {
		return words[5]
	}
	decoded, err := base64.RawURLEncoding.DecodeString(words[5])
	if err != nil || words[4] != "--subject-base64" {
		t.Fatalf("%s: %v, %q", command, err, words)
	}
	return string(decoded)
}

// If only verified addresses create accounts, an operator can still create one.
func TestARefusalForAnAddressHasTheCommandToo(t *testing.T) {
	p := provider("p")
	p.RequireVerifiedEmail = true
	h := newHouse(t, p)
	_, err := h.tryToSignIn(sso.Start{}, sdk.Identity{Subject: "ann"})
	wantErr(t, "without an address", err, sso.ErrNotRegistered)
	if !strings.HasSuffix(err.Error(), "to admit the user anyway: doorward user add --provider p --subject ann") {
		t.Errorf("got %v", err)
	}
}
