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

// prober finds out whether a plugin responds, and kills the process if it does not. It
// is safe for concurrent use.
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

// reset starts over with another process.
func (r *prober) reset() { r.misses.Store(0) }

// probeIfQuiet probes a plugin that has not answered anything lately.
func (r *prober) probeIfQuiet(p *process.Process) {
	if quiet := time.Since(time.Unix(0, r.heardAt.Load())); quiet < r.limits.probe {
		return
	}
	r.probe(p, func() bool { return r.misses.Add(1) >= maxMisses })
}

// suspect finds out whether the process of a slow call still answers. A slow provider is
// no reason to end the process, but a process that hangs is killed and restarted.
func (r *prober) suspect(p *process.Process) {
	r.probe(p, func() bool { return true })
}

// probe asks the process for its description, one probe at a time. It kills the process
// if there is no answer and enough returns true.
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
			r.logger.Debug("plugin does not answer and is killed", "plugin", r.plugin, "pid", p.PID()) // its death is logged as an error
			p.KillHung()
		}
	}()
}
