package provider

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/doorward/doorward/host/internal/provider/lock"
	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/sdk/plugin"
)

// An updated says what update did.
type updated string

const (
	updatedNothing updated = ""
	updatedStarted updated = "started" // it did not run before
	updatedBinary  updated = "replaced"
)

// ErrNotSwapped: a plugin could not be replaced, and the old one goes on.
var ErrNotSwapped = errors.New("plugin was not replaced, the old one goes on")

// update makes the slot run the binary with that digest. While it runs another
// one, the new process is made ready beside the old one, the routes are led over,
// and the old one ends when its calls have. If anything fails, nothing changes. It
// is for the owner.
func (s *slot) update(want lock.Digest) (updated, error) {
	if s.running == nil {
		s.machine.forgive()
		if s.machine.on(eventChanged, time.Now()) {
			s.restart.Stop()
			s.start()
		}
		return updatedStarted, s.notRunningError()
	}
	if s.running.Binary.Digest == want {
		return updatedNothing, nil
	}
	begun := time.Now()
	err := s.swap()
	s.metrics.Swapped(s.name, time.Since(begun), err)
	if err != nil {
		return updatedBinary, fmt.Errorf("%w: %w", ErrNotSwapped, err)
	}
	return updatedBinary, nil
}

func (s *slot) swap() error {
	p, err := s.launchNew()
	if err != nil {
		return err
	}
	p.Redact(s.secrets(p))
	good, bad := s.openAll(p)
	if err := s.worse(bad); err != nil {
		p.Stop()
		return err
	}
	old := s.running
	s.running = p
	s.describedBy(p)
	s.machine.forgive()
	s.watch(p)
	s.leadOver(p, old, good, bad)
	s.viewed.Lock()
	s.view.Swaps++
	s.viewed.Unlock()
	s.show(nil)
	s.logger.Info("plugin replaced", "plugin", s.name, "version", p.Description.Version, "before", old.Description.Version,
		"sha256", p.Binary.Digest.Short(), "pid", p.PID(), "ready_ms", time.Since(p.Started).Milliseconds())
	return nil
}

// worse returns an error if a provider that is open now could not be opened by
// the new process.
func (s *slot) worse(bad map[string]error) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		if s.members[name].route.target.Load().provider != nil {
			errs = append(errs, fmt.Errorf("provider %s: %w", name, bad[name]))
		}
	}
	return errors.Join(errs...)
}

// leadOver leads all routes to the new process, and ends the old one when the
// calls that are under way in it have ended.
func (s *slot) leadOver(p, old *process.Process, good map[string]*plugin.Provider, bad map[string]error) {
	var retired []*target
	for name, m := range s.members {
		if provider, ok := good[name]; ok {
			retired = append(retired, m.route.lead(opened(p, provider)))
			continue
		}
		failed := unavailable(bad[name])
		failed.process = p
		retired = append(retired, m.route.lead(failed))
		s.background.Go(func() { s.keepOpening(p, m, failed) })
	}
	s.background.Go(func() {
		if !s.drained(retired...) && s.life.Err() == nil {
			s.logger.Warn("plugin that was replaced has calls that do not end; they are broken off",
				"plugin", s.name, "pid", old.PID())
		}
		old.Stop()
	})
}

// assign gives the slot its providers. What is new is opened, what is gone is
// closed, and what has other options is opened with them and then led over; if
// that fails, the old one stays. It is for the owner, and returns the providers
// that stayed as they were although they should not have.
func (s *slot) assign(wanted map[string]*member) map[string]error {
	kept := map[string]error{}
	for name := range s.members {
		if _, ok := wanted[name]; !ok {
			s.drop(name)
		}
	}
	for name, m := range wanted {
		old, ok := s.members[name]
		switch {
		case !ok:
			s.members[name] = m
			s.admitMember(m)
		case sameOptions(old.configured, m.configured):
			s.members[name] = &member{configured: m.configured, request: old.request, route: old.route}
		default:
			if err := s.change(old, m); err != nil {
				kept[name] = err
			}
		}
	}
	s.show(nil)
	return kept
}

// drop closes a provider and forgets it. It is for the owner.
func (s *slot) drop(name string) {
	if m, ok := s.members[name]; ok {
		delete(s.members, name)
		s.retire(m.route.lead(unavailable(notRunning(errRemoved))))
	}
}

// admitMember has a new provider opened, if the plugin runs.
func (s *slot) admitMember(m *member) {
	switch {
	case s.running != nil:
		s.open(s.running, m)
	case s.machine.state == StateStarting || s.machine.state == StateBackoff:
		m.route.lead(awaited(notRunning(errNotStarted)))
	default:
		m.route.lead(unavailable(notRunning(s.notRunningError())))
	}
}

// change opens a provider with its new options and leads its route there, which
// is the same one, because logins have it.
func (s *slot) change(old, changed *member) error {
	if s.running == nil {
		s.members[changed.configured.Name] = changed
		return nil
	}
	s.running.Redact(append(s.secrets(s.running), s.secretsOf(changed)...))
	provider, err := s.tryOpen(s.running, changed)
	if err != nil && old.route.target.Load().provider != nil {
		return err
	}
	s.members[changed.configured.Name] = changed
	if err != nil { // it was not usable before either
		s.open(s.running, changed)
		return nil
	}
	s.retire(old.route.lead(opened(s.running, provider)))
	return nil
}
