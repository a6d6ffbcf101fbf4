package plugin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

var allKinds = []error{
	sdk.ErrDenied, sdk.ErrInvalidResponse, sdk.ErrUnavailable, sdk.ErrMisconfigured, plugin.ErrFault, plugin.ErrTransport,
}

// nilPointerError is the result of `var e *E; return e`.
type nilPointerError struct{ text string }

func (e *nilPointerError) Error() string { return e.text }

func TestErrorsCrossTheWire(t *testing.T) {
	long := strings.Repeat("é", 5000)
	var nilPointer *nilPointerError
	for name, test := range map[string]struct {
		err    error
		kind   error
		reason sdk.Reason
		text   string
	}{
		"denied": {
			sdk.Denied(sdk.ReasonBadCredentials, "LDAP result %d", 49),
			sdk.ErrDenied, sdk.ReasonBadCredentials, "denied (bad_credentials): LDAP result 49"},
		"invalid response": {
			sdk.InvalidResponse("nonce_mismatch", "another nonce"),
			sdk.ErrInvalidResponse, "nonce_mismatch", "invalid response (nonce_mismatch): another nonce"},
		"unavailable with a cause": {
			sdk.Unavailable("unreachable", "fetching keys: %w", io.ErrUnexpectedEOF),
			sdk.ErrUnavailable, "unreachable", "provider unavailable (unreachable): fetching keys: unexpected EOF"},
		"misconfigured": {
			sdk.Misconfigured("", "issuer_url is not https"),
			sdk.ErrMisconfigured, "", "provider misconfigured: issuer_url is not https"},
		"context around a refusal": {
			fmt.Errorf("binding as %s: %w", "cn=x", sdk.Denied("locked", "49")),
			sdk.ErrDenied, "locked", "denied (locked): binding as cn=x: 49"},
		"a bare kind": {
			fmt.Errorf("searching: %w", sdk.ErrUnavailable),
			sdk.ErrUnavailable, "", "provider unavailable: searching: provider unavailable"},
		"the outermost of two kinds": {
			sdk.Misconfigured("ca", "dialing: %w", sdk.Denied("tls", "no")),
			sdk.ErrMisconfigured, "ca", "provider misconfigured (ca): dialing: denied (tls): no"},
		"no kind": {
			errors.New("index out of range"),
			plugin.ErrFault, "", "plugin fault: index out of range"},
		"an Error of no kind": {
			&sdk.Error{Detail: "x"},
			plugin.ErrFault, "", "plugin fault: x"},
		"an Error of an odd kind": {
			&sdk.Error{Kind: io.EOF, Detail: "x"},
			plugin.ErrFault, "", "plugin fault: x"},
		"a kind of the host": {
			fmt.Errorf("%w: x", plugin.ErrTransport),
			plugin.ErrFault, "", "plugin fault: plugin not reachable: x"},
		"a nil pointer as an error": {
			nilPointer,
			plugin.ErrFault, "", "plugin fault: panic in /doorward.v1.PluginService/Begin: runtime error: invalid memory address or nil pointer dereference"},
		"a gRPC status of somebody else": {
			status.Error(codes.Unavailable, "backend down"),
			plugin.ErrFault, "", "plugin fault: rpc error: code = Unavailable desc = backend down"},
		"a refusal around a gRPC status": {
			sdk.Unavailable("backend", "asking: %w", status.Error(codes.Unimplemented, "no")),
			sdk.ErrUnavailable, "backend", "provider unavailable (backend): asking: rpc error: code = Unimplemented desc = no"},
		"a time limit of the mechanism's own": {
			fmt.Errorf("asking: %w", context.DeadlineExceeded),
			plugin.ErrFault, "", "plugin fault: asking: context deadline exceeded"},
		"text that is no UTF-8": {
			sdk.Denied("x", "J\xfcrgen\r\n[ERROR] forged\x1b[2J"),
			sdk.ErrDenied, "x", "denied (x): J\uFFFDrgen\uFFFD [ERROR] forged\uFFFD[2J"},
		"a reason of odd form": {
			sdk.Denied("Bad \xff reason", "x"),
			sdk.ErrDenied, "", "denied: x"},
		"a reason that is long": {
			sdk.Denied(sdk.Reason(strings.Repeat("a", 65)), "x"),
			sdk.ErrDenied, "", "denied: x"},
		"a long text": {
			sdk.Denied("x", "%s", long),
			sdk.ErrDenied, "x", "denied (x): " + long[:2048] + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := beginning(t, nil, test.err).Begin(t.Context(), sdk.BeginRequest{})
			for _, kind := range allKinds {
				if got := errors.Is(err, kind); got != (kind == test.kind) {
					t.Errorf("is %q: %v", kind, got)
				}
			}
			if got := sdk.ReasonOf(err); got != test.reason {
				t.Errorf("reason: got %q, want %q", got, test.reason)
			}
			if diff := cmp.Diff(test.text, fmt.Sprint(err)); diff != "" || !utf8.ValidString(fmt.Sprint(err)) {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOptionProblemsCrossTheWire(t *testing.T) {
	client := plugintest.Serve(t, about, opening[typedOptions](scripted{}), nil)
	_, err := client.Open(t.Context(), plugintest.Request(map[string]any{
		"limit": "ten", "method": "get", "scop": "x", "client_secret": []any{"hunter2"}, "params__a": true,
	}))
	want := options.Problems{
		{Option: "client_id", Text: "is required and not set (client identifier)"},
		{Option: "client_secret", Text: "must be text (put it in quotes), not a list"},
		{Option: "limit", Text: `must be a whole number, not "ten"`},
		{Option: "params__a", Text: "must be text, not true or false; put it in quotes"},
		{Option: "method", Text: `must be one of post, basic, not "get"`},
		{Option: "scop", Text: "there is no such option; did you mean scope?"},
	}
	got, _ := errors.AsType[options.Problems](err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !errors.Is(err, sdk.ErrMisconfigured) || sdk.ReasonOf(err) != "options" || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}

func TestProblemsOfOpenItself(t *testing.T) {
	for name, err := range map[string]error{
		"bare":    options.Problems{{Option: "ca", Text: "no PEM"}},
		"wrapped": sdk.Misconfigured("ca", "reading the CA: %w", options.Problems{{Option: "ca", Text: "no PEM"}}),
	} {
		t.Run(name, func(t *testing.T) {
			client := plugintest.Serve(t, about, func(context.Context, sdk.Env, noOptions) (sdk.Mechanism, error) { return nil, err }, nil)
			_, got := client.Open(t.Context(), plugintest.Request(nil))
			problems, _ := errors.AsType[options.Problems](got)
			if !errors.Is(got, sdk.ErrMisconfigured) || len(problems) != 1 || problems[0].String() != "ca: no PEM" {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestProblemsBesideAnotherKind(t *testing.T) {
	err := sdk.Denied("x", "%w", options.Problems{{Option: "ca", Text: "no PEM"}})
	_, got := beginning(t, nil, err).Begin(t.Context(), sdk.BeginRequest{})
	if !errors.Is(got, sdk.ErrDenied) || errors.Is(got, sdk.ErrMisconfigured) {
		t.Errorf("got %v, want a denial", got)
	}
}

func TestManyLargeProblemsFit(t *testing.T) {
	var problems options.Problems
	for range 1000 {
		problems.Addf(strings.Repeat("o", 1000), "%s", strings.Repeat("é", 10_000))
	}
	_, err := beginning(t, nil, problems).Begin(t.Context(), sdk.BeginRequest{})
	if got, _ := errors.AsType[options.Problems](err); len(got) != 100 {
		t.Errorf("%d problems, want the first 100: %.200v", len(got), err)
	}
}

func TestOpenWithoutMechanism(t *testing.T) {
	client := plugintest.Serve(t, about, opening[noOptions](nil), nil)
	if _, err := client.Open(t.Context(), plugintest.Request(nil)); !errors.Is(err, plugin.ErrFault) {
		t.Errorf("got %v, want a fault", err)
	}
}

func TestOptionsThatCannotBeSent(t *testing.T) {
	client := plugintest.Serve(t, about, opening[typedOptions](scripted{}), nil)
	for name, test := range map[string]struct {
		option string
		value  any
		text   string // of the problem
	}{
		"text":               {"method", "hunter\xe42", "must be UTF-8 text without NUL"},
		"secret":             {"client_secret", options.Secret("hunter\xe42"), "must be UTF-8 text without NUL"},
		"text in a list":     {"scope", []any{"hunter\xe42"}, "must be UTF-8 text without NUL"},
		"text in a mapping":  {"client", map[string]any{"a": []string{"hunter\xe42"}}, "must be UTF-8 text without NUL"},
		"key of a mapping":   {"params", map[string]string{"hunter\xe42": "a"}, "must be UTF-8 text without NUL"},
		"no JSON":            {"client", func() {}, "has the unexpected type func()"},
		"broken JSON":        {"mapping", options.JSON("{"), "is not valid JSON"},
		"K08 a large option": {"client_secret", strings.Repeat("x", plugin.MaxMessage), "is larger than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.Open(t.Context(), plugintest.Request(map[string]any{"client_id": "x", test.option: test.value}))
			problems, _ := errors.AsType[options.Problems](err)
			if !errors.Is(err, sdk.ErrMisconfigured) || strings.Contains(err.Error(), "hunter") {
				t.Errorf("got %.200v", err)
			}
			if len(problems) != 1 || problems[0].Option != test.option || !strings.HasPrefix(problems[0].Text, test.text) {
				t.Errorf("problems %.200q, want one of %s: %s", problems, test.option, test.text)
			}
		})
	}
}

func TestDeadline(t *testing.T) {
	gone := make(chan error, 1)
	p := open(t, scripted{begin: func(ctx context.Context, _ sdk.BeginRequest) (sdk.Step, error) {
		<-ctx.Done()
		gone <- ctx.Err()
		return nil, ctx.Err()
	}})
	for name, test := range map[string]struct {
		limit func(context.Context) (context.Context, context.CancelFunc)
		want  error
	}{
		"K02 hangs": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 50*time.Millisecond)
		}, context.DeadlineExceeded},
		"given up": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(50*time.Millisecond, cancel)
			return ctx, cancel
		}, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := test.limit(t.Context())
			defer cancel()
			_, err := p.Begin(ctx, sdk.BeginRequest{})
			if !errors.Is(err, plugin.ErrTransport) || !errors.Is(err, test.want) {
				t.Errorf("got %v", err)
			}
			if err := <-gone; err == nil {
				t.Error("the mechanism was not told")
			}
		})
	}
}
