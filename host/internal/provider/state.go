package provider

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// State is the state of a plugin.
type State string

// The states of a plugin.
const (
	StateStarting    State = "starting"    // being checked, executed and asked what it is
	StateReady       State = "ready"       // running; each of its providers may still be unavailable
	StateBackoff     State = "backoff"     // died or did not start; restarts automatically, soon
	StateQuarantined State = "quarantined" // died too often; restarts automatically, much later
	StateRejected    State = "rejected"    // must not run: no file, not locked, another digest, not a plugin
	StateStopped     State = "stopped"     // not needed, or the host stops
)

// An event is what happens to a plugin.
type event string

const (
	eventUp           event = "up"   // it has said what it is
	eventDied         event = "died" // ended unasked, or did not come up
	eventDiedTooOften event = "died too often"
	eventRefused      event = "refused" // the file must not run
	eventDue          event = "due"     // its time has come
	eventChanged      event = "changed" // the operator changed file, lock or options
	eventStop         event = "stop"
)

// transitions is the whole life of a plugin: nothing else happens. The replacement of a
// binary is not in it, because the plugin stays ready: its new process starts next to
// the old one, which runs until the new one is ready.
var transitions = []struct {
	from State
	on   event
	to   State
}{
	{StateStarting, eventUp, StateReady},
	{StateStarting, eventDied, StateBackoff},
	{StateStarting, eventDiedTooOften, StateQuarantined},
	{StateStarting, eventRefused, StateRejected},
	{StateReady, eventDied, StateBackoff},
	{StateReady, eventDiedTooOften, StateQuarantined},
	{StateBackoff, eventDue, StateStarting},
	{StateBackoff, eventChanged, StateStarting},
	{StateQuarantined, eventDue, StateStarting},
	{StateQuarantined, eventChanged, StateStarting},
	{StateRejected, eventDue, StateStarting},
	{StateRejected, eventChanged, StateStarting},
	{StateStarting, eventStop, StateStopped},
	{StateReady, eventStop, StateStopped},
	{StateBackoff, eventStop, StateStopped},
	{StateQuarantined, eventStop, StateStopped},
	{StateRejected, eventStop, StateStopped},
}

// diagram draws the transitions, for the documentation.
func diagram() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    [*] --> starting\n")
	for _, t := range transitions {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", t.from, t.to, t.on)
	}
	b.WriteString("    stopped --> [*]\n")
	return b.String()
}

// Pauses say how long a plugin waits in each state.
type Pauses struct {
	FirstBackoff time.Duration // maximum before the first restart; doubles with each death
	MaxBackoff   time.Duration
	Settled      time.Duration // after this time in ready, back-off starts over
	Quarantine   time.Duration
	Rejected     time.Duration // between two checks of a file that must not run
	DeathsWithin time.Duration // Deaths within this time lead to quarantine
	Deaths       int
}

// DefaultPauses are what the host uses. A start takes about 50 ms, so that a plugin
// that is killed serves again well within half a second.
var DefaultPauses = Pauses{
	FirstBackoff: 100 * time.Millisecond, MaxBackoff: 30 * time.Second, Settled: time.Minute,
	Quarantine: 5 * time.Minute, Rejected: time.Minute, DeathsWithin: 5 * time.Minute, Deaths: 5,
}

// machine keeps the state of one plugin and says how long it stays there. It needs no
// lock: the goroutine that owns the supervisor owns it.
type machine struct {
	pauses      Pauses
	state       State
	since       time.Time
	deaths      []time.Time // recent ones, the latest last
	consecutive int         // deaths since it was last settled
}

func newMachine(pauses Pauses, now time.Time) *machine {
	return &machine{pauses: pauses, state: StateStarting, since: now}
}

// on changes to the next state. It returns false, and changes nothing, if the event has
// no transition from this state.
func (m *machine) on(e event, now time.Time) bool {
	for _, t := range transitions {
		if t.from == m.state && t.on == e {
			m.state, m.since = t.to, now
			return true
		}
	}
	return false
}

// died records a death and changes the state.
func (m *machine) died(now time.Time) {
	if m.state == StateReady && now.Sub(m.since) >= m.pauses.Settled {
		m.consecutive = 0
	}
	m.consecutive++
	m.deaths = slices.DeleteFunc(m.deaths, func(at time.Time) bool { return now.Sub(at) > m.pauses.DeathsWithin })
	m.deaths = append(m.deaths, now)
	if len(m.deaths) >= m.pauses.Deaths {
		m.on(eventDiedTooOften, now)
		return
	}
	m.on(eventDied, now)
}

// forgetDeaths is for when the operator has changed something.
func (m *machine) forgetDeaths() { m.deaths, m.consecutive = nil, 0 }

// pause is how long the plugin waits in its state before eventDue; false if it does not
// wait. Back-off has full jitter, so that plugins that died of the same cause do not
// start together.
func (m *machine) pause() (time.Duration, bool) {
	switch m.state {
	case StateBackoff:
		most := m.pauses.MaxBackoff
		if m.consecutive < 20 {
			most = min(most, m.pauses.FirstBackoff<<(m.consecutive-1))
		}
		return jitter(most), true
	case StateQuarantined:
		return m.pauses.Quarantine, true
	case StateRejected:
		return m.pauses.Rejected, true
	default:
		return 0, false
	}
}
