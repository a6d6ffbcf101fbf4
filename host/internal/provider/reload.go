package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Reloaded says what a Reload did.
type Reloaded struct {
	Added, Changed, Removed []string // providers
	Replaced, Started       []string // plugins

	// Failed has a reason for each plugin or provider that could not be reloaded and
	// stayed as it was.
	Failed []string
}

// Empty reports whether there was nothing to do.
func (r Reloaded) Empty() bool {
	return len(r.Added)+len(r.Changed)+len(r.Removed)+len(r.Replaced)+len(r.Started)+len(r.Failed) == 0
}

// Lines says it in lines, one for each kind of change.
func (r Reloaded) Lines() []string {
	var lines []string
	for _, part := range []struct {
		what string
		list []string
	}{
		{"added", r.Added}, {"changed", r.Changed}, {"removed", r.Removed}, {"plugins replaced", r.Replaced},
		{"plugins started", r.Started},
	} {
		if len(part.list) > 0 {
			lines = append(lines, part.what+": "+strings.Join(part.list, ", "))
		}
	}
	for _, failed := range r.Failed {
		lines = append(lines, "FAILED "+failed)
	}
	if len(lines) == 0 {
		return []string{"nothing has changed"}
	}
	return lines
}

// String says it in one line.
func (r Reloaded) String() string { return strings.Join(r.Lines(), "; ") }

// Reload makes the host serve these providers, with the binaries that are locked now.
// Logins continue: a changed provider is opened with its new options before the old
// endpoint is closed, and a plugin with another digest is started next to the old one. A
// change that fails leaves the plugin or provider as it was, and is in Failed.
func (p *Providers) Reload(ctx context.Context, configured []Configured) (Reloaded, error) {
	return p.apply(ctx, configured, (*reload).update)
}

// Reopen is Reload with the binaries that run.
func (p *Providers) Reopen(ctx context.Context, configured []Configured) (Reloaded, error) {
	return p.apply(ctx, configured, func(*reload, context.Context, *supervisor) {})
}

// apply makes the host serve these providers. It calls update for each plugin that runs,
// which can replace its binary.
func (p *Providers) apply(ctx context.Context, configured []Configured, update func(*reload, context.Context, *supervisor)) (Reloaded, error) {
	select {
	case p.changing <- struct{}{}:
		defer func() { <-p.changing }()
	case <-ctx.Done():
		return Reloaded{}, fmt.Errorf("waiting for another reload to end: %w", ctx.Err())
	}
	if p.life.Err() != nil {
		return Reloaded{}, errStopped
	}
	r := &reload{providers: p, before: p.now.Load(), wanted: p.specsOf(configured)}
	r.keepHandles()
	r.findMigrations()
	r.arrange(ctx, update)
	r.rollBack()
	r.publish(configured)
	r.stopUnneeded()
	r.endMigrations()
	return r.done, nil
}

// reload is one run of Reload.
type reload struct {
	providers  *Providers
	before     *snapshot
	wanted     map[string]*spec
	kept       map[string]bool // providers that stay as they were
	migrations map[string]migration
	done       Reloaded
}

// keepHandles gives providers that stay in their plugin the handles that they have.
func (r *reload) keepHandles() {
	for _, c := range r.before.order {
		if s, ok := r.wanted[c.Name]; ok && s.configured.pluginName() == c.pluginName() {
			s.handle = r.before.handles[c.Name]
		}
	}
}

// arrange gives every plugin that is needed its binary and its providers.
func (r *reload) arrange(ctx context.Context, update func(*reload, context.Context, *supervisor)) {
	r.kept = map[string]bool{}
	needed := byPlugin(r.wanted)
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		s, ok := r.providers.supervisors[name]
		if !ok {
			s = r.providers.supervise(name, needed[name])
			<-s.tried
			r.done.Started = append(r.done.Started, name)
			r.failedStart(ctx, s)
			continue
		}
		giveHandles(needed[name], s.backend)
		update(r, ctx, s)
		r.assign(ctx, s, r.includingLeaving(name, needed[name]))
	}
}

func (r *reload) failedStart(ctx context.Context, s *supervisor) {
	if err := s.status.whyNotReady(); err != nil {
		r.fail("plugin "+s.name, err)
		return
	}
	r.awaitOpened(ctx, s, nil)
}

func (r *reload) fail(what string, err error) {
	r.done.Failed = append(r.done.Failed, what+": "+printable(err.Error()))
}

// update makes the supervisor run the locked binary.
func (r *reload) update(ctx context.Context, s *supervisor) {
	digest, err := r.providers.config.Binaries.Digest(s.mechanism)
	if err != nil {
		// The running process continues: it was locked when it was started.
		r.fail("plugin "+s.name, err)
		return
	}
	var did updated
	if doErr := s.do(ctx, func() { did, err = s.update(digest) }); doErr != nil {
		err = doErr
	}
	switch {
	case err != nil:
		r.fail("plugin "+s.name, err)
	case did == updatedStarted:
		r.done.Started = append(r.done.Started, s.name)
	case did == updatedBinary:
		r.done.Replaced = append(r.done.Replaced, s.name)
	}
}

// assign gives the supervisor its providers and records which of them stay as they were.
func (r *reload) assign(ctx context.Context, s *supervisor, wanted map[string]*spec) {
	var kept map[string]error
	if err := s.do(ctx, func() { kept = s.assign(wanted) }); err != nil {
		r.fail("plugin "+s.name, err)
		for name := range wanted {
			r.kept[name] = true
		}
		return
	}
	r.awaitOpened(ctx, s, kept)
	for name, err := range kept {
		r.kept[name] = true
		for _, line := range explain(wanted[name].configured, err) {
			r.fail("provider "+name+" stays as it was", errors.New(line))
		}
	}
}

// awaitOpened waits for the first try to open new providers, for no longer than that
// may take: a plugin that is down restarts on its own schedule.
func (r *reload) awaitOpened(ctx context.Context, s *supervisor, kept map[string]error) {
	ctx, cancel := context.WithTimeout(ctx, s.limits.open)
	defer cancel()
	for name, wanted := range r.wanted {
		if r.before.handles[name] == wanted.handle || kept[name] != nil || wanted.configured.pluginName() != s.name {
			continue
		}
		if e := wanted.handle.current.Load(); e.pending() {
			select {
			case <-e.replaced:
			case <-ctx.Done():
			}
		}
		if err := wanted.handle.available(); err != nil {
			for _, line := range explain(wanted.configured, err) {
				r.fail("provider "+name, errors.New(line))
			}
		}
	}
}

// publish lets logins see the providers.
func (r *reload) publish(configured []Configured) {
	before := map[string]Configured{}
	for _, c := range r.before.order {
		before[c.Name] = c
	}
	var order []Configured
	for _, c := range configured {
		old, known := before[c.Name]
		switch {
		case r.kept[c.Name] && known:
			c = old
		case r.kept[c.Name]:
			continue // its plugin could not be reached
		case !known:
			r.done.Added = append(r.done.Added, c.Name)
		case !sameConfigured(old, c):
			r.done.Changed = append(r.done.Changed, c.Name)
		}
		delete(before, c.Name)
		order = append(order, c)
	}
	r.done.Removed = slices.Sorted(maps.Keys(before))
	r.providers.now.Store(r.providers.snapshotOf(order, r.wanted))
}

// stopUnneeded ends the plugins that no provider needs.
func (r *reload) stopUnneeded() {
	needed := byPlugin(r.wanted)
	for name, s := range r.providers.supervisors {
		if _, ok := needed[name]; !ok {
			delete(r.providers.supervisors, name)
			r.done.Started = slices.DeleteFunc(r.done.Started, func(started string) bool { return started == name })
			var draining []*endpoint
			_ = s.do(r.providers.life, func() { draining = s.removeAll() })
			r.providers.draining.Go(func() {
				s.opener.drained(draining...)
				s.stop()
			})
		}
	}
}
