package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"os"
	"testing"
)

// TestOpenIDProviderMutualTLS: the client authenticates with a certificate, identified by
// its subject or by the certificate itself, and its tokens are bound to it (RFC 8705).
func TestOpenIDProviderMutualTLS(t *testing.T) {
	needOpenIDProvider(t)
	authority, err := newAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	server, err1 := authority.issue("op", "127.0.0.1")
	ours, err2 := authority.issue("doorward")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	read := func(name string) string {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	block, _ := pem.Decode([]byte(read(ours.CertFile)))
	_, public := privateJWK(t, "ES256")
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	x, y := pointOf(t, certificate)
	public["x"], public["y"], public["x5c"] = x, y, []string{base64.StdEncoding.EncodeToString(block.Bytes)}
	delete(public, "alg")

	type m = map[string]any
	shown := map[string]string{"CLIENT_HTTP_CA": authority.CA, "CLIENT_HTTP_CERT": read(ours.CertFile), "CLIENT_HTTP_KEY": read(ours.KeyFile)}
	clients := []opClient{
		bySecret("tls", m{"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=doorward", "tls_client_certificate_bound_access_tokens": true}, shown),
		bySecret("selfsigned", m{"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": m{"keys": []any{public}}}, shown),
		bySecret("secret", nil, shown), // presents a certificate, but uses another method
	}
	clients[1].options = withOption(shown, "CLIENT_TOKEN_ENDPOINT_AUTH_METHOD", "self_signed_tls_client_auth")
	clients[2].options = withOption(shown, "CLIENT_TOKEN_ENDPOINT_AUTH_METHOD", "client_secret_basic")
	rig := startSealed(t, opSetup{TLS: map[string]string{"key": read(server.KeyFile), "cert": read(server.CertFile)}}, clients, nil)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(authority.CA))
	trusting := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	t.Cleanup(trusting.CloseIdleConnections)
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			person := newAgent(t, rig.host, "alice"+c.name)
			person.client.Transport = trusting
			person.mustRefresh(person.signInByJSON(c.name))
		})
	}
}

func withOption(options map[string]string, name, value string) map[string]string {
	with := map[string]string{name: value}
	for n, v := range options {
		with[n] = v
	}
	return with
}

// pointOf is the public key of a certificate, in the form of a JWK.
func pointOf(t *testing.T, certificate *x509.Certificate) (x, y string) {
	t.Helper()
	key, ok := certificate.PublicKey.(interface{ Bytes() ([]byte, error) })
	if !ok {
		t.Fatalf("a key of type %T", certificate.PublicKey)
	}
	point, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	return text(point[1:33]), text(point[33:])
}
