package plugin

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

func demanding(t *testing.T, d Description) *server {
	t.Helper()
	d.Mechanism, d.Version = "demanding", "1.2.3"
	s, err := newServer(d, func(context.Context, sdk.Env, struct{}) (sdk.Mechanism, error) { return nil, nil }, environment{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A host of the first version does not announce its features and ignores what a plugin
// requires, so the plugin itself refuses.
func TestNewPluginOnAHostOfTheFirstVersion(t *testing.T) {
	for name, test := range map[string]struct {
		d    Description
		says string // empty: it runs
	}{
		"nothing special":      {Description{}, ""},
		"what such a host has": {Description{Requires: []sdk.Feature{"step/prompt", "field/one_time_code"}}, ""},
		"a new step":           {Description{Requires: []sdk.Feature{"step/poll"}}, "plugin demanding 1.2.3 requires (step/poll)"},
		"a state parameter":    {Description{StateParameters: []string{"wctx"}}, "requires (state/parameters)"},
	} {
		_, err := demanding(t, test.d).Describe(t.Context(), &doorwardv1.DescribeRequest{})
		if test.says == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if test.says != "" && (!errors.Is(err, sdk.ErrUnavailable) || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "update doorward")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPluginThatRequiresWhatTheHostLacks(t *testing.T) {
	client := &Client{rpc: hostileProvider(t, hostile{
		describe: &doorwardv1.DescribeResponse{Mechanism: "rusty", Version: "0.9.0", Requires: []string{"step/poll", "step/prompt"}},
	}).rpc}
	client.IntroduceAs("3.2.1")
	_, _, err := client.Describe(t.Context())
	refused, ok := errors.AsType[*sdk.FeaturesError](err)
	if !ok || !errors.Is(err, sdk.ErrUnavailable) || len(refused.Missing) != 1 {
		t.Fatalf("got %v", err)
	}
	for _, says := range []string{"rusty 0.9.0", "step/poll", "doorward 3.2.1", "update doorward"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%q is not in %q", says, err)
		}
	}
}

func TestHostTellsItsFeatures(t *testing.T) {
	s := demanding(t, Description{Requires: []sdk.Feature{sdk.FeatureReturnURL}})
	_, err := s.Describe(t.Context(), &doorwardv1.DescribeRequest{HostVersion: "3.2.1", Features: featuresToWire(sdk.Features())})
	host := s.host.Load()
	if err != nil || host.Version != "3.2.1" || !host.Has(sdk.FeatureReturnURL) || !host.Has("capability/refresh") || host.Has("step/poll") {
		t.Errorf("got %+v, %v", host, err)
	}
}

// All features of the first version are still there.
func TestFeaturesAreNeverTakenAway(t *testing.T) {
	if missing := sdk.NewHost("", sdk.Features()).Missing([]sdk.Feature{
		"step/redirect", "step/form_post", "step/prompt", "step/authenticated", "field/new_password", "error/misconfigured",
		"reason/password_rejected", "capability/check",
	}); len(missing) > 0 {
		t.Errorf("missing %s", missing)
	}
	if sdk.NewHost("", nil).Has(sdk.FeatureReturnURL) {
		t.Error("a host that does not tell has what came later")
	}
}

// A kind of error that is newer than the host counts as the kind that the plugin gives as a
// fallback, otherwise as a fault.
func TestKindOfErrorThatTheHostDoesNotKnow(t *testing.T) {
	for name, test := range map[string]struct {
		fallback doorwardv1.ErrorKind
		want     error
	}{
		"with a fallback":         {doorwardv1.ErrorKind_ERROR_KIND_DENIED, sdk.ErrDenied},
		"without":                 {doorwardv1.ErrorKind_ERROR_KIND_UNSPECIFIED, ErrFault},
		"with one that is as new": {98, ErrFault},
	} {
		err := refusalOf(&doorwardv1.Error{Kind: 99, Reason: "step_up", Fallback: test.fallback}, nil)
		if !errors.Is(err, test.want) || sdk.ReasonOf(err) != "step_up" {
			t.Errorf("%s: %v", name, err)
		}
	}
	known := refusalOf(&doorwardv1.Error{Kind: doorwardv1.ErrorKind_ERROR_KIND_FAULT, Fallback: doorwardv1.ErrorKind_ERROR_KIND_DENIED}, nil)
	if !errors.Is(known, ErrFault) {
		t.Errorf("a fault with a fallback is %v", known)
	}
}

func TestStateParametersThatNoProtocolHas(t *testing.T) {
	for _, names := range [][]string{{""}, {"a b"}, {"1"}, {strings.Repeat("a", 33)}, {"a", "b", "c", "d", "e"}} {
		for _, d := range []Description{{Mechanism: "x", StateParameters: names}, {Mechanism: "x", StateTokens: names}} {
			if _, err := newServer(d, func(context.Context, sdk.Env, struct{}) (sdk.Mechanism, error) { return nil, nil }, environment{}); err == nil {
				t.Errorf("%q: accepted by the plugin", names)
			}
		}
		for _, described := range []*doorwardv1.DescribeResponse{{StateParameters: names}, {StateTokens: names}} {
			client := newClient(hostileProvider(t, hostile{describe: described}).rpc)
			if _, _, err := client.Describe(t.Context()); !errors.Is(err, ErrFault) {
				t.Errorf("%q: %v", names, err)
			}
		}
	}
}

// undecided is a mechanism whose provider replaced the grant, but left the refresh undecided.
type undecided struct{ sdk.Mechanism }

func (undecided) Refresh(context.Context, []byte) (sdk.Refreshed, error) {
	return sdk.Refreshed{Identity: sdk.Identity{Subject: "1", Grant: []byte("new")}, Undecided: sdk.Unavailable("down", "no user info")}, nil
}

// TestUndecidedAtAnOlderHost: a host that would read the answer as a yes gets only the error.
func TestUndecidedAtAnOlderHost(t *testing.T) {
	s := &server{secrets: &secrets{}, opened: map[uint64]*opened{1: {mechanism: undecided{}}}}
	for name, test := range map[string]struct {
		host sdk.Host
		has  bool
	}{
		"of the first version": {sdk.NewHost("", nil), false},
		"of an older version":  {sdk.NewHost("0.1.0", []sdk.Feature{"step/redirect"}), false},
		"of this version":      {sdk.NewHost("0.2.0", sdk.Features()), true},
	} {
		s.host.Store(&test.host)
		resp, err := s.Refresh(t.Context(), &doorwardv1.RefreshRequest{Handle: 1})
		if test.has && (err != nil || resp.GetUndecided() == nil || string(resp.GetIdentity().GetGrant()) != "new") {
			t.Errorf("%s: %v, %v", name, resp, err)
		}
		if !test.has && (resp != nil || !errors.Is(err, sdk.ErrUnavailable)) {
			t.Errorf("%s: %v, %v", name, resp, err)
		}
	}
}
