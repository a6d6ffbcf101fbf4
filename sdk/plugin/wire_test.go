package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/outbound"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

var about = plugin.Description{Mechanism: "scripted", Version: "1.2.3", RegistersByDefault: true, RolesByGroupNameWith: []string{"group_dn"}, MaxInbound: 100_000}

type noOptions struct{}

// scripted is a mechanism that does what the test says.
type scripted struct {
	begin func(context.Context, sdk.BeginRequest) (sdk.Step, error)
	cont  func(context.Context, sdk.ContinueRequest) (sdk.Step, error)
}

func (s scripted) Begin(ctx context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	return s.begin(ctx, req)
}

func (s scripted) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	return s.cont(ctx, req)
}

// capable has all optional interfaces as well.
type capable struct {
	scripted
	refresh  func(grant []byte) (sdk.Refreshed, error)
	logout   func(sdk.LogoutRequest) (sdk.Step, error)
	inbound  func(sdk.LogoutMessage) (sdk.Logout, error)
	metadata func() (sdk.Document, error)
	check    func() ([]sdk.Finding, error)
}

func (c capable) Refresh(_ context.Context, grant []byte) (sdk.Refreshed, error) {
	return c.refresh(grant)
}

func (c capable) BeginLogout(_ context.Context, req sdk.LogoutRequest) (sdk.Step, error) {
	return c.logout(req)
}

func (c capable) ReceiveLogout(_ context.Context, req sdk.LogoutMessage) (sdk.Logout, error) {
	return c.inbound(req)
}

func (c capable) Metadata(context.Context) (sdk.Document, error) { return c.metadata() }
func (c capable) Check(context.Context) ([]sdk.Finding, error)   { return c.check() }

func opening[C any](m sdk.Mechanism) func(context.Context, sdk.Env, C) (sdk.Mechanism, error) {
	return func(context.Context, sdk.Env, C) (sdk.Mechanism, error) { return m, nil }
}

// open does not check the contract: these tests are about the wire.
func open(t testing.TB, m sdk.Mechanism) *plugin.Provider {
	t.Helper()
	p, err := plugintest.ServeUnchecked(t, about, opening[noOptions](m)).Open(t.Context(), plugintest.Request(nil))
	if err != nil {
		t.Fatalf("opening the provider: %v", err)
	}
	return p
}

// beginning opens a mechanism whose Begin returns this.
func beginning(t testing.TB, step sdk.Step, err error) *plugin.Provider {
	t.Helper()
	return open(t, scripted{begin: func(context.Context, sdk.BeginRequest) (sdk.Step, error) { return step, err }})
}

// fullIdentity has every field set. A field that is missing here fails the test
// below, and one that is missing on the wire fails its comparison.
var fullIdentity = sdk.Identity{
	Subject: "248289761001", Username: "jane", Email: "jane@example.com", EmailVerified: true,
	GivenName: "Jane", FamilyName: "Døe", Name: "Jane \u202eDoe", Groups: []string{"staff", "admins", ""},
	Aliases: []string{"uid=janedoe,dc=example"}, AuthTime: time.Unix(1311280969, 123456789), AMR: []string{"pwd", "otp"}, ACR: "urn:mace:incommon:iap:silver",
	Claims: map[string]any{
		"sub": "248289761001", "client": json.Number("123456789012345678"), "huge": json.Number("12345678901234567890123.5e-7"),
		"ok": true, "nothing": nil, "html": "<a&b>", "list": []any{json.Number("1"), "two", map[string]any{}}, "empty": []any{},
		"address": map[string]any{"locality": "Anytown"},
	},
	Grant: []byte("\x00\xffgrant"), ExpiresAt: time.Unix(4102444800, 0),
	OnceID: "_8e8dc5f69a98cc4c1ff3427e5ce34606fd672f91e6", OnceUntil: time.Unix(4102444800, 1),
	SessionID: "_session", LogoutSubject: "_nameid", PasswordExpiresAt: time.Unix(4102444800, 2), GroupsUnknown: true,
}

func everyFieldIsSet(t *testing.T, value any) {
	t.Helper()
	v := reflect.ValueOf(value)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "Warnings" { // which are for the log of the plugin
			t.Errorf("the test does not set %s.%s", v.Type(), v.Type().Field(i).Name)
		}
	}
}

func TestSteps(t *testing.T) {
	everyFieldIsSet(t, fullIdentity)
	memory := []byte("\x00\xff memory")
	for name, step := range map[string]sdk.Step{
		"redirect":                sdk.Redirect{URL: "https://op.example/authorize?a=b&c=%20", Memory: memory},
		"redirect without memory": sdk.Redirect{URL: "https://op.example/"},
		"form post": sdk.FormPost{URL: "https://idp.example/sso", Memory: memory, Fields: []sdk.FormField{
			{Name: "SAMLRequest", Value: "PHNhbWw+\r\n"}, {Name: "RelayState", Value: "s"}, {Name: "RelayState", Value: ""},
		}},
		"prompt": sdk.Prompt{Reason: sdk.ReasonBadCredentials, Memory: memory, Fields: []sdk.PromptField{
			{Name: "name", Kind: sdk.FieldUsername, Label: "Name <b>", Optional: true}, {Name: "code", Kind: sdk.FieldOneTimeCode},
		}},
		"authenticated":             sdk.Authenticated{Identity: fullIdentity},
		"authenticated, bare":       sdk.Authenticated{Identity: sdk.Identity{Subject: "1"}},
		"authenticated, no claims":  sdk.Authenticated{Identity: sdk.Identity{Subject: "1", Claims: map[string]any{}}},
		"authenticated, 1970-01-01": sdk.Authenticated{Identity: sdk.Identity{Subject: "1", AuthTime: time.Unix(0, 0)}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := beginning(t, step, nil).Begin(t.Context(), sdk.BeginRequest{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(step, got); diff != "" {
				t.Errorf("(-sent +received):\n%s", diff)
			}
		})
	}
}

func TestStepsThatAreNone(t *testing.T) {
	for name, step := range map[string]sdk.Step{
		"nil":                            nil,
		"a pointer":                      &sdk.Redirect{},
		"claims that are no JSON":        sdk.Authenticated{Identity: sdk.Identity{Claims: map[string]any{"f": func() {}}}},
		"K04 user name that is no UTF-8": sdk.Authenticated{Identity: sdk.Identity{Username: "J\xfcrgen"}},
		"K04 URL that is no UTF-8":       sdk.Redirect{URL: "https://op.example/\xff"},
		"a time that has no year":        sdk.Authenticated{Identity: sdk.Identity{ExpiresAt: time.Date(30828, 1, 1, 0, 0, 0, 0, time.UTC)}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := beginning(t, step, nil).Begin(t.Context(), sdk.BeginRequest{})
			if !errors.Is(err, plugin.ErrFault) || errors.Is(err, plugin.ErrTransport) {
				t.Errorf("got %T, %v; want a fault", got, err)
			}
		})
	}
}

func TestK04ClaimsBeyondTheLimit(t *testing.T) {
	many := sdk.Identity{Subject: "1", Claims: map[string]any{"c": strings.Repeat("c", sdk.MaxClaims)}}
	_, err := beginning(t, sdk.Authenticated{Identity: many}, nil).Begin(t.Context(), sdk.BeginRequest{})
	if !errors.Is(err, sdk.ErrInvalidResponse) || sdk.ReasonOf(err) != "claims_too_large" {
		t.Errorf("got %v", err)
	}
}

func TestBeginAndContinueRequests(t *testing.T) {
	beginWant := sdk.BeginRequest{
		State: "s", LoginHint: "jane@example.com", Consent: true,
		CallbackURL: "https://a.example/callback", ReturnURL: "https://a.example/callback?state=s",
	}
	contWant := sdk.ContinueRequest{
		State: "s", Memory: []byte("\x00\xff"), Unsolicited: true, CallbackURL: "https://a.example/callback",
		Answers: map[string]string{"name": "jane", "password": "p,\x00 \"", "empty": ""},
		Response: sdk.InboundRequest{
			Method: "POST", RawQuery: "a=1&a=2&%62=%00",
			Query: url.Values{"a": {"1", "2"}, "b": {"\x00"}, "": {""}}, Form: url.Values{"SAMLResponse": {"PHNhbWw+"}, "z": {""}},
		},
	}
	everyFieldIsSet(t, beginWant)
	everyFieldIsSet(t, contWant)
	everyFieldIsSet(t, contWant.Response)
	var beginGot sdk.BeginRequest
	var contGot sdk.ContinueRequest
	p := open(t, scripted{
		begin: func(_ context.Context, req sdk.BeginRequest) (sdk.Step, error) {
			beginGot = req
			return sdk.Redirect{}, nil
		},
		cont: func(_ context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
			contGot = req
			return sdk.Redirect{}, nil
		},
	})
	_, beginErr := p.Begin(t.Context(), beginWant)
	_, contErr := p.Continue(t.Context(), contWant)
	if err := errors.Join(beginErr, contErr); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(beginWant, beginGot) + cmp.Diff(contWant, contGot); diff != "" {
		t.Errorf("(-sent +received):\n%s", diff)
	}
}

func TestCapabilities(t *testing.T) {
	identity := fullIdentity
	logout := sdk.Logout{
		Outcome: sdk.LogoutPartial, Subject: "1", SessionIDs: []string{"sid", "sid2"}, Reply: sdk.Redirect{URL: "https://idp.example/"}, OnceID: "jti", OnceUntil: time.Unix(4102444800, 0), Framed: true,
	}
	document := sdk.Document{ContentType: "application/samlmetadata+xml", Content: []byte("<x/>\xff")}
	findings := []sdk.Finding{{Severity: sdk.SeverityOK, Subject: "discovery", Text: "found"}, {Severity: sdk.SeverityWarning, Subject: "a", Text: "b", ExpiresAt: time.Unix(4102444800, 0)}}
	logoutRequest := sdk.LogoutRequest{State: "s", Subject: "1", Grant: []byte{0xff}, ReturnURL: "https://a.example/logout?state=s"}
	inbound := sdk.LogoutMessage{
		Request: sdk.InboundRequest{Method: "GET", Query: url.Values{"logout_token": {"x"}}, RawQuery: "logout_token=x"},
		State:   "s", Memory: []byte{0, 0xff},
	}
	everyFieldIsSet(t, inbound)
	everyFieldIsSet(t, logout)
	everyFieldIsSet(t, logoutRequest)
	sent := map[string]any{}
	p := open(t, capable{
		refresh: func(grant []byte) (sdk.Refreshed, error) {
			sent["grant"] = grant
			return sdk.Refreshed{Identity: identity}, nil
		},
		logout: func(req sdk.LogoutRequest) (sdk.Step, error) {
			sent["logout"] = req
			return sdk.FormPost{URL: "https://idp.example"}, nil
		},
		inbound:  func(req sdk.LogoutMessage) (sdk.Logout, error) { sent["inbound"] = req; return logout, nil },
		metadata: func() (sdk.Document, error) { return document, nil },
		check:    func() ([]sdk.Finding, error) { return findings, nil },
	})
	refreshed, err1 := p.Refresh(t.Context(), []byte{0, 0xff})
	step, err2 := p.BeginLogout(t.Context(), logoutRequest)
	gotLogout, err3 := p.ReceiveLogout(t.Context(), inbound)
	gotDocument, err4 := p.Metadata(t.Context())
	gotFindings, err5 := p.Check(t.Context())
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	got := []any{p.Capabilities(), refreshed.Identity, step, gotLogout, gotDocument, gotFindings, sent}
	want := []any{
		[]sdk.Capability{
			sdk.CapabilityRefresh, sdk.CapabilityBeginLogout, sdk.CapabilityReceiveLogout, sdk.CapabilityMetadata, sdk.CapabilityCheck,
		},
		identity, sdk.FormPost{URL: "https://idp.example"}, logout, document, findings,
		map[string]any{"grant": []byte{0, 0xff}, "logout": logoutRequest, "inbound": inbound},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestUndecidedRefresh: the new grant arrives with the reason.
func TestUndecidedRefresh(t *testing.T) {
	p := open(t, capable{refresh: func([]byte) (sdk.Refreshed, error) {
		return sdk.Refreshed{
			Identity: sdk.Identity{Subject: "1", Grant: []byte("new")}, Undecided: sdk.Unavailable("userinfo_status", "the endpoint answers with status %d", 503),
		}, nil
	}})
	got, err := p.Refresh(t.Context(), []byte("old"))
	if err != nil || got.Identity.Subject != "1" || string(got.Identity.Grant) != "new" {
		t.Errorf("%+v, %v", got, err)
	}
	if !errors.Is(got.Undecided, sdk.ErrUnavailable) || sdk.ReasonOf(got.Undecided) != "userinfo_status" || !strings.Contains(got.Undecided.Error(), "503") {
		t.Errorf("undecided: %v", got.Undecided)
	}
}

func TestLogoutWithNothingToDo(t *testing.T) {
	p := open(t, capable{
		logout:  func(sdk.LogoutRequest) (sdk.Step, error) { return nil, nil },
		inbound: func(sdk.LogoutMessage) (sdk.Logout, error) { return sdk.Logout{SessionIDs: []string{"sid"}}, nil },
	})
	step, err1 := p.BeginLogout(t.Context(), sdk.LogoutRequest{})
	logout, err2 := p.ReceiveLogout(t.Context(), sdk.LogoutMessage{})
	if err := errors.Join(err1, err2); err != nil || step != nil || logout.Reply != nil {
		t.Errorf("got %v, %v, %v; want no step", step, logout.Reply, err)
	}
}

func TestLogoutCannotAskOrSignIn(t *testing.T) {
	for _, step := range []sdk.Step{sdk.Prompt{}, sdk.Authenticated{}} {
		p := open(t, capable{
			logout:  func(sdk.LogoutRequest) (sdk.Step, error) { return step, nil },
			inbound: func(sdk.LogoutMessage) (sdk.Logout, error) { return sdk.Logout{Subject: "1", Reply: step}, nil },
		})
		if _, err := p.BeginLogout(t.Context(), sdk.LogoutRequest{}); !errors.Is(err, plugin.ErrFault) {
			t.Errorf("BeginLogout with a %T: %v", step, err)
		}
		if got, err := p.ReceiveLogout(t.Context(), sdk.LogoutMessage{}); !errors.Is(err, plugin.ErrFault) || got.Subject != "" {
			t.Errorf("ReceiveLogout with a %T: %+v, %v", step, got, err)
		}
	}
}

func TestAbsentCapabilities(t *testing.T) {
	p := beginning(t, sdk.Redirect{}, nil)
	if got := p.Capabilities(); got != nil {
		t.Errorf("announced: %v", got)
	}
	// Otherwise every call over the wire would fail with this context.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, refresh := p.Refresh(ctx, nil)
	_, logout := p.BeginLogout(ctx, sdk.LogoutRequest{})
	_, inbound := p.ReceiveLogout(ctx, sdk.LogoutMessage{})
	_, metadata := p.Metadata(ctx)
	_, check := p.Check(ctx)
	for i, err := range []error{refresh, logout, inbound, metadata, check} {
		if !errors.Is(err, errors.ErrUnsupported) || errors.Is(err, plugin.ErrTransport) {
			t.Errorf("capability %d: %v", i, err)
		}
	}
}

type typedOptions struct {
	ClientID string            `option:"client_id,required" doc:"client identifier" default:""`
	Secret   options.Secret    `option:"client_secret" doc:"secret"`
	Limit    int               `option:"limit" doc:"limit" default:"10"`
	Scope    []string          `option:"scope" doc:"scopes" default:"openid"`
	Params   map[string]string `option:"params" doc:"parameters"`
	Client   map[string]any    `option:"client" doc:"object"`
	Mapping  options.JSON      `option:"mapping" doc:"roles by group, in order"`
	Method   string            `option:"method" doc:"method" oneof:"post|basic" default:"post"`
}

func TestOpenRequest(t *testing.T) {
	now := time.Unix(1700000000, 0)
	var env sdk.Env
	var opts typedOptions
	client := plugintest.Serve(t, about, func(_ context.Context, e sdk.Env, o typedOptions) (sdk.Mechanism, error) {
		env, opts = e, o
		return scripted{}, nil
	}, func() time.Time { return now })
	req := plugin.OpenRequest{
		Provider: "keycloak", CallbackURL: "https://a.example/cb", MetadataURL: "https://a.example/md", LogoutURL: "https://a.example/lo",
		Options: map[string]any{
			"client_id": json.Number("123456789012345678"), "client_secret": options.Secret("a,<b>&\u00e9\x01"), "limit": "7",
			"scope": []string{"a", "b,c"}, "params__x": "true", "params": map[string]string{"y": "<>"},
			"client": map[string]any{"n": json.Number("12345678901234567890")}, "client__tls": map[string]any{"min": "1.3"},
			"mapping": options.JSON(`{"b":"<x>","a":12345678901234567890}`),
		},
		Outbound: outbound.Settings{Proxy: "direct"},
	}
	everyFieldIsSet(t, req)
	if _, err := client.Open(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	want := typedOptions{
		ClientID: "123456789012345678", Secret: "a,<b>&\u00e9\x01", Limit: 7, Scope: []string{"a", "b,c"},
		Params: map[string]string{"x": "true", "y": "<>"}, Method: "post",
		Client:  map[string]any{"n": json.Number("12345678901234567890"), "tls": map[string]any{"min": "1.3"}},
		Mapping: options.JSON(`{"b":"<x>","a":12345678901234567890}`),
	}
	if opts.Secret != want.Secret {
		t.Errorf("secret: got %q, want %q", opts.Secret.Reveal(), want.Secret.Reveal())
	}
	if diff := cmp.Diff(want, opts); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	everyFieldIsSet(t, env)
	got := []string{env.Provider, env.CallbackURL, env.MetadataURL, env.LogoutURL, env.Now().String()}
	if diff := cmp.Diff([]string{req.Provider, req.CallbackURL, req.MetadataURL, req.LogoutURL, now.String()}, got); diff != "" {
		t.Errorf("env (-want +got):\n%s", diff)
	}
}

func TestMappingAsTextKeepsItsOrder(t *testing.T) {
	const mapping = ` {"b": 1, "a": 2}`
	var got options.JSON
	client := plugintest.Serve(t, about, func(_ context.Context, _ sdk.Env, o typedOptions) (sdk.Mechanism, error) {
		got = o.Mapping
		return scripted{}, nil
	}, nil)
	_, err := client.Open(t.Context(), plugintest.Request(map[string]any{"client_id": "x", "mapping": mapping}))
	if want := `{"b":1,"a":2}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestDescribe(t *testing.T) {
	client := plugintest.Serve(t, about, opening[typedOptions](scripted{}), nil)
	d, schema, err := client.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, err := options.SchemaOf[typedOptions]()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(about, d) + cmp.Diff(want, schema); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHundredProvidersInOneProcess(t *testing.T) {
	type named struct {
		Name string `option:"name"`
	}
	client := plugintest.Serve(t, about, func(_ context.Context, env sdk.Env, o named) (sdk.Mechanism, error) {
		return scripted{begin: func(_ context.Context, req sdk.BeginRequest) (sdk.Step, error) {
			return sdk.Redirect{URL: fmt.Sprint("https://op.example/", env.Provider, "/", o.Name, "/", req.State)}, nil
		}}, nil
	}, nil)
	const count = 100
	providers := make([]*plugin.Provider, count)
	var group sync.WaitGroup
	for i := range count {
		group.Go(func() {
			p, err := client.Open(t.Context(), plugin.OpenRequest{Provider: fmt.Sprint("p", i), Options: map[string]any{"name": fmt.Sprint("n", i)}})
			if err != nil {
				t.Errorf("opening %d: %v", i, err)
			}
			providers[i] = p
		})
	}
	group.Wait()
	if slices.Contains(providers, nil) {
		t.FailNow()
	}
	for call := range 10 * count {
		group.Go(func() {
			i := call % count
			got, err := providers[i].Begin(t.Context(), sdk.BeginRequest{State: fmt.Sprint("s", call)})
			if want := (sdk.Redirect{URL: fmt.Sprintf("https://op.example/p%d/n%d/s%d", i, i, call)}); !cmp.Equal(got, sdk.Step(want)) {
				t.Errorf("provider %d: got %v, %v", i, got, err)
			}
		})
	}
	group.Wait()
}

func TestClosedProvider(t *testing.T) {
	client := plugintest.ServeUnchecked(t, about, opening[noOptions](scripted{
		begin: func(context.Context, sdk.BeginRequest) (sdk.Step, error) { return sdk.Redirect{}, nil },
	}))
	p, err1 := client.Open(t.Context(), plugin.OpenRequest{})
	other, err2 := client.Open(t.Context(), plugin.OpenRequest{})
	if err := errors.Join(err1, err2, p.Close(t.Context()), p.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Begin(t.Context(), sdk.BeginRequest{}); !errors.Is(err, plugin.ErrFault) {
		t.Errorf("unknown handle: %v", err)
	}
	if _, err := other.Begin(t.Context(), sdk.BeginRequest{}); err != nil {
		t.Errorf("the other provider: %v", err)
	}
}
