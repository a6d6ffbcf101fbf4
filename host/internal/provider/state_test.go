package provider

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTransitions(t *testing.T) {
	states := []State{StateStarting, StateReady, StateBackoff, StateQuarantined, StateRejected, StateStopped}
	seen := map[string]bool{}
	for _, tr := range transitions {
		key := string(tr.from) + " on " + string(tr.on)
		if seen[key] || !slices.Contains(states, tr.from) || !slices.Contains(states, tr.to) || tr.from == StateStopped {
			t.Errorf("odd transition: %+v", tr)
		}
		seen[key] = true
	}
	for _, from := range states[:5] {
		if !seen[string(from)+" on "+string(eventStop)] {
			t.Errorf("%s cannot be stopped", from)
		}
	}
	m := newMachine(DefaultPauses, time.Unix(0, 0))
	if m.on(eventDue, time.Unix(1, 0)) || m.state != StateStarting || !m.since.Equal(time.Unix(0, 0)) {
		t.Errorf("an event without a transition moved it to %s", m.state)
	}
}

// The diagram of the manual is drawn from the transitions.
func TestDiagramOfTheManual(t *testing.T) {
	manual, err := os.ReadFile("../../../docs/plugins.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := "```mermaid\n" + diagram() + "```\n"; !strings.Contains(string(manual), want) {
		t.Errorf("docs/plugins.md does not hold this diagram:\n%s", want)
	}
}

func TestBackoff(t *testing.T) {
	p := DefaultPauses
	p.Deaths = 100
	now := time.Unix(1000, 0)
	m := newMachine(p, now)
	most := p.FirstBackoff
	for i := range 40 {
		m.on(eventUp, now)
		m.died(now)
		if m.state != StateBackoff {
			t.Fatalf("death %d leads to %s", i+1, m.state)
		}
		for range 20 {
			if pause, ok := m.pause(); !ok || pause < 0 || pause > most {
				t.Fatalf("death %d: pause %v, at most %v", i+1, pause, most)
			}
		}
		most = min(2*most, p.MaxBackoff)
		m.on(eventDue, now)
	}
	// A plugin that has run well for a while starts again at once.
	m.on(eventUp, now)
	m.died(now.Add(p.Settled))
	if pause, _ := m.pause(); m.consecutive != 1 || pause > p.FirstBackoff {
		t.Errorf("after it had settled: %d deaths in a row, pause %v", m.consecutive, pause)
	}
}

func TestQuarantineAfterDeathsWithinATime(t *testing.T) {
	p := DefaultPauses
	now := time.Unix(1000, 0)
	m := newMachine(p, now)
	for range 50 { // far apart, deaths are no reason
		m.on(eventUp, now)
		now = now.Add(p.DeathsWithin/time.Duration(p.Deaths-1) + time.Second)
		m.died(now)
		if m.state != StateBackoff {
			t.Fatalf("state %s after deaths far apart", m.state)
		}
		m.on(eventDue, now)
	}
	m = newMachine(p, now)
	for range p.Deaths - 1 {
		m.died(now)
		m.on(eventDue, now)
	}
	m.died(now)
	if pause, _ := m.pause(); m.state != StateQuarantined || pause != p.Quarantine {
		t.Errorf("after %d deaths: %s, pause %v", p.Deaths, m.state, pause)
	}
	// A probe that dies, too, leads back at once; the operator's change does not.
	m.on(eventDue, now)
	m.died(now)
	if m.state != StateQuarantined {
		t.Errorf("after a probe: %s", m.state)
	}
	m.forgetDeaths()
	m.on(eventChanged, now)
	m.died(now)
	if m.state != StateBackoff {
		t.Errorf("after a change: %s", m.state)
	}
}
