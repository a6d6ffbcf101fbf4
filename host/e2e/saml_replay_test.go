package e2e

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/doorward/doorward/plugins/saml/samltest"
)

// startSAMLFake runs a host with one provider, "idp", which is a samltest.IdP in
// this process.
func startSAMLFake(t *testing.T, options map[string]string) (*testHost, *samltest.IdP) {
	t.Helper()
	return startSAMLFakeAt(t, freePort(t), samltest.Config{AutoApprove: true}, options)
}

func startSAMLFakeAt(t *testing.T, port int, config samltest.Config, options map[string]string) (*testHost, *samltest.IdP) {
	t.Helper()
	config.Users = []samltest.User{{NameID: "alice"}, {NameID: "bob"}}
	config.Logout = localURL("localhost", port) + "/auth/login/idp/logout"
	idp, err := samltest.Listen(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	env := map[string]string{"AUTH_PROVIDERS": "idp"}
	provider(env, "IDP", map[string]string{"DRIVER": "saml", "IDP_METADATA_URL": idp.MetadataURL(), "ALLOW_PUBLIC_REGISTRATION": "true"})
	provider(env, "IDP", options)
	return startHost(t, HostConfig{Port: port, Env: env}), idp.IdP
}

// postTo posts a response to the host, and follows redirects.
func (a *agent) postTo(host *testHost, idp *samltest.IdP, form url.Values) answer {
	a.t.Helper()
	return a.postToURL(host.URL+"/auth/login/idp/callback", idp, form)
}

func (a *agent) postToURL(target string, idp *samltest.IdP, form url.Values) answer {
	a.t.Helper()
	page, err := url.Parse(idp.MetadataURL())
	if err != nil {
		a.t.Fatal(err)
	}
	got := a.post(page, target, form)
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
// one, and after a restart of the host.
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

// TestH14_SAMLOtherBrowser posts a response from the browser of somebody who did not
// begin the login.
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

// TestSAMLDirectusMetadata signs in with service provider metadata from Directus. The
// response goes to the URL that Directus uses.
func TestSAMLDirectusMetadata(t *testing.T) {
	port := freePort(t)
	acs := localURL("localhost", port) + "/auth/login/idp/acs"
	host, _ := startSAMLFakeAt(t, port, samltest.Config{AutoApprove: true}, map[string]string{"SP_metadata": `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:directus">` +
		`<SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><AssertionConsumerService index="0" ` +
		`Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="` + acs + `"/></SPSSODescriptor></EntityDescriptor>`})
	person := newAgent(t, host, "alice")
	begun := person.get(host.URL + "/auth/login/idp?mode=json")
	req, err := samltest.ReadRequest(begun.location().Query())
	if err != nil || req.ACS != acs || req.Issuer != "urn:directus" {
		t.Fatalf("%+v %v", req, err)
	}
	got := person.signIn(host.URL + "/auth/login/idp?mode=json")
	if got.status != http.StatusOK || got.json(t).Data.AccessToken == "" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestSAMLArrivesAtACS: a provider that has the ACS URL of Directus sends responses there,
// with this URL as their destination. The URL is valid, also for an unsolicited response;
// the URL of another provider is not.
func TestSAMLArrivesAtACS(t *testing.T) {
	host, idp := startSAMLFake(t, map[string]string{"ALLOW_UNSOLICITED": "true"})
	us := host.URL + "/auth/login/idp"
	person := newAgent(t, host, "alice")
	begun := person.get(us).location()
	if begun == nil {
		t.Fatal("the login does not begin")
	}
	req, err := samltest.ReadRequest(begun.Query())
	if err != nil {
		t.Fatal(err)
	}
	req.ACS = us + "/acs"
	if got := person.postToURL(us+"/acs", idp, idp.Respond(req, samltest.User{NameID: "alice"})); got.status/100 != 3 || person.cookie(sessionCookie) == "" {
		t.Errorf("asked for: %d %s", got.status, got.body)
	}
	unasked := samltest.Request{Issuer: us + "/metadata", ACS: us + "/acs"}
	other := newAgent(t, host, "bob")
	if got := other.postToURL(us+"/acs", idp, idp.Respond(unasked, samltest.User{NameID: "bob"})); got.status/100 != 3 || other.cookie(sessionCookie) == "" {
		t.Errorf("not asked for: %d %s", got.status, got.body)
	}
	unasked.ACS = host.URL + "/auth/login/other/acs"
	stranger := newAgent(t, host, "bob")
	if got := stranger.postToURL(us+"/acs", idp, idp.Respond(unasked, samltest.User{NameID: "bob"})); got.status/100 == 3 {
		t.Errorf("for another provider: %d", got.status)
	}
	stranger.signedOut()
}

// TestBrowserSAMLFake signs in and out at the identity provider of the demo.
func TestBrowserSAMLFake(t *testing.T) {
	key := newSAMLKey(t, "doorward")
	host, _ := startSAMLFakeAt(t, freePort(t), samltest.Config{}, map[string]string{"SP_PRIVATE_KEY": key.private})
	person := newTab(t, startBrowser(t))
	person.open(host.URL + "/login")
	person.click(`a[href^="/auth/login/idp"]`)
	person.click(`button[name="user"][value="1"]`)
	person.waitFor(signOut)
	person.click(signOut)
	person.waitFor(`a[href^="/auth/login/idp"]`)
	if got := person.location(); got != host.URL+"/login?signed_out" {
		t.Errorf("after signing out: %s", got)
	}
}
