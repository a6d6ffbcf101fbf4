package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

// Client is the host's end of the wire to one plugin process. Its methods may
// be called concurrently; the caller's context sets the deadline.
//
// Errors are one of the kinds of the sdk, or wrap [ErrFault] when the plugin is
// at fault, or [ErrTransport] when the process did not answer.
type Client struct {
	rpc doorwardv1.PluginServiceClient
}

// Describe asks the plugin what it is and which options its providers take.
func (c *Client) Describe(ctx context.Context) (Description, options.Schema, error) {
	resp, err := c.rpc.Describe(ctx, &doorwardv1.DescribeRequest{})
	if err != nil {
		return Description{}, options.Schema{}, errorOf(err)
	}
	d := Description{Mechanism: resp.GetMechanism(), Version: resp.GetVersion()}
	return d, optionsFromWire(resp.GetOptions()), nil
}

// OpenRequest is a configured provider.
type OpenRequest struct {
	Provider    string
	CallbackURL string
	MetadataURL string
	LogoutURL   string

	// Options by name: strings as from the environment, or typed values as
	// from YAML. The plugin decodes them strictly by its schema.
	Options map[string]any
}

// Open makes a configured provider ready. Bad options come back as an error
// whose tree holds both sdk.ErrMisconfigured and options.Problems.
func (c *Client) Open(ctx context.Context, req OpenRequest) (*Provider, error) {
	data, err := json.Marshal(req.Options)
	if err != nil {
		return nil, fmt.Errorf("encoding the options: %w", err)
	}
	resp, err := c.rpc.Open(ctx, &doorwardv1.OpenRequest{
		Provider: req.Provider, CallbackUrl: req.CallbackURL, MetadataUrl: req.MetadataURL,
		LogoutUrl: req.LogoutURL, OptionsJson: data,
	})
	if err != nil {
		return nil, errorOf(err)
	}
	p := &Provider{rpc: c.rpc, handle: resp.GetHandle()}
	for _, name := range resp.GetCapabilities() {
		p.capabilities = append(p.capabilities, sdk.Capability(name))
	}
	return p, nil
}

// Provider is an opened provider: the mechanism in the other process, with all
// optional interfaces. What the mechanism lacks answers errors.ErrUnsupported.
type Provider struct {
	rpc          doorwardv1.PluginServiceClient
	handle       uint64
	capabilities []sdk.Capability
}

// Capabilities lists what was announced when the provider was opened.
func (p *Provider) Capabilities() []sdk.Capability { return slices.Clone(p.capabilities) }

// Close lets the plugin forget the provider.
func (p *Provider) Close(ctx context.Context) error {
	_, err := p.rpc.Close(ctx, &doorwardv1.CloseRequest{Handle: p.handle})
	return errorOf(err)
}

// Begin implements sdk.Mechanism.
func (p *Provider) Begin(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	resp, err := p.rpc.Begin(ctx, &doorwardv1.BeginRequest{
		Handle: p.handle, State: req.State, LoginHint: req.LoginHint, Consent: req.Consent,
	})
	if err != nil {
		return nil, errorOf(err)
	}
	return stepFromWire(resp.GetStep())
}

// Continue implements sdk.Mechanism.
func (p *Provider) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	resp, err := p.rpc.Continue(ctx, &doorwardv1.ContinueRequest{
		Handle: p.handle, State: req.State, Memory: req.Memory, Response: inboundToWire(req.Response),
		Answers: req.Answers, Unsolicited: req.Unsolicited,
	})
	if err != nil {
		return nil, errorOf(err)
	}
	return stepFromWire(resp.GetStep())
}

// Refresh implements sdk.Refresher.
func (p *Provider) Refresh(ctx context.Context, grant []byte) (sdk.Refreshed, error) {
	if err := p.need(sdk.CapabilityRefresh); err != nil {
		return sdk.Refreshed{}, err
	}
	resp, err := p.rpc.Refresh(ctx, &doorwardv1.RefreshRequest{Handle: p.handle, Grant: grant})
	if err != nil {
		return sdk.Refreshed{}, errorOf(err)
	}
	identity, err := identityFromWire(resp.GetIdentity())
	return sdk.Refreshed{Identity: identity}, err
}

// BeginLogout implements sdk.LogoutBeginner.
func (p *Provider) BeginLogout(ctx context.Context, req sdk.LogoutRequest) (sdk.Step, error) {
	if err := p.need(sdk.CapabilityBeginLogout); err != nil {
		return nil, err
	}
	resp, err := p.rpc.BeginLogout(ctx, &doorwardv1.BeginLogoutRequest{
		Handle: p.handle, State: req.State, Subject: req.Subject, Grant: req.Grant,
	})
	if err != nil {
		return nil, errorOf(err)
	}
	if resp.GetStep() == nil {
		return nil, nil
	}
	return stepFromWire(resp.GetStep())
}

// ReceiveLogout implements sdk.LogoutReceiver.
func (p *Provider) ReceiveLogout(ctx context.Context, req sdk.InboundRequest) (sdk.Logout, error) {
	if err := p.need(sdk.CapabilityReceiveLogout); err != nil {
		return sdk.Logout{}, err
	}
	resp, err := p.rpc.ReceiveLogout(ctx, &doorwardv1.ReceiveLogoutRequest{Handle: p.handle, Request: inboundToWire(req)})
	if err != nil {
		return sdk.Logout{}, errorOf(err)
	}
	return logoutFromWire(resp)
}

// Metadata implements sdk.MetadataPublisher.
func (p *Provider) Metadata(ctx context.Context) (sdk.Document, error) {
	if err := p.need(sdk.CapabilityMetadata); err != nil {
		return sdk.Document{}, err
	}
	resp, err := p.rpc.Metadata(ctx, &doorwardv1.MetadataRequest{Handle: p.handle})
	if err != nil {
		return sdk.Document{}, errorOf(err)
	}
	return sdk.Document{ContentType: resp.GetContentType(), Content: resp.GetContent()}, nil
}

// Check implements sdk.Checker.
func (p *Provider) Check(ctx context.Context) ([]sdk.Finding, error) {
	if err := p.need(sdk.CapabilityCheck); err != nil {
		return nil, err
	}
	resp, err := p.rpc.Check(ctx, &doorwardv1.CheckRequest{Handle: p.handle})
	if err != nil {
		return nil, errorOf(err)
	}
	return findingsFromWire(resp.GetFindings()), nil
}

func (p *Provider) need(c sdk.Capability) error {
	if slices.Contains(p.capabilities, c) {
		return nil
	}
	return fmt.Errorf("capability %s: %w", c, errors.ErrUnsupported)
}

var (
	_ sdk.Mechanism         = (*Provider)(nil)
	_ sdk.Refresher         = (*Provider)(nil)
	_ sdk.LogoutBeginner    = (*Provider)(nil)
	_ sdk.LogoutReceiver    = (*Provider)(nil)
	_ sdk.MetadataPublisher = (*Provider)(nil)
	_ sdk.Checker           = (*Provider)(nil)
)
