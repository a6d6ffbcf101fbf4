package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
)

// patience is how long a call waits for a plugin that is about to run.
const patience = sso.Patience

// connected is one provider as the domain sees it. It stays good over crashes,
// swaps and changes of options: each call finds the process of the moment.
type connected struct {
	route *route
	slot  *slot
}

func call[T any](ctx context.Context, c connected, m sdk.Call, do func(context.Context, *plugin.Provider) (T, error)) (T, error) {
	begun := time.Now()
	c.slot.metrics.InFlight(c.slot.name, 1)
	defer c.slot.metrics.InFlight(c.slot.name, -1)
	ctx, cancel := context.WithTimeout(ctx, m.Deadline())
	defer cancel()
	answer, err := once(ctx, c, do)
	// The caller going away, or the deadline, is no death.
	if died := errors.Is(err, plugin.ErrTransport) && ctx.Err() == nil; died && m.Repeatable() {
		answer, err = once(ctx, c, do)
	}
	c.measure(m, err, begun)
	return answer, translate(err)
}

// once makes the call in the process of the moment.
func once[T any](ctx context.Context, c connected, do func(context.Context, *plugin.Provider) (T, error)) (T, error) {
	t, err := c.route.enter(ctx, patience)
	if err != nil {
		var none T
		return none, err
	}
	defer t.calls.leave()
	slow := time.AfterFunc(c.slot.limits.slow, func() { c.slot.suspect(t.process) })
	answer, err := do(ctx, t.provider)
	slow.Stop()
	switch {
	case err == nil:
		c.slot.heard.Store(time.Now().UnixNano())
	case errors.Is(err, plugin.ErrTransport):
		t.awaitReplacement(ctx)
	}
	return answer, err
}

// awaitReplacement lets a call that ended with its process see another one when it
// is made again: the connection may end a moment before the process.
func (t *target) awaitReplacement(ctx context.Context) {
	timer := time.NewTimer(noticed)
	defer timer.Stop()
	select {
	case <-t.replaced:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// noticed is how long the end of a process may take to be seen.
const noticed = 50 * time.Millisecond

func (c connected) measure(m sdk.Call, err error, begun time.Time) {
	code, source := classify(err)
	c.slot.metrics.Called(Call{
		Plugin: c.slot.name, Provider: c.route.name, Method: string(m), Code: code, Source: source, Took: time.Since(begun),
	})
}

// translate turns errors of the wire into those of the domain.
func translate(err error) error {
	switch {
	case errors.Is(err, plugin.ErrTransport):
		return sdk.Unavailable("plugin_unreachable", "calling the plugin: %w", err)
	case errors.Is(err, plugin.ErrFault):
		return fmt.Errorf("%w: %w", sso.ErrPluginFault, err)
	default:
		return err
	}
}

// Begin implements sdk.Mechanism.
func (c connected) Begin(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	return call(ctx, c, sdk.CallBegin, func(ctx context.Context, p *plugin.Provider) (sdk.Step, error) { return p.Begin(ctx, req) })
}

// Continue implements sdk.Mechanism.
func (c connected) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	return call(ctx, c, sdk.CallContinue, func(ctx context.Context, p *plugin.Provider) (sdk.Step, error) { return p.Continue(ctx, req) })
}

// Refresh implements sdk.Refresher.
func (c connected) Refresh(ctx context.Context, grant []byte) (sdk.Refreshed, error) {
	return call(ctx, c, sdk.Call(sdk.CapabilityRefresh), func(ctx context.Context, p *plugin.Provider) (sdk.Refreshed, error) { return p.Refresh(ctx, grant) })
}

// BeginLogout implements sdk.LogoutBeginner.
func (c connected) BeginLogout(ctx context.Context, req sdk.LogoutRequest) (sdk.Step, error) {
	return call(ctx, c, sdk.Call(sdk.CapabilityBeginLogout), func(ctx context.Context, p *plugin.Provider) (sdk.Step, error) { return p.BeginLogout(ctx, req) })
}

// ReceiveLogout implements sdk.LogoutReceiver.
func (c connected) ReceiveLogout(ctx context.Context, req sdk.LogoutMessage) (sdk.Logout, error) {
	return call(ctx, c, sdk.Call(sdk.CapabilityReceiveLogout), func(ctx context.Context, p *plugin.Provider) (sdk.Logout, error) { return p.ReceiveLogout(ctx, req) })
}

// Metadata implements sdk.MetadataPublisher.
func (c connected) Metadata(ctx context.Context) (sdk.Document, error) {
	return call(ctx, c, sdk.Call(sdk.CapabilityMetadata), func(ctx context.Context, p *plugin.Provider) (sdk.Document, error) { return p.Metadata(ctx) })
}

// Check implements sdk.Checker.
func (c connected) Check(ctx context.Context) ([]sdk.Finding, error) {
	return call(ctx, c, sdk.Call(sdk.CapabilityCheck), func(ctx context.Context, p *plugin.Provider) ([]sdk.Finding, error) { return p.Check(ctx) })
}

var (
	_ sdk.Mechanism         = connected{}
	_ sdk.Refresher         = connected{}
	_ sdk.LogoutBeginner    = connected{}
	_ sdk.LogoutReceiver    = connected{}
	_ sdk.MetadataPublisher = connected{}
	_ sdk.Checker           = connected{}
)
