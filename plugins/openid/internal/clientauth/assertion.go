package clientauth

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// assertionType is client_assertion_type (RFC 7523 section 2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertionLasts is how long an assertion is good. Auth0 takes no more than five
// minutes.
const assertionLasts = time.Minute

// signing is what an assertion is signed with.
type signing struct {
	alg jose.SignatureAlgorithm
	key any // jose.JSONWebKey or []byte
}

// works signs once, so that a bad key shows when the provider is opened.
func (s signing) works() bool {
	_, err := s.sign([]byte("{}"))
	return err == nil
}

func (s signing) sign(payload []byte) (string, error) {
	options := (&jose.SignerOptions{}).WithType("JWT")
	// Microsoft finds the key by the certificate that was uploaded, not by kid.
	if key, ok := s.key.(jose.JSONWebKey); ok && len(key.CertificateThumbprintSHA256) > 0 {
		options = options.WithHeader("x5t#S256", base64.RawURLEncoding.EncodeToString(key.CertificateThumbprintSHA256))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: s.alg, Key: s.key}, options)
	if err != nil {
		return "", fmt.Errorf("signing the client assertion: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing the client assertion: %w", err)
	}
	return signed.CompactSerialize()
}

// assertion is a JWT that authenticates the client (RFC 7523 section 3).
func (a Auth) assertion(s signing, at At, now time.Time) (url.Values, error) {
	payload, err := json.Marshal(map[string]any{
		"iss": a.clientID,
		"sub": a.clientID,
		"aud": a.audienceAt(at),
		"jti": rand.Text(),
		"iat": now.Unix(),
		"exp": now.Add(assertionLasts).Unix(),
	})
	if err != nil {
		return nil, fmt.Errorf("encoding the client assertion: %w", err)
	}
	assertion, err := s.sign(payload)
	return url.Values{"client_assertion_type": {assertionType}, "client_assertion": {assertion}}, err
}

// audienceAt is the issuer: an assertion for the endpoint of one provider, which
// another one gave out as its own, could be used there by whoever received it
// (draft-ietf-oauth-rfc7523bis, FAPI 2.0 section 5.3.3.1). Where the provider wants its
// endpoint named, it is the very URL that the assertion is sent to, and no other, so
// that it is good nowhere else.
func (a Auth) audienceAt(at At) string {
	switch {
	case a.audience == Issuer, a.audience == "" && !wantsEndpoint(at.Issuer) && !a.other.Load():
		return at.Issuer
	default:
		return at.URL
	}
}

// wantsEndpoint knows providers that take no other audience than the endpoint: Okta
// says so in its error, Microsoft in its manual, and login.gov, too, which answers
// another with a sentence in place of invalid_client (developers.login.gov/oidc/token).
// The issuer of Microsoft's may stand for many tenants, which is no audience.
func wantsEndpoint(issuer string) bool {
	u, err := url.Parse(issuer)
	if err != nil {
		return false
	}
	for _, domain := range []string{
		"okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com",
		"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn",
		"login.gov", "identitysandbox.gov",
	} {
		if u.Hostname() == domain || strings.HasSuffix(u.Hostname(), "."+domain) {
			return true
		}
	}
	return false
}

// Doubt is for after the provider said invalid_client: perhaps it wants another
// audience than the one it got. It reports whether the next assertion has another one,
// which is so only where none of this package's settings says which.
func (a Auth) Doubt(at At) bool {
	if a.audience != "" || wantsEndpoint(at.Issuer) || !a.Asserts(at.Methods) {
		return false
	}
	a.other.Store(!a.other.Load())
	return true
}
