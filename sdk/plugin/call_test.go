package plugin_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

var capitals = regexp.MustCompile(`([a-z])([A-Z])`)

// The table of calls and the service on the wire name the same calls.
func TestEachCallIsOnTheWire(t *testing.T) {
	var rpcs []string
	for _, m := range doorwardv1.PluginService_ServiceDesc.Methods {
		if !slices.Contains([]string{"Describe", "Open", "Close"}, m.MethodName) {
			rpcs = append(rpcs, strings.ToLower(capitals.ReplaceAllString(m.MethodName, "${1}_${2}")))
		}
	}
	var calls []string
	for _, c := range sdk.Calls() {
		calls = append(calls, string(c))
		if c.Deadline() <= 0 {
			t.Errorf("%s has no deadline", c)
		}
	}
	slices.Sort(rpcs)
	slices.Sort(calls)
	if diff := cmp.Diff(calls, rpcs); diff != "" {
		t.Errorf("(-table +wire):\n%s", diff)
	}
}

type (
	onlyRefresh  struct{ scripted }
	onlyBegin    struct{ scripted }
	onlyReceive  struct{ scripted }
	onlyMetadata struct{ scripted }
	onlyCheck    struct{ scripted }
)

// errArrived says that a call reached the mechanism.
var errArrived = sdk.Denied("arrived", "here it is")

func (onlyRefresh) Refresh(context.Context, []byte) (sdk.Refreshed, error) {
	return sdk.Refreshed{}, errArrived
}
func (onlyBegin) BeginLogout(context.Context, sdk.LogoutRequest) (sdk.Step, error) {
	return nil, errArrived
}
func (onlyReceive) ReceiveLogout(context.Context, sdk.LogoutMessage) (sdk.Logout, error) {
	return sdk.Logout{}, errArrived
}
func (onlyMetadata) Metadata(context.Context) (sdk.Document, error) {
	return sdk.Document{}, errArrived
}
func (onlyCheck) Check(context.Context) ([]sdk.Finding, error) { return nil, errArrived }

// This fails for a row of the table that the wire does not carry: it is not announced, or
// the call does not arrive.
func TestEachCapabilityIsOnTheWire(t *testing.T) {
	rows := map[sdk.Capability]struct {
		only sdk.Mechanism
		call func(context.Context, *plugin.Provider) error
	}{
		sdk.CapabilityRefresh: {onlyRefresh{}, func(ctx context.Context, p *plugin.Provider) error {
			_, err := p.Refresh(ctx, nil)
			return err
		}},
		sdk.CapabilityBeginLogout: {onlyBegin{}, func(ctx context.Context, p *plugin.Provider) error {
			_, err := p.BeginLogout(ctx, sdk.LogoutRequest{})
			return err
		}},
		sdk.CapabilityReceiveLogout: {onlyReceive{}, func(ctx context.Context, p *plugin.Provider) error {
			_, err := p.ReceiveLogout(ctx, sdk.LogoutMessage{})
			return err
		}},
		sdk.CapabilityMetadata: {onlyMetadata{}, func(ctx context.Context, p *plugin.Provider) error {
			_, err := p.Metadata(ctx)
			return err
		}},
		sdk.CapabilityCheck: {onlyCheck{}, func(ctx context.Context, p *plugin.Provider) error {
			_, err := p.Check(ctx)
			return err
		}},
	}
	for _, c := range sdk.AllCapabilities() {
		row, ok := rows[c]
		if !ok {
			t.Errorf("this test has no row for %s", c)
			continue
		}
		p := open(t, row.only)
		if got := p.Capabilities(); !slices.Equal(got, []sdk.Capability{c}) {
			t.Errorf("%s alone is announced as %s", c, got)
		}
		for other, o := range rows {
			err := o.call(t.Context(), p)
			lacking, lacks := errors.AsType[*sdk.LackingError](err)
			switch {
			case other == c && sdk.ReasonOf(err) != "arrived":
				t.Errorf("%s does not arrive: %v", c, err)
			case other != c && (!lacks || lacking.Capability != other || !errors.Is(err, errors.ErrUnsupported)):
				t.Errorf("with %s alone, %s is reported as %v", c, other, err)
			}
		}
	}
}

func TestMechanismThatLacks(t *testing.T) {
	_, err := sdk.As[sdk.Refresher](scripted{}, sdk.CapabilityRefresh)
	if lacking, ok := errors.AsType[*sdk.LackingError](err); !ok || lacking.Capability != sdk.CapabilityRefresh {
		t.Errorf("got %v", err)
	}
	if _, err := sdk.As[sdk.Refresher](onlyRefresh{}, sdk.CapabilityRefresh); err != nil {
		t.Error(err)
	}
}
