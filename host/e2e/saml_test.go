package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// samlProviders are the ways to use SimpleSAMLphp: the settings of both sides, by the
// name of the host's provider.
var samlProviders = []struct {
	name     string
	options  map[string]string
	settings map[string]any
}{
	{"signed", nil, map[string]any{"validate.authnrequest": true}},
	{"posted", map[string]string{"REQUEST_BINDING": "post"}, map[string]any{"validate.authnrequest": true}},
	{"assertion", map[string]string{"SP_WANT_ASSERTIONS_SIGNED": "true"}, map[string]any{"saml20.sign.response": false}},
	{"response", map[string]string{"SP_WANT_MESSAGE_SIGNED": "true"}, map[string]any{"saml20.sign.assertion": false}},
	// This version encrypts only with AES-CBC, in signed responses.
	{"encrypted", map[string]string{"IDP_IS_ASSERTION_ENCRYPTED": "true", "INSECURE_ALLOW_CBC": "true"}, map[string]any{"assertion.encryption": true}},
	{"attribute", map[string]string{"IDENTIFIER_KEY": "uid", "EMAIL_KEY": "mail"}, nil},
	{"unsolicited", map[string]string{"ALLOW_UNSOLICITED": "true"}, nil},
}

// samlSite is SimpleSAMLphp and a host with all of these providers.
type samlSite struct {
	ssp  *sspServer
	host *testHost
}

func startSAML(t *testing.T) samlSite {
	t.Helper()
	ssp := startSSP(t)
	key := newSAMLKey(t, "doorward")
	var names []string
	env := map[string]string{}
	for _, p := range samlProviders {
		names = append(names, p.name)
		provider(env, strings.ToUpper(p.name), map[string]string{
			"DRIVER": "saml", "IDP_METADATA_URL": ssp.MetadataURL(), "SP_PRIVATE_KEY": key.private, "ALLOW_PUBLIC_REGISTRATION": "true",
		})
		provider(env, strings.ToUpper(p.name), p.options)
	}
	env["AUTH_PROVIDERS"] = strings.Join(names, ",")
	host := startHost(t, HostConfig{Env: env})
	host.secrets.add("private key", strings.Split(key.private, "\n")[3])
	host.secrets.add("password", ssp.Password)
	for _, p := range samlProviders {
		ssp.register(host, p.name, p.settings)
	}
	return samlSite{ssp, host}
}

const sspPassword = `input[name="password"]`

// signIn signs somebody in who is not signed in at SimpleSAMLphp yet.
func (s samlSite) signIn(person *tab, provider, name string) {
	person.t.Helper()
	person.open(s.host.URL + "/auth/login/" + provider)
	s.enter(person, name)
	person.waitFor(signOut)
}

// enter answers the form of SimpleSAMLphp.
func (s samlSite) enter(person *tab, name string) {
	person.t.Helper()
	person.waitFor(sspPassword)
	person.do("entering name and password",
		chromedp.SendKeys(chromedp.CSS(`input[name="username"]`), name),
		chromedp.SendKeys(chromedp.CSS(sspPassword), s.ssp.Password+"\r"))
}

// TestSAML signs in at a real identity provider in a real browser, with each provider.
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

// TestSAMLKeyRollover: the provider publishes a new key, uses it, and removes the
// old one, while people sign in and nobody touches the host.
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

// TestSAMLLogout: a logout here also logs out at the provider. If an attribute is the
// identifier, the logout request still contains the NameID.
func TestSAMLLogout(t *testing.T) {
	site := startSAML(t)
	for _, name := range []string{"signed", "attribute", "encrypted"} {
		t.Run(name, func(t *testing.T) {
			person := newTab(t, startBrowser(t))
			site.signIn(person, name, "alice")
			person.click(signOut)
			person.waitFor(`a[href^="/auth/login/signed"]`)
			if got := person.location(); got != site.host.URL+"/login?signed_out" {
				t.Errorf("after signing out: %s", got)
			}
			person.open(site.host.URL + "/auth/login/" + name)
			person.waitFor(sspPassword) // it asks again
		})
	}
}

// TestSAMLLogoutByProvider: the provider ends the session of one browser, and no other
// session of the same user or of anybody else.
func TestSAMLLogoutByProvider(t *testing.T) {
	site := startSAML(t)
	for _, name := range []string{"posted", "attribute"} {
		t.Run(name, func(t *testing.T) {
			alice, elsewhere, bob := newTab(t, startBrowser(t)), newTab(t, startBrowser(t)), newTab(t, startBrowser(t))
			site.signIn(alice, name, "alice")
			site.signIn(elsewhere, name, "alice")
			site.signIn(bob, name, "bob")

			back := site.host.URL + "/login?back"
			alice.open(site.ssp.URL + "/simplesaml/saml2/idp/SingleLogoutService.php?ReturnTo=" + back)
			eventually(t, "the provider has got its answer, and sends the browser on", func() bool { return alice.location() == back })
			alice.open(site.host.URL + "/")
			alice.waitFor(`a[href^="/auth/login/signed"]`)
			for _, other := range []*tab{elsewhere, bob} {
				other.open(site.host.URL + "/")
				other.waitFor(signOut)
			}
		})
	}
}

// TestSAMLStartedAtProvider: a login that starts at the provider works only where it is
// allowed.
func TestSAMLStartedAtProvider(t *testing.T) {
	site := startSAML(t)
	start := func(person *tab, provider string) {
		person.open(site.ssp.URL + "/simplesaml/saml2/idp/SSOService.php?spentityid=" + site.host.URL + "/auth/login/" + provider + "/metadata&RelayState=https://evil.example/")
		site.enter(person, "alice")
	}
	allowed := newTab(t, startBrowser(t))
	start(allowed, "unsolicited")
	allowed.waitFor(signOut)
	if got := allowed.location(); got != site.host.URL+"/" {
		t.Errorf("signed in, and at %s", got)
	}
	refused := newTab(t, startBrowser(t))
	start(refused, "signed")
	// The page that posts again has the same URL, and its navigation would compete with ours.
	refused.waitFor(`main a.button[href="/auth/login/signed"]`)
	refused.wantText("This sign-in started somewhere else")
	refused.open(site.host.URL + "/")
	refused.waitFor(`a[href^="/auth/login/signed"]`)
}
