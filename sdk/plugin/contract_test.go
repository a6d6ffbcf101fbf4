package plugin_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

// logged keeps the log of a plugin.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// take returns what was logged since its last call.
func (l *logged) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// returning is a mechanism whose calls return a value of a case.
func returning(value any) capable {
	step, _ := value.(sdk.Step)
	return capable{
		scripted: scripted{cont: func(context.Context, sdk.ContinueRequest) (sdk.Step, error) { return step, nil }},
		inbound:  func(sdk.LogoutMessage) (sdk.Logout, error) { return value.(sdk.Logout), nil },
		metadata: func() (sdk.Document, error) { return value.(sdk.Document), nil },
		check:    func() ([]sdk.Finding, error) { return value.([]sdk.Finding), nil },
	}
}

// callFor makes the call that returns the value of a case.
func callFor(ctx context.Context, p *plugin.Provider, value any) (err error) {
	switch value.(type) {
	case sdk.Logout:
		_, err = p.ReceiveLogout(ctx, sdk.LogoutMessage{State: "s"})
	case sdk.Document:
		_, err = p.Metadata(ctx)
	case []sdk.Finding:
		_, err = p.Check(ctx)
	default:
		_, err = p.Continue(ctx, sdk.ContinueRequest{})
	}
	return err
}

// The author of a plugin reads the name of the broken rule in the plugin's log and in the
// host's error.
func TestContractInThePlugin(t *testing.T) {
	var log logged
	var m *capable
	open := func(context.Context, sdk.Env, noOptions) (sdk.Mechanism, error) { return m, nil }
	client := plugintest.ServeLogged(t, about, open, &log)
	for _, c := range contract.Cases(time.Now().Truncate(time.Second)) {
		mechanism := returning(c.Value)
		m = &mechanism
		p, err := client.Open(t.Context(), plugintest.Request(nil))
		if err != nil {
			t.Fatal(err)
		}
		err = callFor(t.Context(), p, c.Value)
		said := log.take()
		_, isCheck := c.Value.([]sdk.Finding)
		switch {
		case c.Rule == "" && (err != nil || strings.Contains(said, `"rule":`)):
			t.Errorf("%s: %v; log %s", c.Name, err, said)
		case c.Rule == "":
		case isCheck && err != nil:
			t.Errorf("%s: %v; the host shows findings as well as it can", c.Name, err)
		case !isCheck && (err == nil || !strings.Contains(err.Error(), "breaks the rule "+string(c.Rule))):
			t.Errorf("%s: the host gets %v, want the rule %s", c.Name, err, c.Rule)
		case !strings.Contains(said, `"rule":"`+string(c.Rule)+`"`) || !strings.Contains(said, `"provider":"test"`):
			t.Errorf("%s: the log does not name the rule %s and the provider: %s", c.Name, c.Rule, said)
		case !isCheck && !errors.Is(err, plugin.ErrFault) && !errors.Is(err, sdk.ErrInvalidResponse):
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

// A surname with a line break, an e-mail address of 1,106 bytes and a group with a
// tab come from a real identity provider. All three sign in.
func TestWhatOnlyDecoratesNeverEndsALogin(t *testing.T) {
	var log logged
	m := returning(sdk.Authenticated{Identity: sdk.Identity{
		Subject: "1", FamilyName: "van\nDyke", Email: strings.Repeat("e", 1106), EmailVerified: true,
		Groups: []string{"staff", "a\tb", "\xff"}, Username: "J\xfcrgen", Warnings: []string{"title is left out: it is a number"},
	}})
	client := plugintest.ServeLogged(t, about, opening[noOptions](m), &log)
	p, err := client.Open(t.Context(), plugintest.Request(nil))
	if err != nil {
		t.Fatal(err)
	}
	step, err := p.Continue(t.Context(), sdk.ContinueRequest{})
	if err != nil {
		t.Fatal(err)
	}
	i := step.(sdk.Authenticated).Identity
	if i.FamilyName != "van Dyke" || i.Email != "" || i.EmailVerified || len(i.Groups) != 1 || i.Username != "" {
		t.Errorf("got %+v", i)
	}
	said := log.take()
	for _, what := range []string{"family name", "e-mail address", "group: 2 of 3", "username", "title"} {
		if !strings.Contains(said, what) {
			t.Errorf("the log does not tell of the %s: %s", what, said)
		}
	}
}
