package provider

import (
	"slices"
	"testing"
)

// Trying again does not help a plugin that requires what the host does not have.
func TestPluginThatRequiresMoreIsNotStartedAgain(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "demanding"), Providers: []Configured{configured("demanding", "a")}})
	if got := h.Plugins()[0].State; got != StateRejected {
		t.Errorf("the plugin is %s, want it rejected", got)
	}
}

func TestStateParametersOfThePlugin(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "wsfed", "fake"), Providers: []Configured{configured("wsfed", "a"), configured("fake", "b")}})
	a, _ := h.Provider("a")
	b, _ := h.Provider("b")
	if !slices.Equal(a.StateParameters, []string{"wctx"}) || len(b.StateParameters) != 0 {
		t.Errorf("got %q and %q", a.StateParameters, b.StateParameters)
	}
}
