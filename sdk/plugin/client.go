package plugin

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/outbound"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
	"github.com/doorward/doorward/sdk/redact"
)

// Client is the host's end of the wire to one plugin process. Its methods are safe
// for concurrent use; the caller's context sets the deadline.
//
// Errors are one of the kinds of the sdk, or wrap [ErrFault] when the plugin is at
// fault, or [ErrTransport] when the process did not respond. A request that cannot be
// sent, because it is too large or its text is not UTF-8, is an sdk.ErrInvalidResponse:
// only data from a browser or a provider can cause that.
type Client struct {
	rpc     doorwardv1.PluginServiceClient
	version string // of the host
	secrets *redact.Set
	schema  atomic.Pointer[options.Schema] // nil: not yet described
	plugin  atomic.Pointer[described]      // nil: not yet described
}

// described is the part of a plugin's description that Open needs.
type described struct {
	mechanism, version string
	features           []sdk.Feature
}

func newClient(rpc doorwardv1.PluginServiceClient) *Client {
	return &Client{rpc: rpc, secrets: &redact.Set{}}
}

// Redact makes the client replace these texts, which are secrets of the operator, in
// everything that the plugin returns from now on: errors, problems of options, findings.
func (c *Client) Redact(secrets []string) { c.secrets.Replace(secrets) }

// IntroduceAs sets the version of the host that Describe tells the plugin.
func (c *Client) IntroduceAs(version string) { c.version = version }

// call makes one call. It refuses what gRPC would refuse to send, because gRPC's error
// looks like an error of the plugin, and anybody with a browser can cause it.
func call[Q proto.Message, A any](ctx context.Context, secrets *redact.Set, rpc func(context.Context, Q, ...grpc.CallOption) (A, error), req Q) (A, error) {
	var none A
	data, err := proto.Marshal(req)
	if err != nil {
		return none, sdk.InvalidResponse("not_utf8", "text that is not UTF-8 in the request")
	}
	if len(data) > MaxMessage {
		return none, sdk.InvalidResponse("too_large", "request of %d bytes, a plugin accepts at most %d", len(data), MaxMessage)
	}
	answer, err := rpc(ctx, req)
	if err != nil {
		return none, errorOf(err, secrets)
	}
	return answer, nil
}

// Describe tells the plugin the features of the host, and returns the description of
// the plugin and the options of its providers. It refuses a plugin that requires features
// that the host lacks, with an sdk.ErrUnavailable of [ReasonFeatures].
func (c *Client) Describe(ctx context.Context) (Description, options.Schema, error) {
	resp, err := call(ctx, c.secrets, c.rpc.Describe, &doorwardv1.DescribeRequest{
		HostVersion: c.version, Features: featuresToWire(sdk.Features()),
	})
	if err != nil {
		return Description{}, options.Schema{}, err
	}
	d := Description{
		Mechanism: printable(resp.GetMechanism(), sdk.MaxOptionName), Version: printable(resp.GetVersion(), sdk.MaxOptionName),
		RegistersByDefault: resp.GetRegistersByDefault(), Requires: featuresFromWire(resp.GetRequires()),
		StateParameters: resp.GetStateParameters(), StateTokens: resp.GetStateTokens(), MaxInbound: inboundOf(resp.GetMaxInbound()),
		Presets: presetsFromWire(resp.GetPresets()), RolesByGroupNameWith: resp.GetRolesByGroupNameWith(),
	}
	if missing := sdk.NewHost(c.version, sdk.Features()).Missing(d.Requires); len(missing) > 0 {
		return Description{}, options.Schema{}, sdk.Unavailable(ReasonFeatures, "%w", &sdk.FeaturesError{
			Plugin: d.Mechanism, PluginVersion: d.Version, HostVersion: c.version, Missing: missing,
		})
	}
	for _, names := range [][]string{d.StateParameters, d.StateTokens} {
		if err := checkStateParameters(names); err != nil {
			return Description{}, options.Schema{}, fmt.Errorf("%w: %w", ErrFault, err)
		}
	}
	schema := schemaFromWire(resp.GetOptions())
	c.schema.Store(&schema)
	c.plugin.Store(&described{d.Mechanism, d.Version, featuresFromWire(resp.GetFeatures())})
	return d, schema, nil
}

// inboundOf returns the limit that a plugin describes, within bounds. Without a valid
// limit it returns the default.
func inboundOf(described int64) int64 {
	if described <= 0 {
		return sdk.DefaultInbound
	}
	return min(described, sdk.MaxInbound)
}

// OpenRequest is a configured provider.
type OpenRequest struct {
	Provider    string
	CallbackURL string
	MetadataURL string
	LogoutURL   string

	// Options by name: text as from the environment, or typed values as from
	// YAML. Once the plugin has described itself, they are read strictly by its schema,
	// so that it gets each option in its declared type. An options.Secret is revealed
	// to the plugin.
	Options map[string]any

	// Outbound are the settings of the provider's outbound connections.
	Outbound outbound.Settings
}

// Open makes a configured provider ready. Invalid options return an
// sdk.ErrMisconfigured whose tree contains options.Problems, with the names of the
// options as in the request. Open also returns an sdk.ErrMisconfigured for a plugin that
// has described itself and would not obey Outbound.
func (c *Client) Open(ctx context.Context, req OpenRequest) (*Provider, error) {
	if err := c.plugin.Load().obeys(req.Outbound); err != nil {
		return nil, err
	}
	values := req.Options
	if schema := c.schema.Load(); schema != nil {
		var err error
		if values, err = options.Declared(*schema, values); err != nil {
			return nil, sdk.Misconfigured(reasonOptions, "%w", err)
		}
	}
	data, err := encodeOptions(values)
	if err != nil {
		return nil, err
	}
	out := outboundToWire(req.Outbound)
	if len(data)+proto.Size(out) > maxOptions {
		return nil, tooManyCertificates(req.Outbound)
	}
	resp, err := call(ctx, c.secrets, c.rpc.Open, &doorwardv1.OpenRequest{
		Provider: req.Provider, CallbackUrl: req.CallbackURL, MetadataUrl: req.MetadataURL,
		LogoutUrl: req.LogoutURL, OptionsJson: data, Outbound: out,
	})
	if err != nil {
		return nil, err
	}
	return &Provider{rpc: c.rpc, secrets: c.secrets, handle: resp.GetHandle(), capabilities: capabilitiesFromWire(resp.GetCapabilities())}, nil
}

// Provider is an opened provider: the mechanism in the other process, with all
// optional interfaces. Calls that the mechanism lacks return errors.ErrUnsupported.
type Provider struct {
	rpc          doorwardv1.PluginServiceClient
	secrets      *redact.Set
	handle       uint64
	capabilities []sdk.Capability
}

// Capabilities lists the capabilities that were announced when the provider was opened,
// including unknown ones, which cannot be called.
func (p *Provider) Capabilities() []sdk.Capability { return slices.Clone(p.capabilities) }

// Close makes the plugin forget the provider.
func (p *Provider) Close(ctx context.Context) error {
	_, err := call(ctx, p.secrets, p.rpc.Close, &doorwardv1.CloseRequest{Handle: p.handle})
	return err
}

// Begin implements sdk.Mechanism.
func (p *Provider) Begin(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	resp, err := call(ctx, p.secrets, p.rpc.Begin, &doorwardv1.BeginRequest{
		Handle: p.handle, State: req.State, LoginHint: req.LoginHint, Consent: req.Consent,
		CallbackUrl: req.CallbackURL, ReturnUrl: req.ReturnURL,
	})
	if err != nil {
		return nil, err
	}
	return stepFromWire(resp.GetStep())
}

// Continue implements sdk.Mechanism.
func (p *Provider) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	resp, err := call(ctx, p.secrets, p.rpc.Continue, &doorwardv1.ContinueRequest{
		Handle: p.handle, State: req.State, Memory: req.Memory, Response: inboundToWire(req.Response),
		Answers: req.Answers, Unsolicited: req.Unsolicited, CallbackUrl: req.CallbackURL,
	})
	if err != nil {
		return nil, err
	}
	return stepFromWire(resp.GetStep())
}

// Refresh implements sdk.Refresher.
func (p *Provider) Refresh(ctx context.Context, grant []byte) (sdk.Refreshed, error) {
	if err := p.need(sdk.CapabilityRefresh); err != nil {
		return sdk.Refreshed{}, err
	}
	resp, err := call(ctx, p.secrets, p.rpc.Refresh, &doorwardv1.RefreshRequest{Handle: p.handle, Grant: grant})
	if err != nil {
		return sdk.Refreshed{}, err
	}
	refreshed := sdk.Refreshed{}
	if resp.GetUndecided() != nil {
		refreshed.Undecided = refusalOf(resp.GetUndecided(), p.secrets)
	}
	refreshed.Identity, err = identityFromWire(resp.GetIdentity())
	return refreshed, err
}

// BeginLogout implements sdk.LogoutBeginner.
func (p *Provider) BeginLogout(ctx context.Context, req sdk.LogoutRequest) (sdk.Step, error) {
	if err := p.need(sdk.CapabilityBeginLogout); err != nil {
		return nil, err
	}
	resp, err := call(ctx, p.secrets, p.rpc.BeginLogout, &doorwardv1.BeginLogoutRequest{
		Handle: p.handle, State: req.State, Subject: req.Subject, Grant: req.Grant, ReturnUrl: req.ReturnURL,
	})
	if err != nil {
		return nil, err
	}
	return replyFromWire(resp.GetStep())
}

// ReceiveLogout implements sdk.LogoutReceiver.
func (p *Provider) ReceiveLogout(ctx context.Context, req sdk.LogoutMessage) (sdk.Logout, error) {
	if err := p.need(sdk.CapabilityReceiveLogout); err != nil {
		return sdk.Logout{}, err
	}
	resp, err := call(ctx, p.secrets, p.rpc.ReceiveLogout, &doorwardv1.ReceiveLogoutRequest{
		Handle: p.handle, Request: inboundToWire(req.Request), State: req.State, Memory: req.Memory,
	})
	if err != nil {
		return sdk.Logout{}, err
	}
	return logoutFromWire(resp)
}

// Metadata implements sdk.MetadataPublisher.
func (p *Provider) Metadata(ctx context.Context) (sdk.Document, error) {
	if err := p.need(sdk.CapabilityMetadata); err != nil {
		return sdk.Document{}, err
	}
	resp, err := call(ctx, p.secrets, p.rpc.Metadata, &doorwardv1.MetadataRequest{Handle: p.handle})
	if err != nil {
		return sdk.Document{}, err
	}
	return sdk.Document{ContentType: resp.GetContentType(), Content: resp.GetContent()}, nil
}

// Check implements sdk.Checker.
func (p *Provider) Check(ctx context.Context) ([]sdk.Finding, error) {
	if err := p.need(sdk.CapabilityCheck); err != nil {
		return nil, err
	}
	resp, err := call(ctx, p.secrets, p.rpc.Check, &doorwardv1.CheckRequest{Handle: p.handle, Unattended: sdk.IsUnattended(ctx)})
	if err != nil {
		return nil, err
	}
	return findingsFromWire(resp.GetFindings(), p.secrets), nil
}

func (p *Provider) need(c sdk.Capability) error {
	if slices.Contains(p.capabilities, c) {
		return nil
	}
	return &sdk.LackingError{Capability: c}
}

var (
	_ sdk.Mechanism         = (*Provider)(nil)
	_ sdk.Refresher         = (*Provider)(nil)
	_ sdk.LogoutBeginner    = (*Provider)(nil)
	_ sdk.LogoutReceiver    = (*Provider)(nil)
	_ sdk.MetadataPublisher = (*Provider)(nil)
	_ sdk.Checker           = (*Provider)(nil)
)
