// Package clientauth authenticates the client at the token endpoint (OpenID Connect Core
// section 9), the endpoint for pushed authorization requests (RFC 9126), and the revocation
// endpoint (RFC 7009).
package clientauth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/sdk/options"
)

// The methods.
const (
	Basic         = "client_secret_basic"
	Post          = "client_secret_post"
	SecretJWT     = "client_secret_jwt"
	PrivateKeyJWT = "private_key_jwt"
	TLS           = "tls_client_auth"             // RFC 8705 section 2.1
	SelfSignedTLS = "self_signed_tls_client_auth" // RFC 8705 section 2.2
	None          = "none"
)

// The audiences of an assertion.
const (
	Issuer   = "issuer"
	Endpoint = "endpoint"
)

// Settings are the options of the client's authentication.
type Settings struct {
	ClientID    string
	Method      string // empty: from the provider's list
	Secret      options.Secret
	SigningAlg  string
	PrivateKeys options.JSON
	Certificate bool   // the client has one for the TLS handshake
	Audience    string // Issuer or Endpoint; empty: it depends on the provider
	Signed      SignedSecret
}

// Auth is how the client authenticates.
type Auth struct {
	clientID    string
	method      string
	secret      string
	certificate bool
	signer      *signer // of a signed secret; nil: the secret is a text

	private   signingKey // of private_key_jwt
	symmetric signingKey // of client_secret_jwt

	audience string

	// useEndpoint: the provider refused an assertion for its issuer, so the next one is for the
	// endpoint.
	useEndpoint *atomic.Bool
}

// New reads the settings. It tries the keys, so that an unusable one is reported when the
// provider is opened. The problems name the options.
func New(s Settings) (Auth, options.Problems) {
	auth := Auth{
		clientID: s.ClientID, method: s.Method, secret: s.Secret.Reveal(), certificate: s.Certificate,
		audience: s.Audience, useEndpoint: &atomic.Bool{},
	}
	if s.Signed.isSet() {
		return auth.withSigner(s)
	}
	switch s.Method {
	case None:
		if auth.secret != "" {
			return problem("client_secret", "is set, but client_token_endpoint_auth_method is none: leave out one of the two")
		}
		return auth, nil
	case TLS, SelfSignedTLS:
		if !s.Certificate {
			return problem("client_http_cert", "is missing: "+s.Method+" sends it")
		}
		return auth, nil
	case PrivateKeyJWT:
		return auth.withPrivateKey(s)
	case SecretJWT:
		if auth.secret == "" {
			return problem("client_secret", "is missing: client_secret_jwt signs with it")
		}
		return auth.withSecretAsKey(s)
	case "":
		return auth.withAllCredentials(s)
	}
	if auth.secret == "" && s.Signed.Audience != "" {
		return problem("client_secret_key", "is missing: set it with client_secret_key_id and client_secret_team_id, or set client_secret to a JWT that you signed")
	}
	if auth.secret == "" {
		return problem("client_secret", missingSecret)
	}
	return auth, nil
}

// withSigner makes the client sign its secret.
func (a Auth) withSigner(s Settings) (Auth, options.Problems) {
	if a.secret != "" {
		return problem("client_secret", "is set, but client_secret_key signs a secret: leave out one of the two")
	}
	if s.Method != Basic && s.Method != Post {
		return problem("client_secret_key", "signs a secret, which needs client_secret_post")
	}
	made, problems := newSigner(s.ClientID, s.Signed)
	a.signer = made
	return a, problems
}

const missingSecret = "is missing; without one, client_token_endpoint_auth_method must be private_key_jwt, tls_client_auth, self_signed_tls_client_auth or none"

func problem(option, text string) (Auth, options.Problems) {
	return Auth{}, options.Problems{{Option: option, Text: text}}
}

// withAllCredentials prepares all credentials of the options. The provider's list decides
// which of them is used.
func (a Auth) withAllCredentials(s Settings) (Auth, options.Problems) {
	if a.secret == "" && len(s.PrivateKeys) == 0 && !s.Certificate {
		return problem("client_secret", missingSecret)
	}
	if len(s.PrivateKeys) > 0 {
		var problems options.Problems
		if a, problems = a.withPrivateKey(s); problems != nil {
			return a, problems
		}
	}
	if a.secret != "" {
		// A secret that is too short to sign with can still be sent.
		if signer, problems := a.withSecretAsKey(Settings{}); problems == nil {
			a = signer
		}
	}
	return a, nil
}

func (a Auth) withSecretAsKey(s Settings) (Auth, options.Problems) {
	a.symmetric = signingKey{alg: jose.SignatureAlgorithm(s.SigningAlg), key: []byte(a.secret)}
	if a.symmetric.alg == "" {
		a.symmetric.alg = jose.HS256
	}
	if !strings.HasPrefix(string(a.symmetric.alg), "HS") {
		return problem("client_token_endpoint_auth_signing_alg", "must be HS256, HS384 or HS512 for client_secret_jwt")
	}
	if !a.symmetric.works() {
		return problem("client_secret", "is too short to sign with")
	}
	return a, nil
}

func (a Auth) withPrivateKey(s Settings) (Auth, options.Problems) {
	const option = "client_private_keys"
	if len(s.PrivateKeys) == 0 {
		return problem(option, "is missing: private_key_jwt signs with it")
	}
	var keys []jose.JSONWebKey
	if err := json.Unmarshal(s.PrivateKeys, &keys); err != nil {
		// The error is omitted because it can quote the key.
		return problem(option, "must be a JSON array of private JWKs, [{…}]")
	}
	alg := jose.SignatureAlgorithm(s.SigningAlg)
	for _, key := range keys {
		algs := signingAlgs(key)
		if alg == "" && len(algs) > 0 {
			alg = algs[0]
		}
		if !slices.Contains(algs, alg) {
			continue
		}
		if a.private = (signingKey{alg: alg, key: key}); !a.private.works() {
			return problem(option, "contains a key that cannot sign")
		}
		return a, nil
	}
	return problem(option, "contains no private key for client_token_endpoint_auth_signing_alg; RSA, EC and Ed25519 keys can sign")
}

// signingAlgs are the algorithms with which a private key can sign, the usual one first.
func signingAlgs(key jose.JSONWebKey) []jose.SignatureAlgorithm {
	if key.Algorithm != "" {
		return []jose.SignatureAlgorithm{jose.SignatureAlgorithm(key.Algorithm)}
	}
	switch private := key.Key.(type) {
	case *rsa.PrivateKey:
		return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}
	case *ecdsa.PrivateKey:
		switch private.Curve.Params().BitSize {
		case 256:
			return []jose.SignatureAlgorithm{jose.ES256}
		case 384:
			return []jose.SignatureAlgorithm{jose.ES384}
		case 521:
			return []jose.SignatureAlgorithm{jose.ES512}
		}
	case ed25519.PrivateKey:
		return []jose.SignatureAlgorithm{jose.EdDSA}
	}
	return nil
}

// Secrets returns the client's secret in all forms in which requests contain it.
func (a Auth) Secrets() []string {
	escaped := url.QueryEscape(a.secret)
	basic := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(a.clientID) + ":" + escaped))
	return append(a.signer.recent(), a.secret, escaped, basic)
}
