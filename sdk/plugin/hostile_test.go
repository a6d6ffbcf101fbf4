package plugin

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
	"github.com/doorward/doorward/sdk/redact"
)

// hostile is a plugin that was not written with this SDK.
type hostile struct {
	doorwardv1.UnimplementedPluginServiceServer
	describe *doorwardv1.DescribeResponse
	open     *doorwardv1.OpenResponse
	begin    func(context.Context) (*doorwardv1.BeginResponse, error)
	check    *doorwardv1.CheckResponse
	logout   *doorwardv1.ReceiveLogoutResponse
}

func (h hostile) Describe(context.Context, *doorwardv1.DescribeRequest) (*doorwardv1.DescribeResponse, error) {
	return h.describe, nil
}

func (h hostile) Open(context.Context, *doorwardv1.OpenRequest) (*doorwardv1.OpenResponse, error) {
	return h.open, nil
}

func (h hostile) Begin(ctx context.Context, _ *doorwardv1.BeginRequest) (*doorwardv1.BeginResponse, error) {
	return h.begin(ctx)
}

func (h hostile) Check(context.Context, *doorwardv1.CheckRequest) (*doorwardv1.CheckResponse, error) {
	return h.check, nil
}

func (h hostile) ReceiveLogout(context.Context, *doorwardv1.ReceiveLogoutRequest) (*doorwardv1.ReceiveLogoutResponse, error) {
	return h.logout, nil
}

func connectTo(t *testing.T, server *grpc.Server) doorwardv1.PluginServiceClient {
	t.Helper()
	return doorwardv1.NewPluginServiceClient(connectAny(t, server))
}

// connectAny serves over a unix socket without limits on the plugin's side, and connects to it
// as the host does.
func connectAny(t *testing.T, server *grpc.Server) *grpc.ClientConn {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("unix:"+socket, append(DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func hostileProvider(t *testing.T, h hostile) *Provider {
	t.Helper()
	server := grpc.NewServer(grpc.MaxSendMsgSize(1 << 30))
	doorwardv1.RegisterPluginServiceServer(server, h)
	rpc := connectTo(t, server)
	return &Provider{rpc: rpc, secrets: &redact.Set{}, capabilities: []sdk.Capability{sdk.CapabilityCheck, sdk.CapabilityReceiveLogout, sdk.CapabilityRefresh}}
}

func authenticatedAs(i *doorwardv1.Identity) *doorwardv1.Step {
	return &doorwardv1.Step{Kind: &doorwardv1.Step_Authenticated{Authenticated: i}}
}

func TestHostileSteps(t *testing.T) {
	forever := &timestamppb.Timestamp{Seconds: 1 << 60}
	for name, step := range map[string]*doorwardv1.Step{
		"no step":              nil,
		"a step of no kind":    {Memory: []byte("x")},
		"time out of range":    authenticatedAs(&doorwardv1.Identity{Subject: "1", ExpiresAt: forever}),
		"once out of range":    authenticatedAs(&doorwardv1.Identity{Subject: "1", OnceUntil: forever}),
		"negative nanoseconds": authenticatedAs(&doorwardv1.Identity{Subject: "1", AuthTime: &timestamppb.Timestamp{Nanos: -1}}),
		"claims no JSON":       authenticatedAs(&doorwardv1.Identity{Subject: "1", ClaimsJson: []byte("{")}),
		"claims no object":     authenticatedAs(&doorwardv1.Identity{Subject: "1", ClaimsJson: []byte("[]")}),
		"claims and more":      authenticatedAs(&doorwardv1.Identity{Subject: "1", ClaimsJson: []byte("{} {}")}),
		"claims that are deep": authenticatedAs(&doorwardv1.Identity{
			Subject: "1", ClaimsJson: []byte(`{"a":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + "}")}),
		"claims that are very deep": authenticatedAs(&doorwardv1.Identity{
			Subject: "1", ClaimsJson: []byte(`{"a":` + strings.Repeat("[", 200_000))}),
		"K04 claims that are large": authenticatedAs(&doorwardv1.Identity{
			Subject: "1", ClaimsJson: []byte(`{"a":"` + strings.Repeat("a", sdk.MaxClaims) + `"}`)}),
		"K08 answer of 5 MiB": {Memory: make([]byte, 5<<20), Kind: &doorwardv1.Step_Redirect{Redirect: &doorwardv1.Redirect{}}},
	} {
		t.Run(name, func(t *testing.T) {
			p := hostileProvider(t, hostile{begin: func(context.Context) (*doorwardv1.BeginResponse, error) {
				return &doorwardv1.BeginResponse{Step: step}, nil
			}})
			got, err := p.Begin(t.Context(), sdk.BeginRequest{})
			if done, ok := got.(sdk.Authenticated); ok && done.Identity.Subject != "" {
				t.Error("signed in")
			}
			if !errors.Is(err, ErrFault) || errors.Is(err, ErrTransport) {
				t.Errorf("got %v, want a fault", err)
			}
		})
	}
}

func TestClaimsOfTheGreatestDepth(t *testing.T) {
	claims := []byte(`{"a":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + "}")
	if _, err := identityFromWire(&doorwardv1.Identity{ClaimsJson: claims}); err != nil {
		t.Error(err)
	}
}

func TestHostileErrors(t *testing.T) {
	withDetail := func(e *doorwardv1.Error) error {
		s, err := status.New(codes.Unavailable, "x").WithDetails(e)
		if err != nil {
			t.Fatal(err)
		}
		return s.Err()
	}
	problems := make([]*doorwardv1.OptionProblem, 200)
	for i := range problems {
		problems[i] = &doorwardv1.OptionProblem{Option: strings.Repeat("o", 300), Text: "\x1b[2J\n"}
	}
	for name, test := range map[string]struct {
		err  error
		kind error
		text string
	}{
		"no detail":        {status.Error(codes.PermissionDenied, "no\x1b[2J"), ErrFault, "plugin fault: PermissionDenied: no\uFFFD[2J"},
		"unknown code":     {errors.New("raised"), ErrFault, "plugin fault: Unknown: raised"},
		"internal":         {status.Error(codes.Internal, "x"), ErrFault, "plugin fault: Internal: x"},
		"gone":             {status.Error(codes.Unavailable, "EOF"), ErrTransport, "plugin not reachable: EOF"},
		"unspecified kind": {withDetail(&doorwardv1.Error{Detail: "x"}), ErrFault, "plugin fault: x"},
		"unknown kind":     {withDetail(&doorwardv1.Error{Kind: 99, Detail: "x"}), ErrFault, "plugin fault: x"},
		"odd reason": {withDetail(&doorwardv1.Error{Kind: doorwardv1.ErrorKind_ERROR_KIND_DENIED, Reason: "<script>"}),
			sdk.ErrDenied, "denied"},
		"forged line": {withDetail(&doorwardv1.Error{Kind: doorwardv1.ErrorKind_ERROR_KIND_DENIED, Detail: "a\n2026 [INFO] b\u2028\x00"}),
			sdk.ErrDenied, "denied: a 2026 [INFO] b\uFFFD\uFFFD"},
	} {
		t.Run(name, func(t *testing.T) {
			p := hostileProvider(t, hostile{begin: func(context.Context) (*doorwardv1.BeginResponse, error) { return nil, test.err }})
			_, err := p.Begin(t.Context(), sdk.BeginRequest{})
			if !errors.Is(err, test.kind) || err.Error() != test.text {
				t.Errorf("got %q, want %q", err, test.text)
			}
		})
	}
	t.Run("many problems", func(t *testing.T) {
		err := errorOf(withDetail(&doorwardv1.Error{Kind: doorwardv1.ErrorKind_ERROR_KIND_MISCONFIGURED, Problems: problems}), nil)
		got, _ := errors.AsType[options.Problems](err)
		if len(got) != sdk.MaxProblems || len(got[0].Option) > sdk.MaxOptionName+len("…") || got[0].Text != "\uFFFD[2J " {
			t.Errorf("%d problems, the first %+v", len(got), got[0])
		}
	})
	t.Run("K08 an error of 1 MiB", func(t *testing.T) {
		p := hostileProvider(t, hostile{begin: func(ctx context.Context) (*doorwardv1.BeginResponse, error) {
			_ = grpc.SetTrailer(ctx, metadata.Pairs("x", strings.Repeat("x", 1<<20)))
			return nil, status.Error(codes.Unavailable, strings.Repeat("x", 1<<20))
		}})
		// The response is not read to its end, so its code stays unknown.
		if _, err := p.Begin(t.Context(), sdk.BeginRequest{}); !errors.Is(err, ErrFault) || len(err.Error()) > 2*sdk.MaxDetail {
			t.Errorf("got %.200v", err)
		}
	})
	t.Run("announced but not there", func(t *testing.T) {
		_, err := hostileProvider(t, hostile{}).Refresh(t.Context(), nil)
		if !errors.Is(err, errors.ErrUnsupported) || !errors.Is(err, ErrFault) {
			t.Errorf("got %v", err)
		}
	})
}

func TestHostileDescriptions(t *testing.T) {
	many := make([]*doorwardv1.Option, 5000)
	for i := range many {
		many[i] = &doorwardv1.Option{Name: "a\nb", Doc: "\x1b", DefaultValue: "\x00"}
	}
	findings := make([]*doorwardv1.Finding, 5000)
	for i := range findings {
		findings[i] = &doorwardv1.Finding{
			Severity: "fatal", Subject: "a\nb", Text: "\x1b", ExpiresAt: &timestamppb.Timestamp{Seconds: 1 << 60},
		}
	}
	p := hostileProvider(t, hostile{
		describe: &doorwardv1.DescribeResponse{Mechanism: "a\nb", Version: strings.Repeat("1", 1000), Options: many},
		open:     &doorwardv1.OpenResponse{Capabilities: []string{"check", "fly", "check", "refresh", "Not A Word\n"}},
		check:    &doorwardv1.CheckResponse{Findings: findings},
	})
	client := newClient(p.rpc)
	d, schema, err := client.Describe(t.Context())
	if err != nil || d.Mechanism != "a b" || len(d.Version) > sdk.MaxOptionName+len("…") || len(schema.Options) != options.MaxValues {
		t.Errorf("description: %+v, %d options, %v", d, len(schema.Options), err)
	}
	if diff := cmp.Diff(options.Option{Name: "a b", Doc: "\uFFFD"}, schema.Options[0]); diff != "" {
		t.Errorf("option (-want +got):\n%s", diff)
	}
	opened, err := client.Open(t.Context(), OpenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]sdk.Capability{sdk.CapabilityCheck, "fly", sdk.CapabilityRefresh}, opened.Capabilities()); diff != "" {
		t.Errorf("capabilities (-want +got):\n%s", diff)
	}
	got, err := p.Check(t.Context())
	want := sdk.Finding{Severity: sdk.SeverityError, Subject: "a b", Text: "\uFFFD"}
	if err != nil || len(got) != sdk.MaxFindings || got[0] != want {
		t.Errorf("%d findings, %v", len(got), err)
	}
	for name, response := range map[string]*doorwardv1.ReceiveLogoutResponse{
		"a time beyond all": {Subject: "1", OnceUntil: &timestamppb.Timestamp{Seconds: 1 << 60}},
		"an odd outcome":    {Subject: "1", Outcome: "gone"},
	} {
		p := hostileProvider(t, hostile{logout: response})
		if got, err := p.ReceiveLogout(t.Context(), sdk.LogoutMessage{}); !errors.Is(err, ErrFault) || got.Subject != "" {
			t.Errorf("logout with %s: %+v, %v", name, got, err)
		}
	}
}

// TestServerLimit sends a request that the Client would refuse to send.
func TestServerLimit(t *testing.T) {
	s, err := newServer(Description{Mechanism: "x"}, func(context.Context, sdk.Env, struct{}) (sdk.Mechanism, error) { return nil, nil }, environment{})
	if err != nil {
		t.Fatal(err)
	}
	server := serveConfig(s, &goplugin.ServeTestConfig{}).GRPCServer(nil)
	doorwardv1.RegisterPluginServiceServer(server, s)
	rpc := connectTo(t, server)
	request := &doorwardv1.OpenRequest{OptionsJson: make([]byte, 64<<20)}
	_, err = rpc.Open(t.Context(), request, grpc.MaxCallSendMsgSize(proto.Size(request)))
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("K08 64 MiB: got %v", err)
	}
}

func TestOpenThatComesTooLate(t *testing.T) {
	s, err := newServer(Description{Mechanism: "x"}, func(context.Context, sdk.Env, struct{}) (sdk.Mechanism, error) {
		return calling(nil), nil
	}, environment{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Open(ctx, &doorwardv1.OpenRequest{OptionsJson: []byte("{}")}); !errors.Is(err, context.Canceled) || len(s.opened) != 0 {
		t.Errorf("got %v, and %d providers are kept", err, len(s.opened))
	}
}
