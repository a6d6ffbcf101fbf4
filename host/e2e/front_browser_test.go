package e2e

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// trusting makes Chromium accept the certificate of the front, and no other.
func (b *behind) trusting(t *testing.T) chromedp.ExecAllocatorOption {
	t.Helper()
	text, err := os.ReadFile(b.pair.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
	return chromedp.Flag("ignore-certificate-errors-spki-list", base64.StdEncoding.EncodeToString(digest[:]))
}

// Everything that a page and a login need works below the sub-path in a browser: styles, scripts,
// links, forms, and cookies with __Host-.
func TestBrowserBehindNginx(t *testing.T) {
	b, _ := startBehind(t, "nginx", openidtest.Config{Name: "Example ID"}, nil)
	person := newTab(t, startBrowser(t, b.trusting(t)))
	const toProvider = `a[href^="/sso/auth/login/fake"]`
	const signOut = `form[action="/sso/auth/logout"] button`

	person.open(b.public())
	person.waitFor(toProvider)
	person.wantText("Fake Provider")
	person.screenshot("sign-in")
	if got := person.location(); got != b.public()+"/login" {
		t.Errorf("the sign-in page is at %s", got)
	}
	person.click(toProvider)
	person.click(asAlice)
	person.waitFor(signOut)
	person.wantText("Alice Archer", "alice@example.com")
	person.screenshot("signed-in")
	if got := person.location(); got != b.public()+"/" {
		t.Errorf("signed in, and at %s", got)
	}
	person.click(signOut)
	person.waitFor(toProvider)
	person.screenshot("signed-out")

	// The POST of SAML comes from another site: a page of the host posts it again.
	person.open(b.public() + "/auth/login/idp")
	person.waitFor(signOut)
	person.wantText("Idp")
	person.screenshot("signed-in-saml")

	person.open(b.public() + "/nothing")
	person.screenshot("not-found")
}
