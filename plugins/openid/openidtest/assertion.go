package openidtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// assertionLongest is how far in the future exp of an assertion may be.
const assertionLongest = 5 * time.Minute

// assertionClient is the client that an assertion claims to be from, before any check.
func assertionClient(assertion string) string {
	jws, err := jose.ParseSignedCompact(assertion, assertionAlgs)
	if err != nil {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	_ = json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &claims)
	return claims.Subject
}

var assertionAlgs = []jose.SignatureAlgorithm{
	jose.RS256, jose.PS256, jose.ES256, jose.ES384, jose.EdDSA, jose.HS256, jose.HS384, jose.HS512,
}

// checkAssertion applies RFC 7523 section 3, with the client's key or secret.
func (p *Provider) checkAssertion(client Client, assertion, endpoint string) bool {
	jws, err := jose.ParseSignedCompact(assertion, assertionAlgs)
	if err != nil {
		return false
	}
	payload, err := jws.Verify(assertionKey(client, jws.Signatures[0].Header.KeyID))
	if err != nil {
		return false
	}
	var claims struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience any    `json:"aud"`
		ID       string `json:"jti"`
		Expires  int64  `json:"exp"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return false
	}
	audience := any(p.issuer)
	if p.config.Security.AssertionForEndpoint {
		audience = endpoint
	}
	left := time.Unix(claims.Expires, 0).Sub(p.Now())
	return claims.Issuer == client.ID && claims.Subject == client.ID && claims.Audience == audience &&
		left > 0 && left <= assertionLongest && p.firstUse("assertion "+claims.ID)
}

func assertionKey(client Client, id string) any {
	if client.TokenEndpointAuthMethod == ClientSecretJWT {
		return []byte(client.Secret)
	}
	for _, key := range client.Keys {
		if key.KeyID == id {
			return key
		}
	}
	return nil
}

// checkCertificate applies RFC 8705 section 2. It does not verify the chain, because the
// test's server does.
func checkCertificate(client Client, r *http.Request) bool {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return false
	}
	shown := r.TLS.PeerCertificates[0]
	if client.TokenEndpointAuthMethod == TLSClientAuth {
		return client.CertificateSubject != "" && shown.Subject.String() == client.CertificateSubject
	}
	want := sha256.Sum256(client.Certificate)
	got := sha256.Sum256(shown.Raw)
	return len(client.Certificate) > 0 && bytes.Equal(want[:], got[:])
}
