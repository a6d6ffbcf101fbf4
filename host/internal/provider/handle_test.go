package provider

import (
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// A mechanism has what its one call needs from the moment that its turn has come:
// the call does not look for it again, and nothing of it is left afterwards.
func TestMechanismHoldsItsEndpoint(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a")}})
	m, done, err := h.Mechanism(t.Context(), "a", sso.LineLogins)
	if err != nil {
		t.Fatal(err)
	}
	if n := h.inFlight("a"); n != 1 {
		t.Errorf("%d calls are counted when it is the turn of one", n)
	}
	for range 2 { // a second call is not foreseen, and is served
		if _, err := m.Begin(t.Context(), sdk.BeginRequest{State: "s"}); err != nil {
			t.Fatal(err)
		}
		if n := h.inFlight("a"); n != 0 {
			t.Errorf("%d calls are counted after it", n)
		}
	}
	done()
	done()
	if n := h.inFlight("a"); n != 0 {
		t.Errorf("%d calls are counted in the end", n)
	}
}

// A caller that gets a turn and makes no call does not keep a replaced process alive.
func TestMechanismThatIsNotCalled(t *testing.T) {
	h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: []Configured{configured("fake", "a")}})
	_, done, err := h.Mechanism(t.Context(), "a", sso.LineLogins)
	if err != nil {
		t.Fatal(err)
	}
	old := h.now.Load().handles["a"].current.Load()
	if reloaded := h.reload(t, configured("fake", "a", "number", 7)); len(reloaded.Failed) > 0 {
		t.Fatalf("failed: %q", reloaded.Failed)
	}
	select {
	case <-old.calls.drained:
		t.Error("the turn did not count")
	default:
	}
	done()
	eventually(t, "the turn to be given back", func() bool {
		select {
		case <-old.calls.drained:
			return true
		default:
			return false
		}
	})
}

// What was replaced between the turn and its call is not called.
func TestMechanismWhoseEndpointWasReplaced(t *testing.T) {
	b := binaries(t, "fake")
	h := startHost(t, Config{Binaries: b, Providers: []Configured{configured("fake", "a")}})
	before := h.mustBegin(t, "a")
	m, done, err := h.Mechanism(t.Context(), "a", sso.LineLogins)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	replaceBinary(t, b, "fake", namedPlugin(t, "newer"))
	lockAll(t, b, "fake")
	if reloaded := h.reload(t, configured("fake", "a")); len(reloaded.Replaced) != 1 {
		t.Fatalf("reloading: %s", reloaded)
	}
	step, err := m.Begin(t.Context(), sdk.BeginRequest{State: "s"})
	if got := pidOf(step, err); err != nil || got == before {
		t.Errorf("process %d answers, and %d was replaced: %v", got, before, err)
	}
	if n := h.inFlight("a"); n != 0 {
		t.Errorf("%d calls are counted in the end", n)
	}
}
