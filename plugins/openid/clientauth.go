package main

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
)

// clientAuth is how the client authenticates at the token endpoint (OpenID
// Connect Core section 9).
type clientAuth struct {
	method string // empty: basic or post, by what the provider lists
	secret string
	alg    jose.SignatureAlgorithm
	key    any // jose.JSONWebKey or []byte, for the two JWT methods
}

// optionError is a problem of one option.
type optionError struct{ option, text string }

// clientAuth reads the options of the client's authentication.
func (o Options) clientAuth() (clientAuth, *optionError) {
	auth := clientAuth{method: o.AuthMethod, secret: o.ClientSecret.Reveal(), alg: jose.SignatureAlgorithm(o.AuthSigningAlg)}
	switch o.AuthMethod {
	case authNone:
		if auth.secret != "" {
			return clientAuth{}, &optionError{"client_secret", "is set although client_token_endpoint_auth_method is none: leave out one of the two"}
		}
		return auth, nil
	case authPrivateKeyJWT:
		return auth.withPrivateKey(o.PrivateKeys)
	}
	if auth.secret == "" {
		return clientAuth{}, &optionError{"client_secret", "is missing; without one, client_token_endpoint_auth_method must be private_key_jwt or none"}
	}
	if o.AuthMethod == authSecretJWT {
		return auth.withSecretAsKey()
	}
	return auth, nil
}

func (a clientAuth) withSecretAsKey() (clientAuth, *optionError) {
	if a.alg == "" {
		a.alg = jose.HS256
	}
	if !strings.HasPrefix(string(a.alg), "HS") {
		return clientAuth{}, &optionError{"client_token_endpoint_auth_signing_alg", "must be HS256, HS384 or HS512 for client_secret_jwt"}
	}
	a.key = []byte(a.secret)
	return a.tried("client_secret", "has too few bytes to sign with")
}

func (a clientAuth) withPrivateKey(raw json.RawMessage) (clientAuth, *optionError) {
	const option = "client_private_keys"
	if len(raw) == 0 {
		return clientAuth{}, &optionError{option, "is missing, private_key_jwt signs with it"}
	}
	var keys []jose.JSONWebKey
	if err := json.Unmarshal(raw, &keys); err != nil {
		// The error is left out: it may quote the key.
		return clientAuth{}, &optionError{option, "must be a JSON array of private JWKs, [{…}]"}
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
	return clientAuth{}, &optionError{option, "holds no private key for client_token_endpoint_auth_signing_alg; RSA, EC and Ed25519 keys can sign"}
}

// tried signs once, so that a bad key shows when the provider is opened.
func (a clientAuth) tried(option, text string) (clientAuth, *optionError) {
	if _, err := a.sign([]byte("{}")); err != nil {
		return clientAuth{}, &optionError{option, text}
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

// methodFor is the method to use at a provider. x/oauth2 left to find it out by
// itself would send the code twice (RFC 6749 section 4.1.2 forbids it).
func (a clientAuth) methodFor(p metadata) string {
	if a.method != "" {
		return a.method
	}
	// An absent list means client_secret_basic (Discovery section 3).
	if p.authMethods != nil && !slices.Contains(p.authMethods, authBasic) && slices.Contains(p.authMethods, authPost) {
		return authPost
	}
	return authBasic
}

// config is the x/oauth2 client for one exchange, and the assertion to send with
// it if the method has one.
func (a clientAuth) config(clientID string, p metadata, now time.Time) (oauth2.Config, string, error) {
	config := oauth2.Config{
		ClientID: clientID,
		Endpoint: oauth2.Endpoint{TokenURL: p.tokenEndpoint, AuthStyle: oauth2.AuthStyleInParams},
	}
	switch a.methodFor(p) {
	case authBasic:
		config.ClientSecret = a.secret
		config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	case authPost:
		config.ClientSecret = a.secret
	case authSecretJWT, authPrivateKeyJWT:
		assertion, err := a.assertion(clientID, p.tokenEndpoint, now)
		return config, assertion, err
	}
	return config, "", nil
}

// secrets are the forms in which the client's secret travels.
func (a clientAuth) secrets(clientID string) []string {
	escaped := url.QueryEscape(a.secret)
	basic := base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(clientID) + ":" + escaped))
	return []string{a.secret, escaped, basic}
}

// assertion is a JWT that authenticates the client (RFC 7523 section 3). Its
// audience is the very URL that it is sent to, so that it is good nowhere else.
func (a clientAuth) assertion(clientID, tokenEndpoint string, now time.Time) (string, error) {
	payload, err := json.Marshal(map[string]any{
		"iss": clientID,
		"sub": clientID,
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

func (a clientAuth) sign(payload []byte) (string, error) {
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
