package plugintest

import (
	"context"
	"errors"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugin"
)

// Suite describes the plugin to test.
type Suite struct {
	// Binary is the path of the built plugin.
	Binary string

	// Options are valid options of a provider that responds. Begin must work with
	// them; nobody signs in unless SignIn is set.
	Options map[string]any

	// SignIn does what the provider and the end user would do with a step: it
	// returns the Response with which the browser comes back from a Redirect
	// or FormPost, or the Answers to a Prompt. The other fields of the request are
	// ignored. SignIn may be nil, but only with it can the suite prove that a login
	// survives the process that began it.
	SignIn func(t *testing.T, step sdk.Step) sdk.ContinueRequest
}

// Conformance checks that a plugin binary keeps the contract.
func Conformance(t *testing.T, suite Suite) {
	c := &conformance{suite: suite}
	client, kill := c.start(t)
	c.client = client
	c.secrets = secretTexts(c.schema(t), suite.Options)
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"describes itself", c.describes},
		{"answers by hand", c.answersByHand},
		{"refuses an unknown option with a suggestion", c.unknownOption},
		{"names a missing required option", c.missingOption},
		{"keeps secrets out of errors", c.secretsInErrors},
		{"begins with a step that the host accepts", c.begins},
		{"begins many logins at once", c.beginsConcurrently},
		{"refuses nonsense as a response", c.refusesNonsense},
		{"continues in another process", c.continuesElsewhere},
		{"gives up with its caller", c.givesUp},
		{"has what it announces", c.capabilities},
		{"forgets a closed provider", c.forgets},
		{"ends with its host", c.endsWithItsHost},
	} {
		t.Run(test.name, test.run)
	}
	kill() // so that the log is complete
	t.Run("keeps secrets out of the log", c.secretsInLog)
}

type conformance struct {
	suite   Suite
	client  *plugin.Client
	log     recording
	secrets map[string]string // of the valid options, by name
	begun   bool              // Begin returns a step that the host accepts
}

func (c *conformance) start(t *testing.T) (client *plugin.Client, kill func()) {
	t.Helper()
	config := processConfig(t, c.suite.Binary)
	config.Stderr = &c.log
	return connect(t, config)
}

func (c *conformance) open(t *testing.T) *plugin.Provider {
	t.Helper()
	return c.openIn(t, c.client)
}

func (c *conformance) openIn(t *testing.T, client *plugin.Client) *plugin.Provider {
	t.Helper()
	p, err := client.Open(t.Context(), Request(c.suite.Options))
	if err != nil {
		t.Fatalf("opening a provider with valid options: %v", err)
	}
	return p
}

// options returns a copy of the valid options, to change.
func (c *conformance) options() map[string]any {
	opts := map[string]any{}
	maps.Copy(opts, c.suite.Options)
	return opts
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
	if file := filepath.Base(c.suite.Binary); strings.TrimSuffix(file, ".exe") != "doorward-plugin-"+d.Mechanism {
		t.Errorf("the file %s must be called doorward-plugin-%s, after its mechanism", file, d.Mechanism)
	}
	if !semver.MatchString(d.Version) {
		t.Errorf("version %q is not a semantic version (semver.org)", d.Version)
	}
	seen := map[string]bool{}
	for _, o := range schema.Options {
		if !optionName.MatchString(o.Name) || seen[o.Name] {
			t.Errorf("option name %q does not consist of lower-case letters, digits and underscores, or occurs twice", o.Name)
		}
		seen[o.Name] = true
		if o.Doc == "" {
			t.Errorf("option %s has no doc text", o.Name)
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
	schema := c.schema(t)
	if len(schema.Options) == 0 {
		t.Skip("the plugin has no options")
	}
	known := schema.Options[0].Name
	opts := c.options()
	opts[known+"x"] = "1"
	_, err := c.client.Open(t.Context(), Request(opts))
	problems, _ := errors.AsType[options.Problems](err)
	if !errors.Is(err, sdk.ErrMisconfigured) || len(problems) != 1 || problems[0].Option != known+"x" {
		t.Fatalf("unknown option %sx: got %v, want one problem with this option", known, err)
	}
	if !strings.Contains(problems[0].Text, known) {
		t.Errorf("unknown option %sx: %q does not suggest %s", known, problems[0].Text, known)
	}
}

func (c *conformance) missingOption(t *testing.T) {
	for _, o := range c.schema(t).Options {
		if !o.Required {
			continue
		}
		opts := c.options()
		for name := range opts {
			if name == o.Name || strings.HasPrefix(name, o.Name+"__") {
				delete(opts, name)
			}
		}
		_, err := c.client.Open(t.Context(), Request(opts))
		problems, _ := errors.AsType[options.Problems](err)
		if !errors.Is(err, sdk.ErrMisconfigured) || len(problems) != 1 || problems[0].Option != o.Name {
			t.Errorf("required option %s is missing: got %v, want one problem with this option", o.Name, err)
		}
	}
}

const testState = "c29tZS1vcGFxdWUtc3RhdGUtb2YtdGhlLWhvc3QtMDE"

// begin is for the checks that need a login. They are skipped if no login begins, which
// a separate check reports.
func (c *conformance) begin(t *testing.T, p *plugin.Provider) sdk.Step {
	t.Helper()
	c.needsLogin(t)
	step, err := p.Begin(t.Context(), sdk.BeginRequest{State: testState})
	if err != nil {
		t.Fatalf("beginning: %v", err)
	}
	return step
}

func (c *conformance) needsLogin(t *testing.T) {
	t.Helper()
	if !c.begun {
		t.Skip("Begin does not work")
	}
}

func (c *conformance) begins(t *testing.T) {
	c.begun = true
	defer func() { c.begun = !t.Failed() }()
	step := c.begin(t, c.open(t))
	if err := errors.Join(contract.CheckBegin(step), contract.CarriesState(step, testState)); err != nil {
		t.Error(err)
	}
}

func (c *conformance) beginsConcurrently(t *testing.T) {
	c.needsLogin(t)
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

func (c *conformance) givesUp(t *testing.T) {
	p := c.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Begin(ctx, sdk.BeginRequest{State: testState}); !errors.Is(err, context.Canceled) {
		t.Errorf("Begin with a cancelled context: got %v, want context.Canceled", err)
	}
	c.begin(t, p)
}

func (c *conformance) forgets(t *testing.T) {
	p, other := c.open(t), c.open(t)
	if err := p.Close(t.Context()); err != nil {
		t.Fatalf("closing: %v", err)
	}
	if _, err := p.Begin(t.Context(), sdk.BeginRequest{State: testState}); !errors.Is(err, plugin.ErrFault) {
		t.Errorf("Begin of a closed provider: got %v, want a fault", err)
	}
	c.begin(t, other)
}
