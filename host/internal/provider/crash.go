package provider

import (
	"errors"
	"strings"
	"time"

	"github.com/doorward/doorward/host/internal/provider/process"
)

// crashed handles the unexpected end of the running process. Nothing else acts on it:
// calls that find its endpoints wait until they are replaced here.
func (s *supervisor) crashed() {
	p := s.running
	s.running = nil
	p.Stop() // only its folder is left
	s.metrics.Died(s.name)
	s.machine.died(time.Now())
	lines := p.LastLines()
	s.status.update(func(plugin *Plugin) {
		plugin.Restarts++
		plugin.LastLines = lines
	})
	s.scheduleRestart(causeOf(p, lines), true)
}

// didNotStart handles a process that could not be started.
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
func causeOf(p *process.Process, lines []string) error {
	text := "it died: " + p.ExitStatus()
	if strings.Contains(text, "signal: killed") {
		text += ", but not by this host: is memory short?"
	}
	if p.Hung() {
		text = "it did not answer and was killed"
	}
	if len(lines) > 0 {
		text += "; its last output: " + strings.Join(lines, " | ")
	}
	return errors.New(text)
}

// scheduleRestart schedules the next start. Logins wait for it if it is soon and the
// plugin has run before.
func (s *supervisor) scheduleRestart(err error, ran bool) {
	pause, _ := s.machine.pause()
	s.restart.Reset(pause)
	soon := ran && s.machine.state == StateBackoff && pause < patience
	for _, spec := range s.specs {
		if soon {
			spec.handle.replace(pendingEndpoint(nil, notRunning(err)))
		} else {
			spec.handle.replace(unavailableEndpoint(nil, notRunning(err)))
		}
	}
	s.reportDown(err, pause)
	s.publishStatus(err)
	s.status.update(func(plugin *Plugin) { plugin.NextTry = time.Now().Add(pause) })
}

// reportDown writes one line for the operator when a plugin goes down, and one when it
// stays down for longer. Lines between the two are for debugging.
func (s *supervisor) reportDown(err error, pause time.Duration) {
	log := s.logger.Debug
	report := string(s.machine.state) + ": " + err.Error()
	switch s.machine.state {
	case StateBackoff:
		if s.machine.consecutive == 1 {
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
