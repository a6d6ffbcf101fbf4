package provider

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
)

// member is a configured provider in a slot. It never changes: other options make
// another member on the same route.
type member struct {
	configured Configured
	request    plugin.OpenRequest
	route      *route
}

// routesTo returns the routes that lead to a process. It may be called by anybody.
func (s *slot) routesTo(p *process.Process) []*route {
	s.viewed.Lock()
	defer s.viewed.Unlock()
	var list []*route
	for _, r := range s.view.routes {
		if r.target.Load().process == p {
			list = append(list, r)
		}
	}
	return list
}

// open has a provider opened in a process, and again for as long as that process
// lives and only the provider is to blame. Calls wait for the first try.
func (s *slot) open(p *process.Process, m *member) {
	first := awaited(notRunning(errNotStarted))
	first.process = p
	m.route.lead(first)
	p.Redact(s.secrets(p))
	s.background.Go(func() { s.keepOpening(p, m, first) })
}

func (s *slot) keepOpening(p *process.Process, m *member, from *target) {
	for pause := s.limits.reopen; ; pause = min(2*pause, maxReopen) {
		provider, err := s.tryOpen(p, m)
		if err == nil {
			if !m.route.leadIf(from, opened(p, provider)) {
				s.forget(p, provider)
			}
			return
		}
		if !p.Alive() || s.life.Err() != nil {
			return
		}
		s.logNotOpened(m, from, err)
		to := unavailable(err)
		to.process = p
		if !m.route.leadIf(from, to) || errors.Is(err, sdk.ErrMisconfigured) {
			return
		}
		from = to
		if !s.sleep(p, to, pause/2+jitter(pause)) {
			return
		}
	}
}

// maxReopen is the longest pause between two tries to open a provider.
const maxReopen = 30 * time.Second

// sleep is false if there is nothing to wait for any more.
func (s *slot) sleep(p *process.Process, t *target, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-p.Done():
	case <-t.replaced:
	case <-s.life.Done():
	}
	return false
}

func (s *slot) tryOpen(p *process.Process, m *member) (*plugin.Provider, error) {
	ctx, cancel := context.WithTimeout(s.life, s.limits.open)
	defer cancel()
	provider, err := p.Client().Open(ctx, m.request)
	if err != nil {
		return nil, notOpened(err)
	}
	for _, c := range provider.Capabilities() {
		if !slices.Contains(sdk.AllCapabilities(), c) {
			s.logger.Info("plugin can do what this host cannot use", "plugin", s.name, "provider", m.configured.Name, "capability", string(c))
		}
	}
	return provider, nil
}

func (s *slot) logNotOpened(m *member, from *target, err error) {
	log := s.logger.Error
	if from.err != nil && from.err.Error() == err.Error() {
		log = s.logger.Debug // said before
	}
	for _, line := range explain(m.configured, err) {
		log("provider cannot be opened", "plugin", s.name, "provider", m.configured.Name, "error", line)
	}
}

// forgetTimeout bounds how long a plugin may take to forget a provider.
const forgetTimeout = 5 * time.Second

// forget closes a provider in the plugin. A plugin that does not answer has other
// troubles.
func (s *slot) forget(p *process.Process, provider *plugin.Provider) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.life), forgetTimeout)
	defer cancel()
	if err := provider.Close(ctx); err != nil && p.Alive() {
		s.logger.Debug("closing a provider", "plugin", s.name, "error", err)
	}
}

// retire closes what a route led to, when the calls on it have ended. It does not
// wait for them for ever: a plugin that is told keeps what they use until then.
func (s *slot) retire(old *target) {
	if old.provider == nil {
		return
	}
	s.background.Go(func() {
		if !s.drained(old) && s.life.Err() == nil {
			s.logger.Debug("provider is closed that has calls that do not end", "plugin", s.name)
		}
		if s.life.Err() == nil {
			s.forget(old.process, old.provider)
		}
	})
}

// drained waits, within a bound, until no call is in flight on retired targets.
func (s *slot) drained(old ...*target) bool {
	timer := time.NewTimer(s.limits.drain)
	defer timer.Stop()
	for _, t := range old {
		select {
		case <-t.calls.empty:
		case <-timer.C:
			return false
		case <-s.life.Done():
			return false
		}
	}
	return true
}

// secrets are the texts that must not be shown when the plugin writes them: what
// its schema, or the configuration, marks as secret.
func (s *slot) secrets(p *process.Process) []string {
	var list []string
	for _, m := range s.members {
		list = append(list, options.SecretsIn(p.Schema, m.request.Options)...)
	}
	return list
}

func (s *slot) secretsOf(m *member) []string {
	return options.SecretsIn(s.running.Schema, m.request.Options)
}

// openAll opens all members in a new process, side by side.
func (s *slot) openAll(p *process.Process) (map[string]*plugin.Provider, map[string]error) {
	var mu sync.Mutex
	var group sync.WaitGroup
	good, bad := map[string]*plugin.Provider{}, map[string]error{}
	for name, m := range s.members {
		group.Go(func() {
			provider, err := s.tryOpen(p, m)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				bad[name] = err
				return
			}
			good[name] = provider
		})
	}
	group.Wait()
	return good, bad
}
