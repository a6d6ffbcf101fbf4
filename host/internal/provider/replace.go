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

// ErrNotSwapped: a plugin could not be replaced, and the old process continues.
var ErrNotSwapped = errors.New("plugin was not replaced, the old one keeps running")

// update makes the supervisor run the binary with that digest. If another binary runs,
// the new process is made ready next to the old one, the handles get its endpoints, and
// the old process ends when its calls have ended. If anything fails, nothing changes.
// Only the owner calls it.
func (s *supervisor) update(want lock.Digest) (updated, error) {
	if s.running == nil {
		s.machine.forgetDeaths()
		if s.machine.on(eventChanged, time.Now()) {
			s.restart.Stop()
			s.start()
		}
		return updatedStarted, s.status.whyNotReady()
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

// replace starts another process next to the running one and cuts over to it.
func (s *supervisor) replace() error {
	p, err := s.launchNew()
	if err != nil {
		return err
	}
	redactSecrets(p, s.specs)
	good, bad := s.opener.tryAll(p, s.specs)
	if err := s.regressions(bad); err != nil {
		p.Stop()
		return err
	}
	old := s.running
	s.adopt(p)
	s.machine.forgetDeaths()
	s.cutOver(p, old, good, bad)
	s.status.update(func(plugin *Plugin) { plugin.Swaps++ })
	s.publishStatus(nil)
	s.logger.Info("plugin replaced", "plugin", s.name, "version", p.Description.Version, "before", old.Description.Version,
		"sha256", p.Binary.Digest.Short(), "pid", p.PID(), "ready_ms", time.Since(p.Started).Milliseconds())
	return nil
}

// regressions returns an error if the new process could not open a provider that is
// open now.
func (s *supervisor) regressions(bad map[string]error) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		if s.specs[name].handle.current.Load().open() {
			errs = append(errs, fmt.Errorf("provider %s: %w", name, bad[name]))
		}
	}
	return errors.Join(errs...)
}

// cutOver gives all handles their endpoints in the new process. It ends the old one when
// the calls in flight there have ended.
func (s *supervisor) cutOver(p, old *process.Process, good map[string]*plugin.Provider, bad map[string]error) {
	var draining []*endpoint
	for name, spec := range s.specs {
		if provider, ok := good[name]; ok {
			draining = append(draining, spec.handle.replace(openEndpoint(p, provider)))
			continue
		}
		failed := unavailableEndpoint(p, bad[name])
		draining = append(draining, spec.handle.replace(failed))
		s.opener.keepOpening(p, spec, failed)
	}
	s.background.Go(func() {
		if !s.opener.drained(draining...) && s.life.Err() == nil {
			s.logger.Warn("aborting calls of a replaced plugin that do not end",
				"plugin", s.name, "pid", old.PID())
		}
		old.Stop()
	})
}
