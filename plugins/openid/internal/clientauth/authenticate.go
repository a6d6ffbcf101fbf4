package clientauth

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/oauth2"
)

// At is the endpoint at which the client authenticates.
type At struct {
	Issuer  string
	URL     string   // of the endpoint
	Methods []string // the provider's list; nil: it has none
}

// MethodFor returns the method to use with a provider that lists these; nil: it has no list.
// x/oauth2 must not find the method itself, because it would send the code twice, which RFC
// 6749 section 4.1.2 forbids.
//
// Unless the method is configured, it is the strongest one that the provider lists and that
// can be used. With a secret, Basic comes first, because it is the default of a registration.
func (a Auth) MethodFor(listed []string) string {
	if a.method != "" {
		return a.method
	}
	usable := a.usableMethods()
	// An absent list means client_secret_basic (Discovery section 3).
	if listed == nil && a.secret != "" {
		return Basic
	}
	for _, method := range usable {
		if slices.Contains(listed, method) {
			return method
		}
	}
	if a.secret != "" {
		return Basic
	}
	return usable[0]
}

// Asserts reports whether the client authenticates with an assertion.
func (a Auth) Asserts(listed []string) bool {
	method := a.MethodFor(listed)
	return method == PrivateKeyJWT || method == SecretJWT
}

func (a Auth) usableMethods() []string {
	var usable []string
	if a.private.key != nil {
		usable = append(usable, PrivateKeyJWT)
	}
	if a.certificate {
		usable = append(usable, TLS, SelfSignedTLS)
	}
	if a.secret != "" {
		usable = append(usable, Basic, Post)
	}
	if a.symmetric.key != nil {
		usable = append(usable, SecretJWT)
	}
	return usable
}

// Authenticate sets the client in a configuration whose TokenURL is set. The caller must add
// the returned parameters, if any, to the token request.
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

// AuthenticateForm authenticates any other request with a form: it adds to the form, and
// returns the header fields to send.
func (a Auth) AuthenticateForm(form url.Values, at At, now time.Time) (http.Header, error) {
	config := oauth2.Config{}
	params, err := a.Authenticate(&config, at, now)
	if err != nil {
		return nil, err
	}
	for name, values := range params {
		form[name] = values
	}
	if config.Endpoint.AuthStyle == oauth2.AuthStyleInHeader {
		// Client ID and secret are form-encoded first (RFC 6749 section 2.3.1).
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
