package provider

import (
	"slices"
	"testing"

	"github.com/doorward/doorward/sdk"
)

// The plugin is told the deadline of the table, and the host waits no longer.
func TestDeadlineIsThatOfTheTable(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a")}})
	left, err := h.begin(t, "a", "deadline") // in the place of the process ID
	if err != nil {
		t.Fatal(err)
	}
	if want := int(sdk.CallBegin.Deadline().Milliseconds()); left > want || left < want-5000 {
		t.Errorf("the plugin is told that it has %d ms, want %d", left, want)
	}
}

func TestEachCapabilityCanBeCalled(t *testing.T) {
	if got := sdk.Capabilities(&mechanism{}); !slices.Equal(got, sdk.AllCapabilities()) {
		t.Errorf("the domain can call %s, of %s", got, sdk.AllCapabilities())
	}
}
