package provider

import (
	"context"
	"sync/atomic"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/provider/process"
)

// maxMisses is how many probes in a row a plugin may leave unanswered.
const maxMisses = 3

// prober finds out whether a plugin lives, and kills the process if it does not. It
// may be used by anybody.
type prober struct {
	life   context.Context
	plugin string
	limits limits
	logger hclog.Logger

	heardAt atomic.Int64 // when the plugin answered last, in Unix nanoseconds
	probing atomic.Bool
	misses  atomic.Int32 // probes in a row that were not answered
}

// heard notes that the plugin has answered.
func (r *prober) heard() { r.heardAt.Store(time.Now().UnixNano()) }

// reset begins anew with another process.
func (r *prober) reset() { r.misses.Store(0) }

// probeIfQuiet asks a plugin that was not heard of lately whether it lives.
func (r *prober) probeIfQuiet(p *process.Process) {
	if quiet := time.Since(time.Unix(0, r.heardAt.Load())); quiet < r.limits.probe {
		return
	}
	r.probe(p, func() bool { return r.misses.Add(1) >= maxMisses })
}

// suspect finds out whether the process behind a call that takes long still
// answers at all. A provider that is slow is no reason to end it; a process that
// hangs is killed, and started again.
func (r *prober) suspect(p *process.Process) {
	r.probe(p, func() bool { return true })
}

// probe asks the process for its description, one probe at a time, and kills it
// if it does not answer and that is enough.
func (r *prober) probe(p *process.Process, enough func() bool) {
	if r.life.Err() != nil || !r.probing.CompareAndSwap(false, true) {
		return
	}
	go func() { // ends with the deadline of the call
		defer r.probing.Store(false)
		ctx, cancel := context.WithTimeout(r.life, r.limits.answer)
		defer cancel()
		_, _, err := p.Client().Describe(ctx)
		switch {
		case err == nil:
			r.misses.Store(0)
			r.heard()
		case r.life.Err() == nil && p.Alive() && enough():
			r.misses.Store(0)
			r.logger.Debug("plugin does not answer and is killed", "plugin", r.plugin, "pid", p.PID()) // its death is told
			p.KillHung()
		}
	}()
}
