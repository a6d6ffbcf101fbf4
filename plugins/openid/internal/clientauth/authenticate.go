package clientauth

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/oauth2"
)

// At is where the client authenticates.
type At struct {
	Issuer  string
	URL     string   // of the endpoint
	Methods []string // that the provider lists; nil: it lists none
}

// MethodFor is the method to use at a provider that lists these; nil lists none.
// x/oauth2 left to find it out by itself would send the code twice (RFC 6749 section
// 4.1.2 forbids it).
//
// Where the operator says nothing, it is the first that the provider lists, of those
// that can be used, the strongest first. Of the secret, Basic comes first, because that
// is what a registration has unless it says otherwise.
func (a Auth) MethodFor(listed []string) string {
	if a.method != "" {
		return a.method
	}
	can := a.possible()
	// An absent list means client_secret_basic (Discovery section 3).
	if listed == nil && a.secret != "" {
		return Basic
	}
	for _, method := range can {
		if slices.Contains(listed, method) {
			return method
		}
	}
	if a.secret != "" {
		return Basic
	}
	return can[0]
}

// Asserts reports whether the client authenticates with an assertion.
func (a Auth) Asserts(listed []string) bool {
	method := a.MethodFor(listed)
	return method == PrivateKeyJWT || method == SecretJWT
}

func (a Auth) possible() []string {
	var can []string
	if a.private.key != nil {
		can = append(can, PrivateKeyJWT)
	}
	if a.certificate {
		can = append(can, TLS, SelfSignedTLS)
	}
	if a.secret != "" {
		can = append(can, Basic, Post)
	}
	if a.symmetric.key != nil {
		can = append(can, SecretJWT)
	}
	return can
}

// Authenticate sets the client in a configuration whose TokenURL is set. The
// parameters, if any, belong into the token request.
func (a Auth) Authenticate(config *oauth2.Config, at At, now time.Time) (url.Values, error) {
	config.ClientID = a.clientID
	config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	secret, err := a.secretAt(now)
	if err != nil {
		return nil, err
	}
	switch a.MethodFor(at.Methods) {
	case Basic:
		config.ClientSecret = secret
		config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	case Post:
		config.ClientSecret = secret
	case SecretJWT:
		return a.assertion(a.symmetric, at, now)
	case PrivateKeyJWT:
		return a.assertion(a.private, at, now)
	}
	return nil, nil
}

func (a Auth) secretAt(now time.Time) (string, error) {
	if a.signer == nil {
		return a.secret, nil
	}
	return a.signer.secret(now)
}

// Dress authenticates another request with a form than that for tokens: it returns
// the header fields to send, and adds to the form.
func (a Auth) Dress(form url.Values, at At, now time.Time) (http.Header, error) {
	config := oauth2.Config{}
	params, err := a.Authenticate(&config, at, now)
	if err != nil {
		return nil, err
	}
	for name, values := range params {
		form[name] = values
	}
	if config.Endpoint.AuthStyle == oauth2.AuthStyleInHeader {
		// Both are form-encoded first (RFC 6749 section 2.3.1).
		req := http.Request{Header: http.Header{}}
		req.SetBasicAuth(url.QueryEscape(config.ClientID), url.QueryEscape(config.ClientSecret))
		return req.Header, nil
	}
	form.Set("client_id", config.ClientID)
	if config.ClientSecret != "" {
		form.Set("client_secret", config.ClientSecret)
	}
	return http.Header{}, nil
}
