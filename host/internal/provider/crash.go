package provider

import (
	"errors"
	"strings"
	"time"

	"github.com/doorward/doorward/host/internal/provider/process"
)

// crashed is what happens when the running process has ended unasked. Nobody else
// acts on that: calls that meet the endpoints in it wait for those that take their
// place here.
func (s *supervisor) crashed() {
	p := s.running
	s.running = nil
	p.Stop() // only its folder is left
	s.metrics.Died(s.name)
	s.machine.died(time.Now())
	words := p.LastWords()
	s.standing.update(func(plugin *Plugin) {
		plugin.Restarts++
		plugin.LastLines = words
	})
	s.scheduleRestart(causeOf(p, words), true)
}

// didNotStart is what happens when a process could not be started.
func (s *supervisor) didNotStart(err error) {
	if s.life.Err() != nil {
		return
	}
	now := time.Now()
	if _, ok := errors.AsType[refused](err); ok {
		s.machine.on(eventRefused, now)
	} else {
		s.metrics.Died(s.name)
		s.machine.died(now)
	}
	s.scheduleRestart(err, false)
}

// causeOf says how a process ended.
func causeOf(p *process.Process, words []string) error {
	text := "it died: " + p.Ending()
	if strings.Contains(text, "signal: killed") {
		text += ", which this host did not do: is memory short?"
	}
	if p.Hung() {
		text = "it did not answer and was killed"
	}
	if len(words) > 0 {
		text += "; its last words: " + strings.Join(words, " | ")
	}
	return errors.New(text)
}

// scheduleRestart arranges the next start. Logins wait for it if it is near and the
// plugin has run before.
func (s *supervisor) scheduleRestart(err error, ran bool) {
	pause, _ := s.machine.pause()
	s.restart.Reset(pause)
	near := ran && s.machine.state == StateBackoff && pause < patience
	for _, spec := range s.specs {
		if near {
			spec.handle.replace(awaited(nil, notRunning(err)))
		} else {
			spec.handle.replace(unavailable(nil, notRunning(err)))
		}
	}
	s.reportDown(err, pause)
	s.show(err)
	s.standing.update(func(plugin *Plugin) { plugin.NextTry = time.Now().Add(pause) })
}

// reportDown writes one line for the operator when a plugin goes down, and one
// when it is given up for longer; what happens between the two is for whoever
// looks closer.
func (s *supervisor) reportDown(err error, pause time.Duration) {
	log := s.logger.Debug
	report := string(s.machine.state) + ": " + err.Error()
	switch s.machine.state {
	case StateBackoff:
		if s.machine.inARow == 1 {
			log = s.logger.Error
		}
	default:
		if s.reported != report {
			log = s.logger.Error
		}
	}
	s.reported = report
	log("plugin does not run, its providers are unavailable", "plugin", s.name, "state", string(s.machine.state),
		"error", err, "next_try", pause.Round(time.Millisecond).String())
}
