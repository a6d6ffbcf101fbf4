package provider

import (
	"context"
	"time"

	"github.com/doorward/doorward/host/internal/provider/process"
)

// maxMisses is how many probes in a row a plugin may leave unanswered.
const maxMisses = 3

// probeIfQuiet asks a plugin that was not heard of lately whether it lives.
func (s *slot) probeIfQuiet() {
	quiet := time.Since(time.Unix(0, s.heard.Load()))
	if s.running == nil || quiet < s.limits.probe {
		return
	}
	s.probe(s.running, func() bool { return s.misses.Add(1) >= maxMisses })
}

// suspect finds out whether the process behind a call that takes long still
// answers at all. A provider that is slow is no reason to end it; a process that
// hangs is killed, and started again. It may be called by anybody.
func (s *slot) suspect(p *process.Process) {
	s.probe(p, func() bool { return true })
}

// probe asks the process for its description, one probe at a time, and kills it
// if it does not answer and that is enough.
func (s *slot) probe(p *process.Process, enough func() bool) {
	if s.life.Err() != nil || !s.probing.CompareAndSwap(false, true) {
		return
	}
	go func() { // ends with the deadline of the call
		defer s.probing.Store(false)
		ctx, cancel := context.WithTimeout(s.life, s.limits.answer)
		defer cancel()
		_, _, err := p.Client().Describe(ctx)
		switch {
		case err == nil:
			s.misses.Store(0)
			s.heard.Store(time.Now().UnixNano())
		case s.life.Err() == nil && p.Alive() && enough():
			s.misses.Store(0)
			s.logger.Debug("plugin does not answer and is killed", "plugin", s.name, "pid", p.PID()) // its death is told
			p.KillHung()
		}
	}()
}
