package provider

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
)

// spec describes how to open a provider, and has the handle by which it is reached. It
// never changes: changed options make another spec with the same handle.
type spec struct {
	configured Configured
	request    plugin.OpenRequest
	handle     *handle // nil until the provider has been given to a plugin
}

// giveHandles gives a handle to each provider that has none yet.
func giveHandles(specs map[string]*spec, b *backend) {
	for name, s := range specs {
		if s.handle == nil {
			s.handle = newHandle(name, b)
		}
	}
}

// redactSecrets keeps the secrets of these providers, and of more, out of the output of
// the process. Secrets are options that its schema or the configuration marks as secret,
// and those of the outgoing connections.
func redactSecrets(p *process.Process, specs map[string]*spec, more ...*spec) {
	var secrets []string
	for _, s := range slices.Concat(slices.Collect(maps.Values(specs)), more) {
		secrets = append(secrets, options.SecretsIn(p.Schema, s.request.Options)...)
		secrets = append(secrets, s.request.Outbound.Secrets()...)
	}
	p.Redact(secrets)
}

// opener opens the providers of one plugin in its processes, and closes them. It is
// safe for concurrent use.
type opener struct {
	*backend
	life       context.Context
	background *sync.WaitGroup
}

// open opens a provider in a process, in the background. It tries again for as long as
// the process lives and only the provider is to blame. Calls wait for the first try.
func (o *opener) open(p *process.Process, s *spec) {
	first := pendingEndpoint(p, notRunning(errNotStarted))
	s.handle.replace(first)
	o.keepOpening(p, s, first)
}

// keepOpening is open for a handle that has an endpoint in that process already.
func (o *opener) keepOpening(p *process.Process, s *spec, last *endpoint) {
	o.background.Go(func() { o.openOrRetry(p, s, last) })
}

func (o *opener) openOrRetry(p *process.Process, s *spec, last *endpoint) {
	for pause := o.limits.reopen; ; pause = min(2*pause, maxReopen) {
		provider, err := o.try(p, s)
		if err == nil {
			if !s.handle.replaceIf(last, openEndpoint(p, provider)) {
				o.close(p, provider)
			}
			return
		}
		if last.crashed() || o.life.Err() != nil {
			return // the provider is not to blame
		}
		o.logNotOpened(s, last, err)
		failed := unavailableEndpoint(p, err)
		if !s.handle.replaceIf(last, failed) || errors.Is(err, sdk.ErrMisconfigured) {
			return
		}
		last = failed
		if !o.sleep(last, pause/2+jitter(pause)) {
			return
		}
	}
}

// maxReopen is the longest pause between two tries to open a provider.
const maxReopen = 30 * time.Second

// sleep returns false if there is nothing left to wait for.
func (o *opener) sleep(e *endpoint, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-e.process.Done():
	case <-e.replaced:
	case <-o.life.Done():
	}
	return false
}

// try opens a provider in a process. No handle gets it.
func (o *opener) try(p *process.Process, s *spec) (*plugin.Provider, error) {
	ctx, cancel := context.WithTimeout(o.life, o.limits.open)
	defer cancel()
	provider, err := p.Client().Open(ctx, s.request)
	if err != nil {
		return nil, notOpened(err)
	}
	for _, c := range provider.Capabilities() {
		if !slices.Contains(sdk.AllCapabilities(), c) {
			o.logger.Info("plugin has a capability that this host does not support", "plugin", o.name, "provider", s.configured.Name, "capability", string(c))
		}
	}
	return provider, nil
}

// tryAll tries all of them concurrently.
func (o *opener) tryAll(p *process.Process, specs map[string]*spec) (good map[string]*plugin.Provider, bad map[string]error) {
	var mu sync.Mutex
	var group sync.WaitGroup
	good, bad = map[string]*plugin.Provider{}, map[string]error{}
	for name, s := range specs {
		group.Go(func() {
			provider, err := o.try(p, s)
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

// notOpened turns an error of Open into one of two kinds: the options are wrong, or
// trying again may help.
func notOpened(err error) error {
	if errors.Is(err, sdk.ErrMisconfigured) || errors.Is(err, sdk.ErrUnavailable) {
		return err
	}
	return sdk.Unavailable("provider_not_opened", "opening the provider: %w", err)
}

func (o *opener) logNotOpened(s *spec, last *endpoint, err error) {
	log := o.logger.Error
	if last.err != nil && last.err.Error() == err.Error() {
		log = o.logger.Debug // logged before
	}
	for _, line := range explain(s.configured, err) {
		log("provider cannot be opened", "plugin", o.name, "provider", s.configured.Name, "error", line)
	}
}

// closeTimeout bounds how long a plugin may take to close a provider.
const closeTimeout = 5 * time.Second

// close closes a provider in the plugin. It does not report a plugin that does not
// answer: the prober does.
func (o *opener) close(p *process.Process, provider *plugin.Provider) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(o.life), closeTimeout)
	defer cancel()
	if err := provider.Close(ctx); err != nil && p.Alive() {
		o.logger.Debug("closing a provider", "plugin", o.name, "error", err)
	}
}

// closeDrained closes the provider of a replaced endpoint when the calls on it have
// ended. It does not wait for them indefinitely: the plugin keeps what they use until
// they end.
func (o *opener) closeDrained(old *endpoint) {
	if old.provider == nil {
		return
	}
	o.background.Go(func() {
		if !o.drained(old) && o.life.Err() == nil {
			o.logger.Debug("closing a provider although its calls have not ended", "plugin", o.name)
		}
		if o.life.Err() == nil {
			o.close(old.process, old.provider)
		}
	})
}

// drained waits, within a bound, until no call is in flight on replaced endpoints.
func (o *opener) drained(old ...*endpoint) bool {
	timer := time.NewTimer(o.limits.drain)
	defer timer.Stop()
	for _, e := range old {
		select {
		case <-e.calls.drained:
		case <-timer.C:
			return false
		case <-o.life.Done():
			return false
		}
	}
	return true
}
