package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
	"github.com/doorward/doorward/sdk/options"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

// server is the plugin's end of the wire. It translates calls, and keeps the opened
// providers by handle.
type server struct {
	doorwardv1.UnimplementedPluginServiceServer
	description Description
	schema      options.Schema
	open        func(ctx context.Context, env sdk.Env, values map[string]any) (sdk.Mechanism, error)
	env         environment
	unchecked   bool // for tests of a host: see Test

	secrets *secrets
	repeats repeats

	host atomic.Pointer[sdk.Host] // nil: it has not introduced itself yet

	mu     sync.RWMutex
	last   uint64
	opened map[uint64]*opened
}

// opened is an open provider with the calls that are in flight on it.
type opened struct {
	provider  string
	mechanism sdk.Mechanism
	calls     sync.WaitGroup
}

var mechanismName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

func newServer[C any](d Description, open func(context.Context, sdk.Env, C) (sdk.Mechanism, error), env environment) (*server, error) {
	if !mechanismName.MatchString(d.Mechanism) {
		return nil, fmt.Errorf("describing the plugin: mechanism %q does not consist of lower-case letters, digits and hyphens", d.Mechanism)
	}
	for _, names := range [][]string{d.StateParameters, d.StateTokens} {
		if err := checkStateParameters(names); err != nil {
			return nil, fmt.Errorf("describing the plugin: %w", err)
		}
	}
	schema, err := options.SchemaOf[C]()
	if err != nil {
		return nil, fmt.Errorf("reading the option struct: %w", err)
	}
	if err := checkPresets(d.Presets, schema); err != nil {
		return nil, fmt.Errorf("describing the plugin: %w", err)
	}
	openValues := func(ctx context.Context, env sdk.Env, values map[string]any) (sdk.Mechanism, error) {
		opts, err := options.Decode[C](values)
		if err != nil {
			return nil, err
		}
		return open(ctx, env, opts)
	}
	kept := &secrets{}
	env.secrets = &kept.set
	return &server{description: d, schema: schema, open: openValues, env: env, secrets: kept, opened: map[uint64]*opened{}}, nil
}

// answer wraps every call. It turns errors into statuses that the host understands,
// and panics into faults: unlike net/http, grpc-go lets a panic in a handler end the
// process, so that one bad message would end everybody's logins.
func (s *server) answer(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (resp any, err error) {
	if info.Server != any(s) {
		return handle(ctx, req) // a service of go-plugin
	}
	defer func() {
		if r := recover(); r != nil {
			resp, err = nil, statusOf(ctx, s.panicked(info.FullMethod, r), &s.secrets.set)
		}
	}()
	defer s.enter(req)()
	resp, err = handle(ctx, req)
	if err != nil {
		return nil, statusOf(ctx, s.refusalOfBroken(req, err), &s.secrets.set)
	}
	return resp, nil
}

// panicked logs a panic of a call, and makes an error of it.
func (s *server) panicked(call string, with any) error {
	what := panicText(with)
	s.env.logger().Error("panic", "call", call, "what", what, "stack", string(debug.Stack()))
	return fmt.Errorf("panic in %s: %s", call, what)
}

// enter counts a call on an open provider until the returned function is called, so
// that a mechanism is not closed during a call.
func (s *server) enter(req any) (leave func()) {
	on, ok := req.(interface{ GetHandle() uint64 })
	if _, closes := req.(*doorwardv1.CloseRequest); !ok || closes {
		return func() {}
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, ok := s.opened[on.GetHandle()]
	if !ok {
		return func() {}
	}
	o.calls.Add(1)
	return o.calls.Done
}

// panicText shows errors of the runtime and hides everything else, because the value
// of a panic may be a secret.
func panicText(r any) string {
	if err, ok := r.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a value of type %T", r)
}

// Describe returns the description of the plugin. A host of the first version does not
// check the required features, so Describe refuses it if it lacks one.
func (s *server) Describe(_ context.Context, req *doorwardv1.DescribeRequest) (*doorwardv1.DescribeResponse, error) {
	host := sdk.NewHost(req.GetHostVersion(), featuresFromWire(req.GetFeatures()))
	s.host.Store(&host)
	requires := s.description.requires()
	if missing := host.Missing(requires); len(req.GetFeatures()) == 0 && len(missing) > 0 {
		return nil, sdk.Unavailable(ReasonFeatures, "%w", &sdk.FeaturesError{
			Plugin: s.description.Mechanism, PluginVersion: s.description.Version, Missing: missing,
		})
	}
	return &doorwardv1.DescribeResponse{
		Mechanism: s.description.Mechanism,
		Version:   s.description.Version,

		RegistersByDefault:   s.description.RegistersByDefault,
		MaxInbound:           s.description.MaxInbound,
		RolesByGroupNameWith: s.description.RolesByGroupNameWith,
		Options:              schemaToWire(s.schema),
		Requires:             featuresToWire(requires),
		StateParameters:      s.description.StateParameters,
		StateTokens:          s.description.StateTokens,
		Presets:              presetsToWire(s.description.Presets),
		Features:             featuresToWire(sdk.Features()),
	}, nil
}

func (s *server) Open(ctx context.Context, req *doorwardv1.OpenRequest) (*doorwardv1.OpenResponse, error) {
	values, err := decodeOptions(req.GetOptionsJson(), s.schema)
	if err != nil {
		return nil, fmt.Errorf("reading the options: %w", err)
	}
	settings := outboundFromWire(req.GetOutbound())
	s.secrets.learn(req.GetProvider(), append(options.SecretsIn(s.schema, values), settings.Secrets()...))
	dialer, err := dialerOf(settings)
	if err != nil {
		return nil, err
	}
	env := s.env.envFor(req, dialer)
	if env.Host = sdk.NewHost("", nil); s.host.Load() != nil {
		env.Host = *s.host.Load()
	}
	m, err := s.open(ctx, env, values)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, errors.New("open returned neither a mechanism nor an error")
	}
	if err := ctx.Err(); err != nil {
		return nil, err // the host would not learn the handle, nor close it
	}
	resp := &doorwardv1.OpenResponse{Handle: s.keep(req.GetProvider(), m)}
	for _, c := range sdk.Capabilities(m) {
		resp.Capabilities = append(resp.Capabilities, string(c))
	}
	return resp, nil
}

func (s *server) keep(provider string, m sdk.Mechanism) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.opened[s.last] = &opened{provider: provider, mechanism: m}
	return s.last
}

func (s *server) Close(_ context.Context, req *doorwardv1.CloseRequest) (*doorwardv1.CloseResponse, error) {
	s.mu.Lock()
	o := s.opened[req.GetHandle()]
	delete(s.opened, req.GetHandle())
	s.mu.Unlock()
	if o != nil {
		go s.closeMechanism(o)
	}
	return &doorwardv1.CloseResponse{}, nil
}

// closeMechanism closes the mechanism once the calls in flight on it have ended. Each
// call has a deadline.
func (s *server) closeMechanism(o *opened) {
	closer, ok := o.mechanism.(io.Closer)
	if !ok {
		return
	}
	o.calls.Wait()
	defer func() {
		if r := recover(); r != nil {
			s.env.logger().Error("panic", "call", "Close", "what", panicText(r), "stack", string(debug.Stack()))
		}
	}()
	if err := closer.Close(); err != nil {
		s.env.logger().Warn("closing a provider", "error", err)
	}
}

func (s *server) mechanism(handle uint64) (sdk.Mechanism, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, ok := s.opened[handle]
	if !ok {
		return nil, fmt.Errorf("no provider is open as %d", handle)
	}
	return o.mechanism, nil
}

// capability returns the mechanism of a handle as the optional interface T.
func capability[T any](s *server, handle uint64, c sdk.Capability) (T, error) {
	m, err := s.mechanism(handle)
	if err != nil {
		var none T
		return none, err
	}
	return sdk.As[T](m, c)
}

func (s *server) Begin(ctx context.Context, req *doorwardv1.BeginRequest) (*doorwardv1.BeginResponse, error) {
	m, err := s.mechanism(req.GetHandle())
	if err != nil {
		return nil, err
	}
	step, err := m.Begin(ctx, sdk.BeginRequest{
		State: req.GetState(), LoginHint: req.GetLoginHint(), Consent: req.GetConsent(),
		CallbackURL: req.GetCallbackUrl(), ReturnURL: req.GetReturnUrl(),
	})
	if err != nil {
		return nil, err
	}
	if err := s.check(contract.CheckBegin(step)); err != nil {
		return nil, err
	}
	wire, err := stepToWire(step)
	return &doorwardv1.BeginResponse{Step: wire}, err
}

func (s *server) Continue(ctx context.Context, req *doorwardv1.ContinueRequest) (*doorwardv1.ContinueResponse, error) {
	m, err := s.mechanism(req.GetHandle())
	if err != nil {
		return nil, err
	}
	step, err := m.Continue(ctx, sdk.ContinueRequest{
		State: req.GetState(), Memory: req.GetMemory(), Response: inboundFromWire(req.GetResponse()),
		Answers: req.GetAnswers(), Unsolicited: req.GetUnsolicited(), CallbackURL: req.GetCallbackUrl(),
	})
	if err != nil {
		return nil, err
	}
	step = s.tidied(req, step)
	if err := s.check(contract.CheckContinue(step, s.now())); err != nil {
		return nil, err
	}
	wire, err := stepToWire(step)
	return &doorwardv1.ContinueResponse{Step: wire}, err
}

func (s *server) Refresh(ctx context.Context, req *doorwardv1.RefreshRequest) (*doorwardv1.RefreshResponse, error) {
	r, err := capability[sdk.Refresher](s, req.GetHandle(), sdk.CapabilityRefresh)
	if err != nil {
		return nil, err
	}
	refreshed, err := r.Refresh(ctx, req.GetGrant())
	if err != nil {
		return nil, err
	}
	if refreshed.Undecided != nil && !s.hostHas(sdk.FeatureUndecided) {
		return nil, refreshed.Undecided
	}
	identity := s.tidiedIdentity(req, refreshed.Identity)
	if err := s.check(contract.CheckIdentity(identity, s.now())); err != nil {
		return nil, err
	}
	wire, err := identityToWire(identity)
	resp := &doorwardv1.RefreshResponse{Identity: wire}
	if refreshed.Undecided != nil {
		resp.Undecided = errorToWire(s.refusalOfBroken(req, refreshed.Undecided), &s.secrets.set)
	}
	return resp, err
}

// hostHas reports whether the host that runs the plugin has a feature.
func (s *server) hostHas(f sdk.Feature) bool {
	host := s.host.Load()
	return host != nil && host.Has(f)
}

func (s *server) BeginLogout(ctx context.Context, req *doorwardv1.BeginLogoutRequest) (*doorwardv1.BeginLogoutResponse, error) {
	b, err := capability[sdk.LogoutBeginner](s, req.GetHandle(), sdk.CapabilityBeginLogout)
	if err != nil {
		return nil, err
	}
	step, err := b.BeginLogout(ctx, sdk.LogoutRequest{
		State: req.GetState(), Subject: req.GetSubject(), Grant: req.GetGrant(), ReturnURL: req.GetReturnUrl(),
	})
	if err != nil || step == nil {
		return &doorwardv1.BeginLogoutResponse{}, err
	}
	if err := s.check(contract.CheckReply(step)); err != nil {
		return nil, err
	}
	wire, err := stepToWire(step)
	return &doorwardv1.BeginLogoutResponse{Step: wire}, err
}

func (s *server) ReceiveLogout(ctx context.Context, req *doorwardv1.ReceiveLogoutRequest) (*doorwardv1.ReceiveLogoutResponse, error) {
	r, err := capability[sdk.LogoutReceiver](s, req.GetHandle(), sdk.CapabilityReceiveLogout)
	if err != nil {
		return nil, err
	}
	logout, err := r.ReceiveLogout(ctx, sdk.LogoutMessage{
		Request: inboundFromWire(req.GetRequest()), State: req.GetState(), Memory: req.GetMemory(),
	})
	if err != nil {
		return nil, err
	}
	if err := s.check(contract.CheckLogout(logout, req.GetState() != "", s.now())); err != nil {
		return nil, err
	}
	return logoutToWire(logout)
}

func (s *server) Metadata(ctx context.Context, req *doorwardv1.MetadataRequest) (*doorwardv1.MetadataResponse, error) {
	p, err := capability[sdk.MetadataPublisher](s, req.GetHandle(), sdk.CapabilityMetadata)
	if err != nil {
		return nil, err
	}
	doc, err := p.Metadata(ctx)
	if err != nil {
		return nil, err
	}
	err = s.check(contract.CheckDocument(doc))
	return &doorwardv1.MetadataResponse{ContentType: doc.ContentType, Content: doc.Content}, err
}
