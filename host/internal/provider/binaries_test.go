package provider

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestADriverThatDoesNotExist(t *testing.T) {
	b := binaries(t, "openid", "saml")
	if err := os.Symlink(testPlugin, filepath.Join(b.Dir, FileName("ldap"))); err != nil {
		t.Fatal(err)
	}
	for driver, want := range map[string]string{
		"opnid": `no plugin for driver "opnid": ` + filepath.Join(b.Dir, "doorward-plugin-opnid") + ` does not exist; did you mean "openid"? (plugins: ldap, openid, saml);`,
		"ldpa":  `did you mean "ldap"?`,
		"radio": `doorward-plugin-radio does not exist (plugins: ldap, openid, saml); run doorward plugin add`,
	} {
		for _, dev := range []bool{false, true} {
			b.InsecureWithoutLock = dev
			_, err := b.Open(driver)
			if !errors.Is(err, ErrNoPlugin) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, dev %v: %v, want %s", driver, dev, err, want)
			}
		}
	}
	if _, err := (Binaries{Dir: t.TempDir(), Lock: filepath.Join(t.TempDir(), "none")}).Open("x"); err == nil || !strings.Contains(err.Error(), "(plugins: none)") {
		t.Errorf("nothing at all: %v", err)
	}
}

// Nobody can sign in through such a provider, and that is told wherever an operator
// looks. The host runs all the same, for those who are signed in.
func TestProviderWithoutAPlugin(t *testing.T) {
	for _, others := range [][]Configured{nil, {configured("fake", "b")}} {
		h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: append([]Configured{configured("faek", "a")}, others...)})
		for _, c := range others {
			h.mustBegin(t, c.Name)
		}
		checked, err := h.Check(t.Context(), "a")
		if err != nil || len(checked) != 1 || len(checked[0].Findings) != 1 || !strings.Contains(checked[0].Findings[0].Text, `did you mean "fake"?`) {
			t.Errorf("checking: %+v, %v", checked, err)
		}
		if got := h.plugin(t, "faek").LastError; !strings.Contains(got, `did you mean "fake"?`) {
			t.Errorf("as doorward plugins shows it: %s", got)
		}
		if logged := h.logs.String(); !strings.Contains(logged, `did you mean`) {
			t.Errorf("the log does not say so: %s", logged)
		}
	}
}
