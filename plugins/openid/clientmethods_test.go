package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/plugins/openid/internal/clientauth"
	"github.com/doorward/doorward/plugins/openid/internal/jose/josetest"
	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

const longSecret = "a client secret of at least thirty-two bytes"

// ownCertificate returns a self-signed client certificate and its key as PEM.
func ownCertificate(t *testing.T) (der []byte, certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "doorward"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if der, err = x509.CreateCertificate(rand.Reader, template, template, private.Public(), private); err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return der, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
}

// TestMethodThatIsUsed: without the option, the provider's list and the operator's
// credentials decide.
func TestMethodThatIsUsed(t *testing.T) {
	_, certificate, key := ownCertificate(t)
	keys := privateKeys(t, gojose.JSONWebKey{Key: josetest.ECKey(t, elliptic.P256()), KeyID: "1"})
	type o = map[string]any
	secret := o{"client_secret": longSecret}
	withKeys := o{"client_secret": "", "client_private_keys": keys}
	both := o{"client_secret": longSecret, "client_private_keys": keys}
	withCertificate := o{"client_secret": "", "client_http_cert": certificate, "client_http_key": key}
	all := o{"client_secret": longSecret, "client_private_keys": keys, "client_http_cert": certificate, "client_http_key": key}
	everything := []string{"client_secret_jwt", "client_secret_post", "client_secret_basic", "self_signed_tls_client_auth", "tls_client_auth", "private_key_jwt"}
	for _, test := range []struct {
		name    string
		options o
		listed  []string
		want    string
	}{
		{"a secret, nothing listed", secret, nil, "client_secret_basic"},
		{"a secret, everything listed", secret, everything, "client_secret_basic"},
		{"a secret, post listed", secret, []string{"client_secret_post"}, "client_secret_post"},
		{"a secret, JWT listed", secret, []string{"client_secret_jwt", "private_key_jwt"}, "client_secret_jwt"},
		{"a short secret, JWT listed", o{"client_secret": "short"}, []string{"client_secret_jwt"}, "client_secret_basic"},
		{"a secret, none of its methods listed", secret, []string{"private_key_jwt"}, "client_secret_basic"},
		{"a key, nothing listed", withKeys, nil, "private_key_jwt"},
		{"a key, everything listed", withKeys, everything, "private_key_jwt"},
		{"a key, not listed", withKeys, []string{"client_secret_basic"}, "private_key_jwt"},
		{"both, nothing listed", both, nil, "client_secret_basic"},
		{"both, everything listed", both, everything, "private_key_jwt"},
		{"a certificate, nothing listed", withCertificate, nil, "tls_client_auth"},
		{"a certificate, self-signed listed", withCertificate, []string{"self_signed_tls_client_auth"}, "self_signed_tls_client_auth"},
		{"all, everything listed", all, everything, "private_key_jwt"},
		{"all, no JWT listed", all, []string{"client_secret_basic", "tls_client_auth"}, "tls_client_auth"},
		{"all, and a certificate is for something else", all, []string{"client_secret_basic"}, "client_secret_basic"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := openRig(t, theIssuer, time.Now, test.options)
			if got := r.auth.MethodFor(test.listed); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// TestAssertionsAreAccepted signs in, refreshes, pushes and revokes, with providers that
// require the issuer as the audience and with those that require the endpoint.
func TestAssertionsAreAccepted(t *testing.T) {
	rsaKey, p256 := josetest.RSAKey(t, 2048, 1), josetest.ECKey(t, elliptic.P256())
	type o = map[string]any
	for _, test := range []struct {
		name    string
		key     any
		options o
	}{
		{"RS256", rsaKey, nil},
		{"PS256", rsaKey, o{"client_token_endpoint_auth_signing_alg": "PS256"}},
		{"ES256", p256, nil},
		{"client_secret_jwt", nil, o{"client_token_endpoint_auth_method": "client_secret_jwt", "client_secret": longSecret}},
	} {
		for _, forEndpoint := range []bool{false, true} {
			name := test.name + " for the issuer"
			if forEndpoint {
				name = test.name + " for the endpoint"
			}
			t.Run(name, func(t *testing.T) {
				c := logoutClient()
				c.Secret, c.TokenEndpointAuthMethod = "", openidtest.PrivateKeyJWT
				values := o{"client_secret": "", "params": o{"prompt": "consent"}}
				if test.key == nil {
					c.Secret, c.TokenEndpointAuthMethod = longSecret, openidtest.ClientSecretJWT
				} else {
					private := gojose.JSONWebKey{Key: test.key, KeyID: "1"}
					c.Keys = []gojose.JSONWebKey{private.Public()}
					values["client_private_keys"] = privateKeys(t, private)
				}
				for name, value := range test.options {
					values[name] = value
				}
				s := refreshable(t, openidtest.Config{Clients: []openidtest.Client{c}, Security: openidtest.Security{
					PushedRequests: openidtest.Required, Revocation: true, AssertionForEndpoint: forEndpoint,
				}}, "alice", values)
				got, err := s.refresh(s.Grant)
				if err != nil || got.Undecided != nil {
					t.Fatalf("%+v, %v", got, err)
				}
				if _, err := s.BeginLogout(t.Context(), sdk.LogoutRequest{State: "s", Grant: got.Identity.Grant}); err != nil || strings.Contains(s.log.String(), string(reasonRevocation)) {
					t.Errorf("%v, %s", err, s.log)
				}
				// The first pushed request finds out the audience.
				want := 1
				if forEndpoint {
					want = 2
				}
				if n := s.op.Hits(openidtest.PushEndpoint); n != want {
					t.Errorf("%d requests pushed", n)
				}
			})
		}
	}
}

// TestAudienceOfAssertions: a code is sent only once. So without pushed requests, if the
// provider requires the endpoint, the first login fails and the next one succeeds.
func TestAudienceOfAssertions(t *testing.T) {
	private := gojose.JSONWebKey{Key: josetest.ECKey(t, elliptic.P256()), KeyID: "1"}
	c := client()
	c.Secret, c.TokenEndpointAuthMethod, c.Keys = "", openidtest.PrivateKeyJWT, []gojose.JSONWebKey{private.Public()}
	op := startOP(t, openidtest.Config{Clients: []openidtest.Client{c}, Security: openidtest.Security{AssertionForEndpoint: true}})
	values := func(audience string) map[string]any {
		v := map[string]any{"client_secret": "", "client_private_keys": privateKeys(t, private)}
		if audience != "" {
			v["client_assertion_audience"] = audience
		}
		return v
	}
	t.Run("found out", func(t *testing.T) {
		r := openRig(t, op.Issuer(), time.Now, values(""))
		_, err := r.login("alice")
		plugintest.Refused(t, err, sdk.ErrMisconfigured, "invalid_client")
		if n := op.Hits(openidtest.TokenEndpoint); n != 1 || !strings.Contains(r.log.String(), "client_assertion_audience") {
			t.Errorf("E07 %d token requests, log %s", n, r.log)
		}
		if _, err := r.login("alice"); err != nil {
			t.Error(err)
		}
	})
	t.Run("by option", func(t *testing.T) {
		if _, err := openRig(t, op.Issuer(), time.Now, values("endpoint")).login("alice"); err != nil {
			t.Error(err)
		}
		r := openRig(t, op.Issuer(), time.Now, values("issuer"))
		for range 2 {
			_, err := r.login("alice")
			plugintest.Refused(t, err, sdk.ErrMisconfigured, "invalid_client")
		}
	})
	for issuer, want := range map[string]string{
		"https://acme.okta.com/oauth2/default": "endpoint", "https://login.microsoftonline.com/{tenantid}/v2.0": "endpoint",
		"https://secure.login.gov/": "endpoint", "https://idp.int.identitysandbox.gov/": "endpoint", "https://login.gov.evil.example": "issuer",
		"https://okta.com.evil.example": "issuer", "https://notokta.com": "issuer", "https://op.example": "issuer",
	} {
		md, _ := tokenServer(t, answering(200, "application/json", goodTokens))
		md.Issuer = issuer
		var assertion string
		endpoint := md.TokenEndpoint
		r := openRig(t, theIssuer, time.Now, values(""))
		form := map[string][]string{}
		if _, err := r.auth.AuthenticateForm(form, r.at(md, endpoint), time.Now()); err != nil {
			t.Fatal(err)
		}
		assertion = form["client_assertion"][0]
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(assertion, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var claims struct{ Aud string }
		if err := json.Unmarshal(payload, &claims); err != nil {
			t.Fatal(err)
		}
		if got := map[string]string{issuer: "issuer", endpoint: "endpoint"}[claims.Aud]; got != want {
			t.Errorf("%s: for the %s, want the %s", issuer, got, want)
		}
	}
}

// TestCertificateThumbprint: Microsoft finds the key by it.
func TestCertificateThumbprint(t *testing.T) {
	thumbprint := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\x07", 32)))
	raw, err := gojose.JSONWebKey{Key: josetest.ECKey(t, elliptic.P256()), KeyID: "1"}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	keys := "[" + strings.TrimSuffix(string(raw), "}") + `,"x5t#S256":"` + thumbprint + `"}]`
	r := openRig(t, theIssuer, time.Now, map[string]any{"client_secret": "", "client_private_keys": json.RawMessage(keys)})
	form := map[string][]string{}
	if _, err := r.auth.AuthenticateForm(form, clientauth.At{Issuer: theIssuer, URL: theIssuer + "/token"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	jws, err := gojose.ParseSignedCompact(form["client_assertion"][0], []gojose.SignatureAlgorithm{gojose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	if got := jws.Signatures[0].Header.ExtraHeaders["x5t#S256"]; got != thumbprint {
		t.Errorf("x5t#S256 is %v", got)
	}
}

// TestMutualTLS: RFC 8705, with a provider whose endpoints for certificates are on another
// port.
func TestMutualTLS(t *testing.T) {
	der, certificate, key := ownCertificate(t)
	_, other, otherKey := ownCertificate(t)
	for method, c := range map[string]openidtest.Client{
		"tls_client_auth":             {CertificateSubject: "CN=doorward"},
		"self_signed_tls_client_auth": {Certificate: der},
	} {
		t.Run(method, func(t *testing.T) {
			c.ID, c.RedirectURIs, c.TokenEndpointAuthMethod, c.PostLogoutRedirectURIs = clientID, []string{callbackURL}, method, []string{logoutURL}
			site := startTLSProvider(t, openidtest.Config{
				Clients: []openidtest.Client{c}, Security: openidtest.Security{PushedRequests: openidtest.Offered, Revocation: true},
			})
			values := map[string]any{
				"client_secret": "", "client_http_ca": site.ca, "client_http_cert": certificate, "client_http_key": key, "offline_access": true,
			}
			r := openRig(t, site.op.Issuer(), time.Now, values)
			identity, err := site.signIn(t, r)
			if err != nil || identity.Name != "Alice Archer" {
				t.Fatalf("%+v, %v", identity, err)
			}
			got, err := r.refresh(identity.Grant)
			if err != nil || got.Undecided != nil {
				t.Errorf("%+v, %v", got, err)
			}
			if _, err := r.BeginLogout(t.Context(), sdk.LogoutRequest{State: "s", Grant: got.Identity.Grant}); err != nil || strings.Contains(r.log.String(), string(reasonRevocation)) {
				t.Errorf("%v %s", err, r.log)
			}
			if n := site.plain.Load(); n != 0 {
				t.Errorf("%d requests to endpoints that have an alias", n)
			}
			if method == "tls_client_auth" {
				return // any certificate with the name is good at this one
			}
			values["client_http_cert"], values["client_http_key"] = other, otherKey
			_, err = site.signIn(t, openRig(t, site.op.Issuer(), time.Now, values))
			plugintest.Refused(t, err, sdk.ErrMisconfigured, "invalid_client")
		})
	}
}

// TestBoundOnce: tokens that are bound to the certificate are not also bound to a key.
func TestBoundOnce(t *testing.T) {
	_, certificate, key := ownCertificate(t)
	shown := map[string]any{"client_http_cert": certificate, "client_http_key": key}
	lists := map[string]any{"dpop_signing_alg_values_supported": []string{"ES256"}}
	binds := map[string]any{"dpop_signing_alg_values_supported": []string{"ES256"}, "tls_client_certificate_bound_access_tokens": true}
	for _, test := range []struct {
		name              string
		document, options map[string]any
		bound             bool
	}{
		{"no certificate", binds, nil, true},
		{"a certificate, to which nothing is bound", lists, shown, true},
		{"a certificate", binds, shown, false},
		{"ES256 is not listed", map[string]any{"dpop_signing_alg_values_supported": []string{"EdDSA"}}, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := openRig(t, serveDiscovery(t, test.document), time.Now, test.options)
			if _, mem := begin(t, r, sdk.BeginRequest{State: "s"}); (mem.Key != "") != test.bound {
				t.Errorf("bound: %v", mem.Key != "")
			}
		})
	}
}

// tlsProvider is one provider with two servers: one without client certificates, and one
// that requests them.
type tlsProvider struct {
	op    *openidtest.Provider
	ca    string
	plain atomic.Int64 // requests to endpoints that the second place has
}

func startTLSProvider(t *testing.T, config openidtest.Config) *tlsProvider {
	t.Helper()
	site := &tlsProvider{}
	var mutual *httptest.Server
	plain := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/token", "/userinfo", "/revoke", "/par":
			site.plain.Add(1)
		case "/.well-known/openid-configuration":
			recorder := httptest.NewRecorder()
			site.op.ServeHTTP(recorder, r)
			var document map[string]any
			if err := json.Unmarshal(recorder.Body.Bytes(), &document); err != nil {
				t.Error(err)
			}
			document["mtls_endpoint_aliases"] = map[string]any{
				"token_endpoint": mutual.URL + "/token", "userinfo_endpoint": mutual.URL + "/userinfo",
				"revocation_endpoint": mutual.URL + "/revoke", "pushed_authorization_request_endpoint": mutual.URL + "/par",
			}
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(document); err != nil {
				t.Error(err)
			}
			return
		}
		site.op.ServeHTTP(w, r)
	}))
	t.Cleanup(plain.Close)
	mutual = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { site.op.ServeHTTP(w, r) }))
	mutual.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	mutual.StartTLS()
	t.Cleanup(mutual.Close)
	config.Issuer, config.AutoApprove = plain.URL, true
	var err error
	if site.op, err = openidtest.New(config); err != nil {
		t.Fatal(err)
	}
	site.ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: plain.Certificate().Raw}))
	return site
}

// signIn does what a browser does, without the client's certificate.
func (s *tlsProvider) signIn(t *testing.T, r *rig) (sdk.Identity, error) {
	t.Helper()
	step, err := r.Begin(t.Context(), sdk.BeginRequest{State: "s"})
	if err != nil {
		return sdk.Identity{}, err
	}
	recorder := httptest.NewRecorder()
	s.op.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, step.(sdk.Redirect).URL, nil))
	back, err := recorder.Result().Location()
	if err != nil {
		t.Fatal(recorder.Body.String())
	}
	return r.finish(sdk.ContinueRequest{
		State: "s", Memory: step.(sdk.Redirect).Memory, Response: sdk.InboundRequest{Method: http.MethodGet, Query: back.Query(), RawQuery: back.RawQuery},
	})
}
