package main

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/saml/samltest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

const (
	idpURL  = "https://idp.example"
	ourBase = "http://localhost:8055/auth/login/test"
	acsURL  = ourBase + "/callback"
	sloURL  = ourBase + "/logout"
	usURL   = ourBase + "/metadata"
	state   = "c29tZS1vcGFxdWUtc3RhdGUtb2YtdGhlLWhvc3QtMDE"
)

var alice = samltest.User{
	NameID: "alice-0001",
	Attributes: []samltest.Attribute{
		{Name: "uid", Values: []string{"alice"}},
		{Name: "mail", Values: []string{"alice@example.org"}},
		{Name: "urn:oid:2.5.4.42", Friendly: "givenName", Values: []string{"Alice & Co"}},
		{Name: "sn", Values: []string{"Liddell <3"}},
		{Name: "groups", Values: []string{"editors", "admins"}},
	},
}

// rig is a provider over the wire, with its identity provider.
type rig struct {
	*plugin.Provider
	t     testing.TB
	idp   *samltest.IdP
	clock *plugintest.Clock
}

// open opens a provider whose metadata is given as text, with more options.
func openRig(t testing.TB, config samltest.Config, values map[string]any) *rig {
	t.Helper()
	r := &rig{t: t, clock: plugintest.NewClock()}
	config.URL, config.Now = idpURL, r.clock.Now
	r.idp = samltest.New(config)
	all := map[string]any{"idp_metadata": string(r.idp.Metadata().XML())}
	maps.Copy(all, values)
	if all["idp_metadata"] == "" {
		delete(all, "idp_metadata")
	}
	r.Provider = plugintest.Open(t, plugin.Description{Mechanism: "saml", Version: version}, open, all, r.clock.Now)
	return r
}

// begin begins a login, and returns the request to the identity provider.
func (r *rig) begin() (samltest.Request, []byte) {
	r.t.Helper()
	step, err := r.Begin(r.t.Context(), sdk.BeginRequest{State: state})
	if err != nil {
		r.t.Fatal(err)
	}
	return r.read(step)
}

func (r *rig) read(step sdk.Step) (samltest.Request, []byte) {
	r.t.Helper()
	switch step := step.(type) {
	case sdk.Redirect:
		req, err := samltest.ReadRequest(query(r.t, step.URL))
		if err != nil {
			r.t.Fatal(err)
		}
		return req, step.Memory
	case sdk.FormPost:
		req, err := samltest.ReadPostedRequest(form(step))
		if err != nil {
			r.t.Fatal(err)
		}
		return req, step.Memory
	}
	r.t.Fatalf("a step of type %T", step)
	return samltest.Request{}, nil
}

func query(t testing.TB, target string) url.Values {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func form(post sdk.FormPost) url.Values {
	values := url.Values{}
	for _, f := range post.Fields {
		values.Add(f.Name, f.Value)
	}
	return values
}

// login signs in alice with a response that change can modify.
func (r *rig) login(change func(*samltest.Draft)) (sdk.Identity, error) {
	r.t.Helper()
	return r.loginAs(alice, change)
}

func (r *rig) loginAs(user samltest.User, change func(*samltest.Draft)) (sdk.Identity, error) {
	r.t.Helper()
	req, memory := r.begin()
	draft := r.idp.Draft(req, user)
	if change != nil {
		change(draft)
	}
	return r.present(r.idp.Write(draft), memory)
}

// present presents a response to the login with that memory.
func (r *rig) present(response, memory []byte) (sdk.Identity, error) {
	r.t.Helper()
	return r.post(samltest.Form(response, state), memory)
}

func (r *rig) post(form url.Values, memory []byte) (sdk.Identity, error) {
	r.t.Helper()
	return r.finish(sdk.ContinueRequest{
		State: state, Memory: memory,
		Response: sdk.InboundRequest{Method: "POST", Form: form},
	})
}

func (r *rig) finish(req sdk.ContinueRequest) (sdk.Identity, error) {
	r.t.Helper()
	step, err := r.Continue(r.t.Context(), req)
	if err != nil {
		return sdk.Identity{}, err
	}
	done, ok := step.(sdk.Authenticated)
	if !ok {
		r.t.Fatalf("Continue answers with a %T", step)
	}
	return done.Identity, nil
}

// refused checks that a response is refused for that reason.
func refused(t testing.TB, err error, reason sdk.Reason) {
	t.Helper()
	plugintest.Refused(t, err, sdk.ErrInvalidResponse, reason)
	if err != nil && strings.Contains(err.Error(), "alice") {
		t.Errorf("who it is about stands in the error: %v", err)
	}
}
