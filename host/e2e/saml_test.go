package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// samlProviders are the ways to use SimpleSAMLphp: by the name of the provider at
// the host, what each side is told.
var samlProviders = []struct {
	name     string
	options  map[string]string
	settings map[string]any
}{
	{"signed", nil, nil},
	{"posted", map[string]string{"REQUEST_BINDING": "post"}, nil},
	{"assertion", map[string]string{"SP_WANT_ASSERTIONS_SIGNED": "true"}, map[string]any{"saml20.sign.response": false}},
	{"response", map[string]string{"SP_WANT_MESSAGE_SIGNED": "true"}, map[string]any{"saml20.sign.assertion": false}},
	// This version encrypts with AES-CBC only, in responses that are signed.
	{"encrypted", map[string]string{"IDP_IS_ASSERTION_ENCRYPTED": "true", "INSECURE_ALLOW_CBC": "true"}, map[string]any{"assertion.encryption": true}},
	{"attribute", map[string]string{"IDENTIFIER_KEY": "mail", "EMAIL_KEY": "mail"}, nil},
}

// samlSite is SimpleSAMLphp and a host that knows it in all of these ways.
type samlSite struct {
	ssp  *sspServer
	host *testHost
}

func startSAML(t *testing.T) samlSite {
	t.Helper()
	ssp := startSSP(t)
	key := newSAMLKey(t, "doorward")
	port := freePort(t)
	public := localURL("localhost", port)
	var names []string
	env := map[string]string{}
	for _, p := range samlProviders {
		names = append(names, p.name)
		ssp.register(public, p.name, key, p.settings)
		provider(env, strings.ToUpper(p.name), map[string]string{
			"DRIVER": "saml", "IDP_METADATA_URL": ssp.MetadataURL(), "SP_PRIVATE_KEY": key.private, "SP_CERTIFICATE": key.certificate,
			"ALLOW_PUBLIC_REGISTRATION": "true",
		})
		provider(env, strings.ToUpper(p.name), p.options)
	}
	env["AUTH_PROVIDERS"] = strings.Join(names, ",")
	host := startHost(t, HostConfig{Port: port, Env: env})
	host.secrets.add("private key", strings.Split(key.private, "\n")[3])
	host.secrets.add("password", ssp.Password)
	return samlSite{ssp, host}
}

const sspPassword = `input[name="password"]`

// signIn signs somebody in at SimpleSAMLphp, where they are not signed in yet.
func (s samlSite) signIn(person *tab, provider, name string) {
	person.t.Helper()
	person.open(s.host.URL + "/auth/login/" + provider)
	person.waitFor(sspPassword)
	person.do("entering name and password",
		chromedp.SendKeys(chromedp.CSS(`input[name="username"]`), name),
		chromedp.SendKeys(chromedp.CSS(sspPassword), s.ssp.Password+"\r"))
	person.waitFor(signOut)
}

// TestSAML signs in at a real identity provider in a real browser, in each way.
func TestSAML(t *testing.T) {
	site := startSAML(t)
	for _, p := range samlProviders {
		t.Run(p.name, func(t *testing.T) {
			person := newTab(t, startBrowser(t))
			site.signIn(person, p.name, "alice")
			person.wantText("Alice Liddell", "alice@example.org")
		})
	}
}

// TestSAMLKeyRollover: the provider publishes a new key, uses it, and takes the
// old one away, while people sign in and nobody touches the host.
func TestSAMLKeyRollover(t *testing.T) {
	site := startSAML(t)
	signIn := func() {
		t.Helper()
		site.signIn(newTab(t, startBrowser(t)), "signed", "bob")
	}
	signIn()
	site.ssp.write("rollover", "")
	signIn()
	site.ssp.write("switched", "")
	signIn()
}
