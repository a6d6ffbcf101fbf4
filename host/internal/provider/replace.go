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

// update makes the supervisor run the binary with that digest. While it runs another
// one, the new process is made ready beside the old one, the handles get its
// endpoints, and the old one ends when its calls have. If anything fails, nothing
// changes. It is for the owner.
func (s *supervisor) update(want lock.Digest) (updated, error) {
	if s.running == nil {
		s.machine.forgive()
		if s.machine.on(eventChanged, time.Now()) {
			s.restart.Stop()
			s.start()
		}
		return updatedStarted, s.standing.whyNotReady()
	}
	if s.running.Binary.Digest == want {
		return updatedNothing, nil
	}
	begun := time.Now()
	err := s.replace()
	s.metrics.Swapped(s.name, time.Since(begun), err)
	if err != nil {
		return updatedBinary, fmt.Errorf("%w: %w", ErrNotSwapped, err)
	}
	return updatedBinary, nil
}

// replace starts another process beside the one that runs, and lets it take over.
func (s *supervisor) replace() error {
	p, err := s.launchNew()
	if err != nil {
		return err
	}
	redactSecrets(p, s.specs)
	good, bad := s.opener.tryAll(p, s.specs)
	if err := s.worse(bad); err != nil {
		p.Stop()
		return err
	}
	old := s.running
	s.adopt(p)
	s.machine.forgive()
	s.cutOver(p, old, good, bad)
	s.standing.update(func(plugin *Plugin) { plugin.Swaps++ })
	s.show(nil)
	s.logger.Info("plugin replaced", "plugin", s.name, "version", p.Description.Version, "before", old.Description.Version,
		"sha256", p.Binary.Digest.Short(), "pid", p.PID(), "ready_ms", time.Since(p.Started).Milliseconds())
	return nil
}

// worse returns an error if a provider that is open now could not be opened by
// the new process.
func (s *supervisor) worse(bad map[string]error) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		if s.specs[name].handle.current.Load().open() {
			errs = append(errs, fmt.Errorf("provider %s: %w", name, bad[name]))
		}
	}
	return errors.Join(errs...)
}

// cutOver gives all handles their endpoints in the new process, and ends the old one
// when the calls that are under way in it have ended.
func (s *supervisor) cutOver(p, old *process.Process, good map[string]*plugin.Provider, bad map[string]error) {
	var draining []*endpoint
	for name, spec := range s.specs {
		if provider, ok := good[name]; ok {
			draining = append(draining, spec.handle.replace(openedIn(p, provider)))
			continue
		}
		failed := unavailable(p, bad[name])
		draining = append(draining, spec.handle.replace(failed))
		s.opener.keepOpening(p, spec, failed)
	}
	s.background.Go(func() {
		if !s.opener.drained(draining...) && s.life.Err() == nil {
			s.logger.Warn("plugin that was replaced has calls that do not end; they are broken off",
				"plugin", s.name, "pid", old.PID())
		}
		old.Stop()
	})
}
