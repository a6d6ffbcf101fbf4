package e2e

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/doorward/doorward/plugins/saml/samltest"
)

// startSAMLFake runs a host with one provider, "idp", that is a samltest.IdP in
// this process.
func startSAMLFake(t *testing.T, options map[string]string) (*testHost, *samltest.IdP) {
	t.Helper()
	idp, err := samltest.Listen(samltest.Config{AutoApprove: true, Users: []samltest.User{{NameID: "alice"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	env := map[string]string{"AUTH_PROVIDERS": "idp"}
	provider(env, "IDP", map[string]string{"DRIVER": "saml", "IDP_METADATA_URL": idp.MetadataURL(), "ALLOW_PUBLIC_REGISTRATION": "true"})
	provider(env, "IDP", options)
	return startHost(t, HostConfig{Env: env}), idp.IdP
}

// postTo brings a response to the host, and goes on until there is an answer.
func (a *agent) postTo(host *testHost, idp *samltest.IdP, form url.Values) answer {
	a.t.Helper()
	page, err := url.Parse(idp.MetadataURL())
	if err != nil {
		a.t.Fatal(err)
	}
	got := a.post(page, host.URL+"/auth/login/idp/callback", form)
	for range maxSteps {
		next, ok := a.next(got)
		if !ok {
			return got
		}
		got = next
	}
	a.t.Fatal("the login does not end")
	return answer{}
}

// TestH13_SAMLReplay presents one response again: in the same browser, in another
// one, and after the host was started anew.
func TestH13_SAMLReplay(t *testing.T) {
	host, idp := startSAMLFake(t, map[string]string{"ALLOW_UNSOLICITED": "true"})
	us := host.URL + "/auth/login/idp"
	response := idp.Respond(samltest.Request{Issuer: us + "/metadata", ACS: us + "/callback"}, samltest.User{NameID: "alice"})
	first := newAgent(t, host, "alice")
	if got := first.postTo(host, idp, response); got.status/100 != 3 || first.cookie(sessionCookie) == "" {
		t.Fatalf("first: %d %s", got.status, got.body)
	}
	again := func(what string) {
		t.Helper()
		person := newAgent(t, host, "alice")
		if got := person.postTo(host, idp, response); got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
		person.signedOut()
	}
	again("in another browser")
	if err := host.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := host.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	again("after a restart")
}

// TestH14_SAMLOtherBrowser brings a response to the browser of somebody who did
// not ask for it.
func TestH14_SAMLOtherBrowser(t *testing.T) {
	host, idp := startSAMLFake(t, nil)
	attacker, victim := newAgent(t, host, "alice"), newAgent(t, host, "alice")
	begun := attacker.get(host.URL + "/auth/login/idp").location()
	if begun == nil {
		t.Fatal("the login does not begin")
	}
	req, err := samltest.ReadRequest(begun.Query())
	if err != nil {
		t.Fatal(err)
	}
	response := idp.Respond(req, samltest.User{NameID: "alice"})
	if got := victim.postTo(host, idp, response); got.status/100 == 3 {
		t.Errorf("signed in: %d", got.status)
	}
	victim.signedOut()
	if got := attacker.postTo(host, idp, response); got.status/100 != 3 {
		t.Errorf("in its own browser: %d %s", got.status, got.body)
	}
}

// TestSAMLSignIn signs in without a browser.
func TestSAMLSignIn(t *testing.T) {
	host, _ := startSAMLFake(t, nil)
	got := newAgent(t, host, "alice").signIn(host.URL + "/auth/login/idp?mode=json")
	if got.status != http.StatusOK || got.json(t).Data.AccessToken == "" {
		t.Errorf("%d %s", got.status, got.body)
	}
}
