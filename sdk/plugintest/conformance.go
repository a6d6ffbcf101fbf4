package plugintest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
)

// Suite is what Conformance needs to know about a plugin.
type Suite struct {
	// Binary is the path of the built plugin.
	Binary string

	// Options are good options of a provider that answers. Begin must work
	// with them; nobody signs in.
	Options map[string]any
}

// Conformance checks that a plugin binary keeps the contract.
func Conformance(t *testing.T, suite Suite) {
	client := Start(t, suite.Binary)
	c := &conformance{suite: suite, client: client}
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"describes itself", c.describes},
		{"answers by hand", c.answersByHand},
		{"refuses an unknown option with a suggestion", c.unknownOption},
		{"names a missing required option", c.missingOption},
		{"keeps secrets out of errors", c.secretsInErrors},
		{"begins with a step that carries the state", c.begins},
		{"begins many logins at once", c.beginsConcurrently},
		{"refuses nonsense as a response", c.refusesNonsense},
		{"continues in another process", c.continuesElsewhere},
		{"obeys the deadline", c.obeysDeadline},
		{"has what it announces, and nothing else", c.capabilities},
		{"forgets a closed provider", c.forgets},
	} {
		t.Run(test.name, test.run)
	}
}

type conformance struct {
	suite  Suite
	client *plugin.Client
}

func (c *conformance) open(t *testing.T) *plugin.Provider {
	t.Helper()
	p, err := c.client.Open(t.Context(), Request(c.suite.Options))
	if err != nil {
		t.Fatalf("opening a provider with good options: %v", err)
	}
	return p
}

func (c *conformance) schema(t *testing.T) options.Schema {
	t.Helper()
	_, schema, err := c.client.Describe(t.Context())
	if err != nil {
		t.Fatalf("describing: %v", err)
	}
	return schema
}

var (
	optionName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	semver     = regexp.MustCompile(`^\d+\.\d+\.\d+([-+].*)?$`)
	secretName = regexp.MustCompile(`(^|_)(secret|password|private_keys?)$`)
)

func (c *conformance) describes(t *testing.T) {
	d, schema, err := c.client.Describe(t.Context())
	if err != nil {
		t.Fatalf("describing: %v", err)
	}
	if !strings.HasSuffix(c.suite.Binary, "doorward-plugin-"+d.Mechanism) {
		t.Errorf("mechanism %q is not what the file %s is called after", d.Mechanism, c.suite.Binary)
	}
	if !semver.MatchString(d.Version) {
		t.Errorf("version %q is not semantic", d.Version)
	}
	seen := map[string]bool{}
	for _, o := range schema.Options {
		if !optionName.MatchString(o.Name) || seen[o.Name] {
			t.Errorf("option name %q is odd or occurs twice", o.Name)
		}
		seen[o.Name] = true
		if o.Doc == "" {
			t.Errorf("option %s has no doc", o.Name)
		}
		if secretName.MatchString(o.Name) && !o.Secret {
			t.Errorf("option %s is not marked as secret", o.Name)
		}
	}
}

func (c *conformance) answersByHand(t *testing.T) {
	for _, arg := range []string{"version", "help", "options"} {
		out, err := exec.CommandContext(t.Context(), c.suite.Binary, arg).Output()
		if err != nil || len(out) == 0 {
			t.Errorf("%s %s: %q, %v", c.suite.Binary, arg, out, err)
		}
	}
	if err := exec.CommandContext(t.Context(), c.suite.Binary, "no-such-thing").Run(); err == nil {
		t.Error("an unknown argument is accepted")
	}
}

func (c *conformance) unknownOption(t *testing.T) {
	for _, o := range c.schema(t).Options {
		opts := maps.Clone(c.suite.Options)
		opts[o.Name+"x"] = "1"
		_, err := c.client.Open(t.Context(), Request(opts))
		problems, ok := errors.AsType[options.Problems](err)
		if !ok || !errors.Is(err, sdk.ErrMisconfigured) {
			t.Fatalf("unknown option %sx: got %v, want problems", o.Name, err)
		}
		if len(problems) != 1 || problems[0].Option != o.Name+"x" || !strings.Contains(problems[0].Text, o.Name) {
			t.Errorf("unknown option %sx: %v does not suggest %s", o.Name, problems, o.Name)
		}
		return
	}
}

func (c *conformance) missingOption(t *testing.T) {
	for _, o := range c.schema(t).Options {
		if !o.Required {
			continue
		}
		opts := maps.Clone(c.suite.Options)
		delete(opts, o.Name)
		_, err := c.client.Open(t.Context(), Request(opts))
		problems, ok := errors.AsType[options.Problems](err)
		if !ok || len(problems) != 1 || problems[0].Option != o.Name {
			t.Errorf("required option %s is missing: got %v", o.Name, err)
		}
	}
}

func (c *conformance) secretsInErrors(t *testing.T) {
	const canary = "canary-2f6b,\x01 not-a-number"
	opts := maps.Clone(c.suite.Options)
	for _, o := range c.schema(t).Options {
		if o.Secret {
			opts[o.Name] = canary
		}
	}
	opts["no_such_option"] = canary
	_, err := c.client.Open(t.Context(), Request(opts))
	if err == nil {
		t.Fatal("an unknown option is accepted")
	}
	if strings.Contains(err.Error(), "canary") {
		t.Errorf("the error shows a secret: %v", err)
	}
}

const testState = "c29tZS1vcGFxdWUtc3RhdGUtb2YtdGhlLWhvc3QtMDE"

func (c *conformance) begins(t *testing.T) {
	step, err := c.open(t).Begin(t.Context(), sdk.BeginRequest{State: testState})
	if err != nil {
		t.Fatalf("beginning: %v", err)
	}
	switch s := step.(type) {
	case sdk.Redirect:
		if !strings.Contains(s.URL, testState) || len(s.URL) > sdk.MaxURL {
			t.Errorf("redirect without the state, or too long: %s", s.URL)
		}
	case sdk.FormPost:
		if !strings.Contains(fmt.Sprint(s.Fields), testState) {
			t.Errorf("form without the state")
		}
	case sdk.Prompt:
		if len(s.Fields) == 0 || len(s.Fields) > sdk.MaxPromptFields {
			t.Errorf("prompt with %d fields", len(s.Fields))
		}
	default:
		t.Errorf("a login begins with %T", step)
	}
	if len(memoryOf(step)) > sdk.MaxMemory {
		t.Errorf("%d bytes of memory", len(memoryOf(step)))
	}
}

func memoryOf(step sdk.Step) []byte {
	switch s := step.(type) {
	case sdk.Redirect:
		return s.Memory
	case sdk.FormPost:
		return s.Memory
	case sdk.Prompt:
		return s.Memory
	default:
		return nil
	}
}

func (c *conformance) beginsConcurrently(t *testing.T) {
	providers := []*plugin.Provider{c.open(t), c.open(t), c.open(t)}
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			if _, err := providers[i%len(providers)].Begin(t.Context(), sdk.BeginRequest{State: testState}); err != nil {
				t.Errorf("beginning one of 64 logins: %v", err)
			}
		})
	}
	group.Wait()
}

// nonsense holds responses that no provider would send.
var nonsense = map[string]sdk.InboundRequest{
	"nothing":         {Method: "GET"},
	"a code alone":    {Method: "GET", Query: url.Values{"code": {"x"}}, RawQuery: "code=x"},
	"a state alone":   {Method: "GET", Query: url.Values{"state": {testState}}},
	"twice the same":  {Method: "GET", Query: url.Values{"code": {"x", "y"}, "state": {testState, testState}}},
	"another method":  {Method: "PUT"},
	"a large message": {Method: "POST", Form: url.Values{"SAMLResponse": {strings.Repeat("A", 200<<10)}, "RelayState": {testState}}},
	"odd characters":  {Method: "GET", Query: url.Values{"code": {"\x00\r\n\u202e"}, "state": {testState}}},
}

func (c *conformance) refusesNonsense(t *testing.T) {
	p := c.open(t)
	step, err := p.Begin(t.Context(), sdk.BeginRequest{State: testState})
	if err != nil {
		t.Fatalf("beginning: %v", err)
	}
	for name, response := range nonsense {
		for _, memory := range [][]byte{memoryOf(step), nil, []byte("garbage"), []byte(`{"v":`)} {
			req := sdk.ContinueRequest{State: testState, Memory: memory, Response: response, Unsolicited: memory == nil}
			if got, err := p.Continue(t.Context(), req); !isRefusal(err) {
				t.Errorf("%s with memory %q: got %T, %v; want a refusal", name, memory, got, err)
			}
		}
	}
}

func isRefusal(err error) bool {
	return errors.Is(err, sdk.ErrDenied) || errors.Is(err, sdk.ErrInvalidResponse) || errors.Is(err, sdk.ErrUnavailable)
}

// continuesElsewhere is the promise behind every restart: what Continue needs
// is in the memory, and nowhere else.
func (c *conformance) continuesElsewhere(t *testing.T) {
	here := c.open(t)
	there, err := Start(t, c.suite.Binary).Open(t.Context(), Request(c.suite.Options))
	if err != nil {
		t.Fatalf("opening in a second process: %v", err)
	}
	step, err := here.Begin(t.Context(), sdk.BeginRequest{State: testState})
	if err != nil {
		t.Fatalf("beginning: %v", err)
	}
	denied := url.Values{"error": {"access_denied"}, "state": {testState}}
	req := sdk.ContinueRequest{
		State: testState, Memory: memoryOf(step),
		Response: sdk.InboundRequest{Method: "GET", Query: denied, RawQuery: denied.Encode()},
	}
	_, errHere := here.Continue(t.Context(), req)
	_, errThere := there.Continue(t.Context(), req)
	if !isRefusal(errHere) || fmt.Sprint(errHere) != fmt.Sprint(errThere) {
		t.Errorf("the process that began says %v, another one %v", errHere, errThere)
	}
}

func (c *conformance) obeysDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begun := time.Now()
	if _, err := c.open(t).Begin(ctx, sdk.BeginRequest{State: testState}); !errors.Is(err, plugin.ErrTransport) {
		t.Errorf("with a cancelled context: %v", err)
	}
	if took := time.Since(begun); took > time.Second {
		t.Errorf("with a cancelled context: took %v", took)
	}
}

func (c *conformance) capabilities(t *testing.T) {
	p := c.open(t)
	announced := map[sdk.Capability]bool{}
	for _, capability := range p.Capabilities() {
		announced[capability] = true
	}
	ctx := t.Context()
	for capability, call := range map[sdk.Capability]func() error{
		sdk.CapabilityRefresh:       func() error { _, err := p.Refresh(ctx, nil); return err },
		sdk.CapabilityBeginLogout:   func() error { _, err := p.BeginLogout(ctx, sdk.LogoutRequest{}); return err },
		sdk.CapabilityReceiveLogout: func() error { _, err := p.ReceiveLogout(ctx, sdk.InboundRequest{Method: "GET"}); return err },
		sdk.CapabilityMetadata:      func() error { _, err := p.Metadata(ctx); return err },
		sdk.CapabilityCheck:         func() error { _, err := p.Check(ctx); return err },
	} {
		err := call()
		if unsupported := errors.Is(err, errors.ErrUnsupported); unsupported == announced[capability] {
			t.Errorf("%s: announced %v, but called: %v", capability, announced[capability], err)
		}
		if errors.Is(err, plugin.ErrFault) || errors.Is(err, plugin.ErrTransport) {
			t.Errorf("%s with an empty request is a fault: %v", capability, err)
		}
	}
}

func (c *conformance) forgets(t *testing.T) {
	p, other := c.open(t), c.open(t)
	if err := p.Close(t.Context()); err != nil {
		t.Fatalf("closing: %v", err)
	}
	if _, err := p.Begin(t.Context(), sdk.BeginRequest{State: testState}); !errors.Is(err, plugin.ErrFault) {
		t.Errorf("a closed provider still answers: %v", err)
	}
	if _, err := other.Begin(t.Context(), sdk.BeginRequest{State: testState}); err != nil {
		t.Errorf("closing one provider disturbs another: %v", err)
	}
}
