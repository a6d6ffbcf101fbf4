package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/config"
)

// lockedPresets is a plugin folder whose lock file knows presets.
func lockedPresets(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	sum := ", sha256: " + strings.Repeat("0a", 32)
	text := "plugins:\n" +
		"  - {mechanism: oauth2, file: doorward-plugin-oauth2, version: '1'" + sum + ", presets: [{name: github, title: GitHub, icon: branches}, {name: both}]}\n" +
		"  - {mechanism: ldap, file: doorward-plugin-ldap, version: '1'" + sum + ", presets: [{name: openldap, title: OpenLDAP}, {name: both}]}\n" +
		"  - {mechanism: openid, file: doorward-plugin-openid, version: '1'" + sum + "}\n"
	if err := os.WriteFile(filepath.Join(dir, "plugins.lock"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPresetsAreListed(t *testing.T) {
	code, out := runIn(t.Context(), t, lockedPresets(t), nil, "presets")
	if code != 0 || !strings.Contains(out, "github    GitHub    oauth2") || strings.Count(out, "both") != 2 {
		t.Errorf("%d\n%s", code, out)
	}
}

// loadWith loads the configuration of one provider x.
func loadWith(t *testing.T, dir string, options ...string) (config.Provider, error) {
	t.Helper()
	environ := []string{"SECRET=" + strings.Repeat("s3", 20), "PLUGIN_DIR=" + dir, "DB_FILENAME=" + filepath.Join(dir, "d.db"), "AUTH_PROVIDERS=x"}
	for _, o := range options {
		environ = append(environ, "AUTH_X_"+o)
	}
	cfg, err := loadConfig(environ, "")
	if err != nil {
		return config.Provider{}, err
	}
	return cfg.Providers[0], nil
}

func TestPresetsSayWhichDriver(t *testing.T) {
	t.Chdir(t.TempDir())
	dir := lockedPresets(t)
	for _, test := range []struct {
		options             []string
		driver, label, icon string
		says                string // in an error
	}{
		{[]string{"PRESET=github"}, "oauth2", "GitHub", "branches", ""},
		{[]string{"PRESET=github", "DRIVER=oauth2"}, "oauth2", "GitHub", "branches", ""},
		{[]string{"PRESET=github", "LABEL=Code", "ICON=key"}, "oauth2", "Code", "key", ""},
		{[]string{"PRESET=openldap"}, "ldap", "OpenLDAP", "", ""},
		{[]string{"PRESET=both", "DRIVER=ldap"}, "ldap", "X", "", ""},
		{[]string{"DRIVER=openid"}, "openid", "X", "", ""},
		{[]string{"PRESET=own", "DRIVER=thirdparty"}, "thirdparty", "X", "", ""}, // that plugin is asked
		{[]string{"PRESET=github", "DRIVER=openid"}, "", "", "", "AUTH_X_PRESET: the preset github belongs to oauth2: set AUTH_X_DRIVER to that"},
		{[]string{"PRESET=both"}, "", "", "", "set AUTH_X_DRIVER to one of oauth2, ldap"},
		{[]string{"PRESET=gihub"}, "", "", "", "doorward presets"},
		{[]string{"CLIENT_ID=1"}, "", "", "", "AUTH_X_DRIVER: is required and not set"},
	} {
		p, err := loadWith(t, dir, test.options...)
		if test.says != "" {
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v: %v", test.options, err)
			}
			continue
		}
		if err != nil || p.Driver != test.driver || p.Label != test.label || p.Icon != test.icon {
			t.Errorf("%v: driver %q, label %q, icon %q, %v", test.options, p.Driver, p.Label, p.Icon, err)
		}
	}
	file := filepath.Join(t.TempDir(), "preset")
	if err := os.WriteFile(file, []byte("github\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := loadWith(t, dir, "PRESET_FILE="+file); err != nil || p.Driver != "oauth2" {
		t.Errorf("from a file: %q, %v", p.Driver, err)
	}
}
