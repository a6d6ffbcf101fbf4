package e2e

import (
	"net/url"
	"strings"
	"testing"
)

// pysaml2Providers are the ways to use pysaml2: the settings of both sides, by the name of
// the host's provider. All requests are signed, and pysaml2 refuses others.
var pysaml2Providers = []struct {
	name     string
	options  map[string]string
	settings map[string]any
}{
	{"redirected", map[string]string{"REQUEST_BINDING": "redirect"}, map[string]any{"sign_assertion": true}},
	{"posted", map[string]string{"REQUEST_BINDING": "post"}, map[string]any{"sign_response": true}},
	{"encrypted", map[string]string{"IDP_IS_ASSERTION_ENCRYPTED": "true"}, map[string]any{"sign_assertion": true, "encrypt_assertion": true}},
	// In these, the encrypted parts bind prefixes again.
	{"contained", map[string]string{"IDP_IS_ASSERTION_ENCRYPTED": "true"}, map[string]any{"sign_assertion": true, "encrypt_assertion": true, "self_contained": true}},
	{"both", map[string]string{"IDP_IS_ASSERTION_ENCRYPTED": "true"}, map[string]any{"sign_response": true, "sign_assertion": true, "encrypt_assertion": true, "self_contained": true}},
	{"covered", map[string]string{"IDP_IS_ASSERTION_ENCRYPTED": "true"}, map[string]any{"sign_response": true, "encrypt_assertion": true, "self_contained": true}},
}

func startPysaml2Site(t *testing.T) (*pysaml2Server, *testHost) {
	t.Helper()
	idp := startPysaml2(t)
	key := newSAMLKey(t, "doorward")
	var names []string
	env := map[string]string{}
	for _, p := range pysaml2Providers {
		names = append(names, p.name)
		provider(env, strings.ToUpper(p.name), map[string]string{
			"DRIVER": "saml", "IDP_METADATA_URL": idp.MetadataURL(), "SP_PRIVATE_KEY": key.private, "NAME_ID_FORMAT": "persistent", "ALLOW_PUBLIC_REGISTRATION": "true",
		})
		provider(env, strings.ToUpper(p.name), p.options)
	}
	env["AUTH_PROVIDERS"] = strings.Join(names, ",")
	host := startHost(t, HostConfig{Env: env})
	host.secrets.add("private key", strings.Split(key.private, "\n")[3])
	for _, p := range pysaml2Providers {
		idp.register(host, p.name, p.settings)
	}
	return idp, host
}

// TestPysaml2 signs in and out at pysaml2 in a real browser, in each way: a logout here
// logs out there, by the binding that the host's metadata names first.
func TestPysaml2(t *testing.T) {
	_, host := startPysaml2Site(t)
	browser := startBrowser(t)
	for _, p := range pysaml2Providers {
		t.Run(p.name, func(t *testing.T) {
			person := newTab(t, browser)
			person.open(host.URL + "/auth/login/" + p.name)
			person.waitFor(signOut)
			person.wantText("Alice Liddell", "alice@example.org")
			person.click(signOut)
			person.waitFor(`a[href^="/auth/login/posted"]`)
			if got := person.location(); got != host.URL+"/login?signed_out" {
				t.Errorf("after signing out: %s", got)
			}
		})
	}
}

// TestPysaml2LogoutByProvider: pysaml2 ends the session here by either binding, and accepts
// the response, whose signature it verifies.
func TestPysaml2LogoutByProvider(t *testing.T) {
	idp, host := startPysaml2Site(t)
	browser := startBrowser(t)
	for _, name := range []string{"redirected", "encrypted"} {
		for _, method := range []string{"GET", "POST"} {
			t.Run(name+" by "+method, func(t *testing.T) {
				person := newTab(t, browser)
				person.open(host.URL + "/auth/login/" + name)
				person.waitFor(signOut)
				person.open(idp.URL + "/begin-logout?" + url.Values{"sp": {pysaml2EntityID(host, name)}, "by": {method}}.Encode())
				eventually(t, "pysaml2 has got its answer", func() bool {
					return strings.HasPrefix(person.location(), idp.URL+"/slo") && strings.Contains(person.text(), "signed out: urn:oasis:names:tc:SAML:2.0:status:Success")
				})
				person.open(host.URL + "/")
				person.waitFor(`a[href^="/auth/login/posted"]`)
			})
		}
	}
}

// TestPysaml2WantsSignatures: the tests above would show nothing if pysaml2 accepted
// unsigned requests.
func TestPysaml2WantsSignatures(t *testing.T) {
	_, host := startPysaml2Site(t)
	agent := newAgent(t, host, "alice")
	target := agent.get(host.URL + "/auth/login/redirected").location()
	if target == nil {
		t.Fatal("the login does not begin")
	}
	if got := agent.get(target.String()); !strings.Contains(got.body, "SAMLResponse") {
		t.Errorf("signed: %d %s", got.status, got.body)
	}
	query := target.Query()
	query.Set("RelayState", "another")
	target.RawQuery = query.Encode()
	if got := agent.get(target.String()); got.status != 400 {
		t.Errorf("changed: %d %s", got.status, got.body)
	}
	query.Del("Signature")
	target.RawQuery = query.Encode()
	if got := agent.get(target.String()); got.status != 400 {
		t.Errorf("unsigned: %d %s", got.status, got.body)
	}
}
