package provider

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
)

// supervised is a plugin that is started again when it has died.
type supervised struct {
	launcher
	providers []plugin.OpenRequest
	clock     func() time.Time

	// life ends when the host stops, and breaks off a start under way. A start
	// hangs on nothing else: not on the login that needed it.
	life context.Context

	// starting admits one start at a time; who waits for it may give up.
	starting  chan struct{}
	nextStart time.Time // guarded by starting

	now atomic.Pointer[generation]

	probing atomic.Bool // by suspect
}

func newSupervised(life context.Context, l launcher, clock func() time.Time) *supervised {
	s := &supervised{launcher: l, life: life, clock: clock, starting: make(chan struct{}, 1)}
	s.now.Store(&generation{err: errNotStarted})
	return s
}

// start launches the plugin for the first time.
func (s *supervised) start() {
	s.starting <- struct{}{}
	defer func() { <-s.starting }()
	s.startNow()
	s.nextStart = s.clock().Add(s.limits.pause)
}

// startNow launches the plugin and opens its providers, and logs how that went.
func (s *supervised) startNow() {
	begun := s.clock()
	process, err := s.launch(s.life)
	if err != nil {
		log := s.logger.Error
		if last := s.now.Load().err; last != nil && last.Error() == err.Error() {
			log = s.logger.Debug // said before
		}
		log("plugin does not run, its providers are unavailable", "plugin", s.mechanism, "error", err)
		s.now.Store(&generation{err: err})
		return
	}
	g := s.open(process, s.providers)
	s.now.Store(g)
	s.logger.Info("plugin runs", "plugin", s.mechanism, "version", process.version, "file", s.path,
		"providers", len(g.opened), "ready_ms", s.clock().Sub(begun).Milliseconds())
}

// open opens providers side by side, so that one that hangs delays no other
// beyond the limit.
func (s *supervised) open(process *process, requests []plugin.OpenRequest) *generation {
	ctx, cancel := context.WithTimeout(s.life, s.limits.open)
	defer cancel()
	g := &generation{process: process, opened: map[string]*plugin.Provider{}, failed: map[string]error{}}
	var mu sync.Mutex
	var group sync.WaitGroup
	for _, req := range requests {
		group.Go(func() {
			opened, err := process.client.Open(ctx, req)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				g.failed[req.Provider] = notOpened(err)
				s.logger.Error("provider cannot be opened", "plugin", s.mechanism, "provider", req.Provider, "error", err)
				return
			}
			g.opened[req.Provider] = opened
		})
	}
	group.Wait()
	return g
}

// stop ends the plugin for good. The life must have ended before, so that a
// start under way gives up.
func (s *supervised) stop() {
	s.starting <- struct{}{}
	defer func() { <-s.starting }()
	g := s.now.Swap(&generation{err: errStopped, stopped: true})
	if g.process != nil {
		g.process.stop()
	}
}

func (s *supervised) version() string {
	if g := s.now.Load(); g.process != nil {
		return g.process.version
	}
	return ""
}

// opened returns a provider that is open in a process that lives.
func (s *supervised) opened(ctx context.Context, provider string) (sdk.Mechanism, error) {
	if !s.now.Load().settled(provider) {
		if err := s.mend(ctx, provider); err != nil {
			return nil, err
		}
	}
	return s.now.Load().mechanism(provider, s.suspect)
}

// suspect finds out whether a process that let a call time out still answers at
// all. A provider that is slow is no reason to end it; a process that hangs is
// killed, so that the next login starts another.
func (s *supervised) suspect(p *process) {
	if !s.probing.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer s.probing.Store(false)
		ctx, cancel := context.WithTimeout(s.life, s.limits.describe)
		defer cancel()
		if _, _, err := p.client.Describe(ctx); err == nil || s.life.Err() != nil {
			return
		}
		s.logger.Error("plugin hangs and is killed; the next login starts it again", "plugin", s.mechanism)
		p.kill()
	}()
}

// available says whether the provider can be used. If it cannot, it has that
// mended without waiting for it: nobody starts a login through a provider that
// the sign-in page shows as unavailable.
func (s *supervised) available(provider string) error {
	g := s.now.Load()
	err := g.available(provider)
	if err == nil || g.settled(provider) {
		return err
	}
	select {
	case s.starting <- struct{}{}:
		go func() {
			defer func() { <-s.starting }()
			s.mendNow(provider)
		}()
	default: // somebody is at it
	}
	return err
}

// mend starts a plugin that has died, once for all who ask at the same time.
func (s *supervised) mend(ctx context.Context, provider string) error {
	select {
	case s.starting <- struct{}{}:
	case <-ctx.Done():
		return notRunning(ctx.Err())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { <-s.starting }()
		s.mendNow(provider)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return notRunning(ctx.Err())
	}
}

func (s *supervised) mendNow(provider string) {
	g := s.now.Load()
	if g.settled(provider) || s.clock().Before(s.nextStart) {
		return
	}
	if g.alive() {
		s.reopen(g)
	} else {
		s.restart(g)
	}
	// Counted from the end: a start that takes as long as the pause would else
	// be followed by the next one for everybody who waited.
	s.nextStart = s.clock().Add(s.limits.pause)
}

// reopen opens the providers that could not be opened before.
func (s *supervised) reopen(old *generation) {
	var requests []plugin.OpenRequest
	for _, req := range s.providers {
		if !old.settled(req.Provider) {
			requests = append(requests, req)
		}
	}
	g := s.open(old.process, requests)
	maps.Copy(g.opened, old.opened)
	for provider, err := range old.failed {
		if old.settled(provider) {
			g.failed[provider] = err
		}
	}
	s.now.Store(g)
}

func (s *supervised) restart(old *generation) {
	if old.process != nil {
		s.logger.Warn("plugin has died, starting it again", "plugin", s.mechanism, "last_words", old.process.log.tail())
		old.process.stop()
	}
	s.startNow()
}
