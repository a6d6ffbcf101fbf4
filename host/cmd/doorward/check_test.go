package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/sqlite"
)

// A check finds what would keep the host from starting, and changes nothing.
func TestCheckComparesSECRETWithTheDatabase(t *testing.T) {
	dir := t.TempDir()
	one, other := "SECRET="+strings.Repeat("one", 12), "SECRET="+strings.Repeat("two", 12)
	if code, out := runIn(t.Context(), t, dir, []string{one}, "check"); code != exitOK || !strings.Contains(out, noProviders) {
		t.Errorf("without a database: exit status %d:\n%s", code, out)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "d.db*")); len(left) > 0 {
		t.Errorf("a check made %v", left)
	}
	database, err := sqlite.Open(t.Context(), filepath.Join(dir, "d.db"), sso.Confirming([]byte(strings.TrimPrefix(one, "SECRET=")), nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := database.Close(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		settings []string
		code     int
		says     string
	}{
		"the same":                {[]string{one}, exitOK, noProviders},
		"another":                 {[]string{other}, exitError, "sealed under another SECRET"},
		"changed":                 {[]string{other, "SECRET_PREVIOUS=" + strings.TrimPrefix(one, "SECRET=")}, exitOK, noProviders},
		"changed, the old one no": {[]string{other, "SECRET_PREVIOUS=" + strings.Repeat("no", 16)}, exitError, "not even with SECRET_PREVIOUS"},
	} {
		if code, out := runIn(t.Context(), t, dir, tc.settings, "check"); code != tc.code || !strings.Contains(out, tc.says) {
			t.Errorf("%s: exit status %d, want %d with %q:\n%s", name, code, tc.code, tc.says, out)
		}
	}
	if code, out := runIn(t.Context(), t, dir, []string{one}, "check"); code != exitOK {
		t.Errorf("checks have changed the database: %s", out)
	}
}
