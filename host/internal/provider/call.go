package provider

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
)

// mechanism waits for the turn of a call in the line, and for the provider to be open.
// The caller calls done when the call has ended.
func (h *handle) mechanism(ctx context.Context, of sso.Line) (sdk.Mechanism, func(), error) {
	if err := h.available(); err != nil {
		return nil, nil, err // nothing to wait for
	}
	leave, err := h.turn(ctx, of)
	if err != nil {
		return nil, nil, err
	}
	e, err := h.acquire(ctx)
	if err != nil {
		leave()
		return nil, nil, err
	}
	m := &mechanism{handle: h}
	m.held.Store(e)
	return m, func() { m.release(); leave() }, nil
}

// mechanism is a provider as the domain calls it, for one call. It stays valid across
// crashes, replacements and changed options: a call uses the endpoint that was open
// when its turn came, or the current one if that endpoint has been replaced since.
type mechanism struct {
	*handle
	held atomic.Pointer[endpoint] // acquired for the call; nil: taken or released
}

// take returns an open endpoint with a call counted on it.
func (m *mechanism) take(ctx context.Context) (*endpoint, error) {
	if e := m.held.Swap(nil); e != nil {
		if e.open() && !e.isReplaced() {
			return e, nil
		}
		e.calls.release()
	}
	return m.acquire(ctx)
}

// release releases the endpoint of a call that was not made.
func (m *mechanism) release() {
	if e := m.held.Swap(nil); e != nil {
		e.calls.release()
	}
}

func call[T any](ctx context.Context, m *mechanism, how sdk.Call, do func(context.Context, *plugin.Provider) (T, error)) (T, error) {
	begun := time.Now()
	m.backend.metrics.InFlight(m.backend.name, 1)
	defer m.backend.metrics.InFlight(m.backend.name, -1)
	ctx, cancel := context.WithTimeout(ctx, how.Deadline())
	defer cancel()
	answer, err := once(ctx, m, do)
	// A caller that goes away and a deadline are not deaths.
	if died := errors.Is(err, plugin.ErrTransport) && ctx.Err() == nil; died && how.Repeatable() {
		answer, err = once(ctx, m, do)
	}
	m.measure(how, err, begun)
	return answer, translate(err)
}

// once makes the call in the current process.
func once[T any](ctx context.Context, m *mechanism, do func(context.Context, *plugin.Provider) (T, error)) (T, error) {
	e, err := m.take(ctx)
	if err != nil {
		var none T
		return none, err
	}
	defer e.calls.release()
	slow := time.AfterFunc(m.backend.limits.slow, func() { m.backend.prober.suspect(e.process) })
	answer, err := do(ctx, e.provider)
	slow.Stop()
	switch {
	case err == nil:
		m.backend.prober.heard()
	case errors.Is(err, plugin.ErrTransport):
		e.awaitEnd(ctx)
	}
	return answer, err
}

func (m *mechanism) measure(how sdk.Call, err error, begun time.Time) {
	code, source := classify(err)
	m.backend.metrics.Called(Call{
		Plugin: m.backend.name, Provider: m.name, Method: string(how), Code: code, Source: source, Took: time.Since(begun),
	})
}

// translate turns errors of the wire into errors of the domain.
func translate(err error) error {
	switch {
	case errors.Is(err, plugin.ErrTransport):
		return sdk.Unavailable("plugin_unreachable", "calling the plugin: %w", err)
	case errors.Is(err, plugin.ErrFault):
		return fault{err}
	default:
		return err
	}
}

// fault marks a fault of a plugin for the domain. The text of the SDK's error is enough.
type fault struct{ error }

func (f fault) Unwrap() error        { return f.error }
func (f fault) Is(target error) bool { return target == sso.ErrPluginFault }

// Capabilities are those that the provider announced in the process of the moment; nil
// while it is not open.
func (m *mechanism) Capabilities() []sdk.Capability {
	e := m.held.Load()
	if e == nil {
		e = m.current.Load()
	}
	if !e.open() {
		return nil
	}
	return e.provider.Capabilities()
}

// Begin implements sdk.Mechanism.
func (m *mechanism) Begin(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	return call(ctx, m, sdk.CallBegin, func(ctx context.Context, p *plugin.Provider) (sdk.Step, error) { return p.Begin(ctx, req) })
}

// Continue implements sdk.Mechanism.
func (m *mechanism) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	return call(ctx, m, sdk.CallContinue, func(ctx context.Context, p *plugin.Provider) (sdk.Step, error) { return p.Continue(ctx, req) })
}

// Refresh implements sdk.Refresher.
func (m *mechanism) Refresh(ctx context.Context, grant []byte) (sdk.Refreshed, error) {
	return call(ctx, m, sdk.Call(sdk.CapabilityRefresh), func(ctx context.Context, p *plugin.Provider) (sdk.Refreshed, error) { return p.Refresh(ctx, grant) })
}

// BeginLogout implements sdk.LogoutBeginner.
func (m *mechanism) BeginLogout(ctx context.Context, req sdk.LogoutRequest) (sdk.Step, error) {
	return call(ctx, m, sdk.Call(sdk.CapabilityBeginLogout), func(ctx context.Context, p *plugin.Provider) (sdk.Step, error) { return p.BeginLogout(ctx, req) })
}

// ReceiveLogout implements sdk.LogoutReceiver.
func (m *mechanism) ReceiveLogout(ctx context.Context, req sdk.LogoutMessage) (sdk.Logout, error) {
	return call(ctx, m, sdk.Call(sdk.CapabilityReceiveLogout), func(ctx context.Context, p *plugin.Provider) (sdk.Logout, error) { return p.ReceiveLogout(ctx, req) })
}

// Metadata implements sdk.MetadataPublisher.
func (m *mechanism) Metadata(ctx context.Context) (sdk.Document, error) {
	return call(ctx, m, sdk.Call(sdk.CapabilityMetadata), func(ctx context.Context, p *plugin.Provider) (sdk.Document, error) { return p.Metadata(ctx) })
}

// Check implements sdk.Checker.
func (m *mechanism) Check(ctx context.Context) ([]sdk.Finding, error) {
	return call(ctx, m, sdk.Call(sdk.CapabilityCheck), func(ctx context.Context, p *plugin.Provider) ([]sdk.Finding, error) { return p.Check(ctx) })
}

var (
	_ sdk.Mechanism         = (*mechanism)(nil)
	_ sdk.Refresher         = (*mechanism)(nil)
	_ sdk.LogoutBeginner    = (*mechanism)(nil)
	_ sdk.LogoutReceiver    = (*mechanism)(nil)
	_ sdk.MetadataPublisher = (*mechanism)(nil)
	_ sdk.Checker           = (*mechanism)(nil)
)
