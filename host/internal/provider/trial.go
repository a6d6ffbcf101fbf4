package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/sdk/plugin"
)

// Plan says what Reload would do with these providers now, and what would fail. It
// changes nothing: new and changed providers are opened on trial, next to those in
// force, and closed again. A plugin that does not run, or has another digest in the
// lock file, is started for the trial and stopped again.
func (p *Providers) Plan(ctx context.Context, configured []Configured) (Reloaded, error) {
	t, err := p.try(ctx, configured)
	if err != nil {
		return Reloaded{}, err
	}
	defer t.end()
	return t.plan(), nil
}

// trial is a configuration that is tried next to the one in force. While it lasts, no
// reload begins.
type trial struct {
	providers  *Providers
	before     *snapshot
	configured []Configured
	done       Reloaded

	mu     sync.Mutex
	opened map[string]*plugin.Provider // by provider; nil: failed
	in     map[string]*process.Process // where it was opened
	failed map[string]error
	undo   []func()
}

func (p *Providers) try(ctx context.Context, configured []Configured) (*trial, error) {
	select {
	case p.changing <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for a reload to end: %w", ctx.Err())
	}
	t := &trial{
		providers: p, before: p.now.Load(), configured: configured,
		opened: map[string]*plugin.Provider{}, in: map[string]*process.Process{}, failed: map[string]error{},
	}
	if p.life.Err() != nil {
		t.end()
		return nil, errStopped
	}
	plugins := byPlugin(p.specsOf(configured))
	for _, name := range slices.Sorted(maps.Keys(plugins)) {
		t.tryPlugin(ctx, name, plugins[name])
	}
	return t, nil
}

// end closes everything that was opened, and lets reloads begin again.
func (t *trial) end() {
	for _, undo := range slices.Backward(t.undo) {
		undo()
	}
	<-t.providers.changing
}

func (t *trial) fail(what string, err error) {
	t.done.Failed = append(t.done.Failed, what+": "+printable(err.Error()))
}

// tryPlugin opens those providers of a plugin that are not yet open with the same
// options, in the process in which a reload would open them.
func (t *trial) tryPlugin(ctx context.Context, name string, specs map[string]*spec) {
	s, runs := t.providers.supervisors[name]
	if !runs {
		s = t.providers.newSupervisor(name, specs)
		t.undo = append(t.undo, s.end)
	}
	var running *process.Process
	if runs {
		if err := s.do(ctx, func() { running = s.running }); err != nil {
			t.fail("plugin "+name, err)
		}
	}
	fresh, err := t.fresh(s, running)
	if err != nil {
		t.fail("plugin "+name, err)
	}
	switch {
	case fresh != nil && running == nil:
		t.done.Started = append(t.done.Started, name)
	case fresh != nil:
		t.done.Replaced = append(t.done.Replaced, name)
	default:
		fresh = running
	}
	t.openAll(ctx, s, fresh, fresh == running, specs, err)
}

// fresh starts the locked binary, unless it is the one that runs.
func (t *trial) fresh(s *supervisor, running *process.Process) (*process.Process, error) {
	digest, err := t.providers.config.Binaries.Digest(s.mechanism)
	if err != nil {
		return nil, err
	}
	if running != nil && running.Binary.Digest == digest {
		return nil, nil
	}
	p, err := s.launchNew()
	if err == nil {
		t.undo = append(t.undo, p.Stop)
	}
	return p, err
}

// openAll opens providers in a process, concurrently. In the running process, it leaves
// out those that are already open with the same options.
func (t *trial) openAll(ctx context.Context, s *supervisor, p *process.Process, inForce bool, specs map[string]*spec, why error) {
	for name, one := range specs {
		if c, known := t.before.configured(name); inForce && known && sameOptions(c, one.configured) {
			delete(specs, name)
		}
	}
	if p != nil && inForce {
		_ = s.do(ctx, func() { redactSecrets(p, s.specs, slices.Collect(maps.Values(specs))...) })
	} else if p != nil {
		redactSecrets(p, specs)
	}
	var group sync.WaitGroup
	for name, one := range specs {
		group.Go(func() {
			err := notRunning(errors.Join(errDown, why))
			var provider *plugin.Provider
			if p != nil {
				provider, err = s.opener.try(p, one)
			}
			t.keep(name, s, p, provider, err)
		})
	}
	group.Wait()
}

func (t *trial) keep(name string, s *supervisor, p *process.Process, provider *plugin.Provider, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.failed[name] = err
		return
	}
	t.opened[name], t.in[name] = provider, p
	t.undo = append(t.undo, func() { s.opener.close(p, provider) })
}

// plan returns what a reload would do.
func (t *trial) plan() Reloaded {
	before := map[string]Configured{}
	for _, c := range t.before.order {
		before[c.Name] = c
	}
	for _, c := range t.configured {
		old, known := before[c.Name]
		delete(before, c.Name)
		if err := t.failed[c.Name]; err != nil {
			for _, line := range explain(c, err) {
				t.fail("provider "+c.Name, errors.New(line))
			}
		}
		switch {
		case !known:
			t.done.Added = append(t.done.Added, c.Name)
		case !sameConfigured(old, c):
			t.done.Changed = append(t.done.Changed, c.Name)
		}
	}
	t.done.Removed = slices.Sorted(maps.Keys(before))
	return t.done
}

// configured returns a provider that is in force.
func (s *snapshot) configured(name string) (Configured, bool) {
	i := slices.IndexFunc(s.order, func(c Configured) bool { return c.Name == name })
	if i < 0 {
		return Configured{}, false
	}
	return s.order[i], true
}
