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

// assertionLifetime is how long an assertion is valid. Auth0 accepts at most five minutes.
const assertionLifetime = time.Minute

// signingKey is the key and the algorithm of an assertion.
type signingKey struct {
	alg jose.SignatureAlgorithm
	key any // jose.JSONWebKey or []byte
}

// works signs once, so that an unusable key is reported when the provider is opened.
func (s signingKey) works() bool {
	_, err := s.sign([]byte("{}"))
	return err == nil
}

func (s signingKey) sign(payload []byte) (string, error) {
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
func (a Auth) assertion(s signingKey, at At, now time.Time) (url.Values, error) {
	payload, err := json.Marshal(map[string]any{
		"iss": a.clientID,
		"sub": a.clientID,
		"aud": a.audienceAt(at),
		"jti": rand.Text(),
		"iat": now.Unix(),
		"exp": now.Add(assertionLifetime).Unix(),
	})
	if err != nil {
		return nil, fmt.Errorf("encoding the client assertion: %w", err)
	}
	assertion, err := s.sign(payload)
	return url.Values{"client_assertion_type": {assertionType}, "client_assertion": {assertion}}, err
}

// audienceAt is the issuer by default: if a malicious provider publishes another provider's
// endpoint as its own audience, it could use the assertion there (draft-ietf-oauth-rfc7523bis,
// FAPI 2.0 section 5.3.3.1). If the provider requires its endpoint, the audience is exactly
// the URL to which the assertion is sent, so that it is valid nowhere else.
func (a Auth) audienceAt(at At) string {
	switch {
	case a.audience == Issuer, a.audience == "" && !wantsEndpoint(at.Issuer) && !a.useEndpoint.Load():
		return at.Issuer
	default:
		return at.URL
	}
}

// wantsEndpoint reports whether a provider is known to accept only the endpoint as the
// audience: Okta says so in its error, Microsoft and login.gov in their manuals
// (developers.login.gov/oidc/token). login.gov answers another audience with a sentence in
// place of invalid_client. Microsoft's issuer for many tenants cannot be an audience.
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

// SwitchAudience changes the audience of the next assertion after the provider answered
// invalid_client, because it may require the other one. It reports false, and changes
// nothing, if the audience is configured or known, or the client sends no assertion.
func (a Auth) SwitchAudience(at At) bool {
	if a.audience != "" || wantsEndpoint(at.Issuer) || !a.Asserts(at.Methods) {
		return false
	}
	a.useEndpoint.Store(!a.useEndpoint.Load())
	return true
}
