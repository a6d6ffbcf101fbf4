// Package clientauth authenticates the client at the token endpoint (OpenID Connect
// Core section 9).
package clientauth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/doorward/doorward/sdk/options"
)

// The methods.
const (
	Basic         = "client_secret_basic"
	Post          = "client_secret_post"
	SecretJWT     = "client_secret_jwt"
	PrivateKeyJWT = "private_key_jwt"
	None          = "none"
)

// assertionType is client_assertion_type (RFC 7523 section 2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Settings are the options of the client's authentication.
type Settings struct {
	ClientID    string
	Method      string // empty: basic or post, by what the provider lists
	Secret      options.Secret
	SigningAlg  string
	PrivateKeys options.JSON
	Signed      SignedSecret
}

// Auth is how the client authenticates.
type Auth struct {
	clientID string
	method   string
	secret   string
	alg      jose.SignatureAlgorithm
	key      any     // jose.JSONWebKey or []byte, for the two JWT methods
	signer   *signer // of the secret; nil: it is a text
}

// New reads the settings. Keys are tried, so that a bad one shows when the provider
// is opened. The problems name the options.
func New(s Settings) (Auth, options.Problems) {
	auth := Auth{clientID: s.ClientID, method: s.Method, secret: s.Secret.Reveal(), alg: jose.SignatureAlgorithm(s.SigningAlg)}
	if s.Signed.isSet() {
		return auth.withSigner(s)
	}
	switch s.Method {
	case None:
		if auth.secret != "" {
			return problem("client_secret", "is set although client_token_endpoint_auth_method is none: leave out one of the two")
		}
		return auth, nil
	case PrivateKeyJWT:
		return auth.withPrivateKey(s.PrivateKeys)
	}
	if auth.secret == "" && s.Signed.Audience != "" {
		return problem("client_secret_key", "is missing: write it, client_secret_key_id and client_secret_team_id, or client_secret with a JWT of your own")
	}
	if auth.secret == "" {
		return problem("client_secret", "is missing; without one, client_token_endpoint_auth_method must be private_key_jwt or none")
	}
	if s.Method == SecretJWT {
		return auth.withSecretAsKey()
	}
	return auth, nil
}

// withSigner has the client sign its secret.
func (a Auth) withSigner(s Settings) (Auth, options.Problems) {
	if a.secret != "" {
		return problem("client_secret", "is set although client_secret_key signs one: leave out one of the two")
	}
	if s.Method != Basic && s.Method != Post {
		return problem("client_secret_key", "signs a secret that goes with client_secret_post")
	}
	made, problems := newSigner(s.ClientID, s.Signed)
	a.signer = made
	return a, problems
}

func problem(option, text string) (Auth, options.Problems) {
	return Auth{}, options.Problems{{Option: option, Text: text}}
}

func (a Auth) withSecretAsKey() (Auth, options.Problems) {
	if a.alg == "" {
		a.alg = jose.HS256
	}
	if !strings.HasPrefix(string(a.alg), "HS") {
		return problem("client_token_endpoint_auth_signing_alg", "must be HS256, HS384 or HS512 for client_secret_jwt")
	}
	a.key = []byte(a.secret)
	return a.tried("client_secret", "has too few bytes to sign with")
}

func (a Auth) withPrivateKey(raw json.RawMessage) (Auth, options.Problems) {
	const option = "client_private_keys"
	if len(raw) == 0 {
		return problem(option, "is missing, private_key_jwt signs with it")
	}
	var keys []jose.JSONWebKey
	if err := json.Unmarshal(raw, &keys); err != nil {
		// The error is left out: it may quote the key.
		return problem(option, "must be a JSON array of private JWKs, [{…}]")
	}
	for _, key := range keys {
		algs := signingAlgs(key)
		if a.alg == "" && len(algs) > 0 {
			a.alg = algs[0]
		}
		if slices.Contains(algs, a.alg) {
			a.key = key
			return a.tried(option, "holds a key that cannot sign")
		}
	}
	return problem(option, "holds no private key for client_token_endpoint_auth_signing_alg; RSA, EC and Ed25519 keys can sign")
}

// tried signs once, so that a bad key shows when the provider is opened.
func (a Auth) tried(option, text string) (Auth, options.Problems) {
	if _, err := a.sign([]byte("{}")); err != nil {
		return problem(option, text)
	}
	return a, nil
}

// signingAlgs are the algorithms that a private key can sign with, the usual
// one first.
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

// MethodFor is the method to use at a provider that lists these; nil lists none.
// x/oauth2 left to find it out by itself would send the code twice (RFC 6749 section
// 4.1.2 forbids it).
func (a Auth) MethodFor(listed []string) string {
	if a.method != "" {
		return a.method
	}
	// An absent list means client_secret_basic (Discovery section 3).
	if listed != nil && !slices.Contains(listed, Basic) && slices.Contains(listed, Post) {
		return Post
	}
	return Basic
}

// Authenticate sets the client in a configuration whose TokenURL is set. The
// parameters, if any, belong into the token request.
func (a Auth) Authenticate(config *oauth2.Config, listed []string, now time.Time) (url.Values, error) {
	config.ClientID = a.clientID
	config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	secret := a.secret
	if a.signer != nil {
		var err error
		if secret, err = a.signer.secret(now); err != nil {
			return nil, err
		}
	}
	switch a.MethodFor(listed) {
	case Basic:
		config.ClientSecret = secret
		config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	case Post:
		config.ClientSecret = secret
	case SecretJWT, PrivateKeyJWT:
		assertion, err := a.assertion(config.Endpoint.TokenURL, now)
		return url.Values{"client_assertion_type": {assertionType}, "client_assertion": {assertion}}, err
	}
	return nil, nil
}

// Secrets are the forms in which the client's secret travels.
func (a Auth) Secrets() []string {
	escaped := url.QueryEscape(a.secret)
	basic := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(a.clientID) + ":" + escaped))
	return append(a.signer.onTheirWay(), a.secret, escaped, basic)
}

// assertion is a JWT that authenticates the client (RFC 7523 section 3). Its
// audience is the very URL that it is sent to, so that it is good nowhere else.
func (a Auth) assertion(tokenEndpoint string, now time.Time) (string, error) {
	payload, err := json.Marshal(map[string]any{
		"iss": a.clientID,
		"sub": a.clientID,
		"aud": tokenEndpoint,
		"jti": rand.Text(),
		"iat": now.Unix(),
		"exp": now.Add(time.Minute).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("encoding the client assertion: %w", err)
	}
	return a.sign(payload)
}

func (a Auth) sign(payload []byte) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: a.alg, Key: a.key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("signing the client assertion: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing the client assertion: %w", err)
	}
	return signed.CompactSerialize()
}
