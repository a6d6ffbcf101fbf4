package outbound

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
)

// say connects to an address under a host name, and returns the server's text.
func say(t *testing.T, client *sdk.TLSClient, address, host string) (string, error) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	secured, err := client.Handshake(t.Context(), conn, host)
	if err != nil {
		return "", err
	}
	said, err := bufio.NewReader(secured).ReadString('\n')
	return strings.TrimSpace(said), err
}

var operatorsNames = map[string]string{
	KeyCA: "AUTH_X_CA", KeyCertificate: "AUTH_X_CERT", KeyPrivateKey: "AUTH_X_KEY", KeyMinVersion: "OUTBOUND_TLS_MIN_VERSION",
}

// TestTrust: which authorities a connection trusts, which certificate it sends, and the errors
// for wrong settings.
func TestTrust(t *testing.T) {
	ca, other := sign(t, nil, "our CA", authority), sign(t, nil, "other CA", authority)
	impostor := sign(t, nil, "our CA", authority)
	expiredCA := sign(t, nil, "old CA", func(c *x509.Certificate) { authority(c); c.NotAfter = time.Now().Add(-time.Minute) })
	between := sign(t, ca, "CA between", authority)
	oldBetween := sign(t, ca, "old between", func(c *x509.Certificate) { authority(c); c.NotAfter = time.Now().Add(-time.Minute) })
	ofOldBetween := sign(t, oldBetween, "of an old one between", nil)
	ofOldBetween.chain = append(ofOldBetween.chain, oldBetween.chain...)
	good, alone, lacking := sign(t, ca, "good", nil), sign(t, nil, "alone", nil), sign(t, between, "lacking", nil)
	me, stranger := sign(t, ca, "me", nil), sign(t, other, "stranger", nil)
	clients := x509.NewCertPool()
	clients.AddCert(ca.certificate)

	plain := serveTLS(t, good, &tls.Config{MinVersion: tls.VersionTLS12})
	only12 := serveTLS(t, good, &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12})
	old := serveTLS(t, good, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}) // #nosec G402 -- it must be refused
	mutual := serveTLS(t, good, &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients})
	mutual12 := serveTLS(t, good, &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients})
	anyCA := serveTLS(t, good, &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAnyClientCert, VerifyPeerCertificate: func([][]byte, [][]*x509.Certificate) error {
		return x509.CertificateInvalidError{Reason: x509.Expired}
	}})
	server := func(as *signed) string { return serveTLS(t, as, &tls.Config{MinVersion: tls.VersionTLS12}) }
	trusting := Settings{CA: ca.pem()}
	showing := func(s *signed) Settings {
		return Settings{CA: ca.pem(), Certificate: s.pem(), Key: options.Secret(s.keyPEM(t))}
	}
	expired := sign(t, ca, "expired", func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	early := sign(t, ca, "early", func(c *x509.Certificate) { c.NotBefore = time.Now().Add(30 * time.Minute) })
	named := sign(t, ca, "named", func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"idp.example", "sso.example"}, nil })
	nameless := sign(t, ca, "nameless", func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil })

	for name, test := range map[string]struct {
		settings      Settings
		own           sdk.TLSSettings
		address, host string
		said, problem string
	}{
		"CA":                          {trusting, sdk.TLSSettings{}, plain, "", "nothing", ""},
		"extra CA":                    {Settings{ExtraCA: other.pem() + ca.pem()}, sdk.TLSSettings{}, plain, "", "nothing", ""},
		"own CA":                      {Settings{}, sdk.TLSSettings{CA: []byte(ca.pem())}, plain, "", "nothing", ""},
		"own CA before CA":            {Settings{CA: other.pem()}, sdk.TLSSettings{CA: []byte(ca.pem())}, plain, "", "nothing", ""},
		"the server's own":            {Settings{CA: alone.pem()}, sdk.TLSSettings{}, server(alone), "", "nothing", ""},
		"name by own setting":         {trusting, sdk.TLSSettings{ServerName: "idp.example"}, server(named), "localhost", "nothing", ""},
		"TLS 1.3":                     {Settings{CA: ca.pem(), MinVersion: "1.3"}, sdk.TLSSettings{}, plain, "", "nothing", ""},
		"own version before the host": {Settings{CA: ca.pem(), MinVersion: "1.3"}, sdk.TLSSettings{MinVersion: tls.VersionTLS12}, only12, "", "nothing", ""},
		"client certificate":          {showing(me), sdk.TLSSettings{}, mutual, "", "me", ""},
		"own client certificate":      {showing(stranger), sdk.TLSSettings{Certificate: []byte(me.pem()), Key: []byte(me.keyPEM(t))}, mutual, "", "me", ""},
		"unasked":                     {showing(me), sdk.TLSSettings{}, plain, "", "nothing", ""},

		"unknown authority":           {Settings{}, sdk.TLSSettings{}, plain, "", "", `certificate signed by unknown authority: it is signed by "CN=our CA"; if you trust that authority, give its certificate (PEM) as AUTH_X_CA`},
		"signed by itself":            {Settings{}, sdk.TLSSettings{}, server(alone), "", "", `it is self-signed; if you trust that authority, give its certificate (PEM) as AUTH_X_CA`},
		"another CA":                  {Settings{CA: other.pem()}, sdk.TLSSettings{}, plain, "", "", `it is signed by "CN=our CA", which is not in AUTH_X_CA`},
		"another own CA":              {trusting, sdk.TLSSettings{CA: []byte(other.pem()), Names: sdk.TLSNames{CA: "tls_ca"}}, plain, "", "", `it is signed by "CN=our CA", which is not in tls_ca`},
		"CA in place of the extra":    {Settings{CA: other.pem(), ExtraCA: ca.pem()}, sdk.TLSSettings{}, plain, "", "", `which is not in AUTH_X_CA`},
		"another CA of the name":      {Settings{CA: impostor.pem()}, sdk.TLSSettings{}, plain, "", "", `AUTH_X_CA has an authority with that name, but its certificate does not match`},
		"chain that lacks one":        {trusting, sdk.TLSSettings{}, server(lacking), "", "", `it is signed by "CN=CA between", which is not in AUTH_X_CA (or the server does not send the intermediate certificates)`},
		"authority that expired":      {Settings{CA: expiredCA.pem()}, sdk.TLSSettings{}, server(sign(t, expiredCA, "of an old one", nil)), "", "", `the certificate of the authority "CN=old CA" in AUTH_X_CA was valid until ` + expiredCA.certificate.NotAfter.UTC().Format(time.RFC3339) + ": replace it"},
		"authority sent that expired": {trusting, sdk.TLSSettings{}, server(ofOldBetween), "", "", `the certificate of the authority "CN=old between" that the server sends was valid until `},
		"expired":                     {trusting, sdk.TLSSettings{}, server(expired), "", "", "the server's certificate was valid until " + expired.certificate.NotAfter.UTC().Format(time.RFC3339) + ": renew it there"},
		"not good yet":                {trusting, sdk.TLSSettings{}, server(early), "", "", "is valid only from " + early.certificate.NotBefore.UTC().Format(time.RFC3339) + ", but here it is"},
		"another name":                {trusting, sdk.TLSSettings{}, server(named), "localhost", "", `it is for "idp.example", "sso.example"; write the server with a name of the certificate, or have the certificate reissued for this name`},
		"another name, by address":    {trusting, sdk.TLSSettings{Names: sdk.TLSNames{ServerName: "tls_server_name"}}, server(named), "127.0.0.1", "", `it is for "idp.example", "sso.example"; write the server with a name of the certificate, or set tls_server_name to that name`},
		"no name":                     {trusting, sdk.TLSSettings{}, server(nameless), "localhost", "", `it has no name (subjectAltName) and must be reissued`},
		"TLS 1.2":                     {Settings{CA: ca.pem(), MinVersion: "1.3"}, sdk.TLSSettings{}, only12, "", "", `the server does not speak TLS 1.3, the lowest version according to OUTBOUND_TLS_MIN_VERSION`},
		"TLS 1.2, own":                {trusting, sdk.TLSSettings{MinVersion: tls.VersionTLS13, Names: sdk.TLSNames{MinVersion: "tls_min_version"}}, only12, "", "", `the lowest version according to tls_min_version`},
		"TLS 1.1":                     {trusting, sdk.TLSSettings{}, old, "", "", `the server does not speak TLS 1.2, and older versions are broken`},
		"TLS 1.1 is never allowed":    {trusting, sdk.TLSSettings{MinVersion: tls.VersionTLS10}, old, "", "", `the server does not speak TLS 1.2`},
		"no client certificate":       {trusting, sdk.TLSSettings{}, mutual, "", "", `the server asks for a client certificate: set AUTH_X_CERT and AUTH_X_KEY`},
		"no client certificate, 1.2":  {trusting, sdk.TLSSettings{}, mutual12, "", "", `the server asks for a client certificate: set AUTH_X_CERT and AUTH_X_KEY`},
		"one of another authority":    {showing(stranger), sdk.TLSSettings{}, mutual, "", "", `the server asks for a client certificate of other authorities than that of AUTH_X_CERT ("CN=other CA"), so none was sent`},
		"one that is not accepted":    {showing(me), sdk.TLSSettings{}, anyCA, "", "", `the server does not accept the client certificate of AUTH_X_CERT`},
		"one that expired":            {showing(expired), sdk.TLSSettings{}, mutual, "", "", `the client certificate of AUTH_X_CERT was valid until ` + expired.certificate.NotAfter.UTC().Format(time.RFC3339)},
	} {
		t.Run(name, func(t *testing.T) {
			test.settings.Names = operatorsNames
			client, err := test.settings.TLS(test.own)
			if err != nil {
				t.Fatal(err)
			}
			host := test.host
			if host == "" {
				host = "localhost"
			}
			said, err := say(t, client, test.address, host)
			if said != test.said || (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
				t.Errorf("%q, %v\nwant %q, %q", said, err, test.said, test.problem)
			}
		})
	}
}

// TestTrustThatIsNoGood: a setting that the host did not check is named, and its value is not
// quoted.
func TestTrustThatIsNoGood(t *testing.T) {
	me, other := sign(t, nil, "me", nil), sign(t, nil, "other", nil)
	for name, test := range map[string]struct {
		settings Settings
		problem  string
	}{
		"CA":            {Settings{CA: "hunter2"}, "AUTH_X_CA holds no PEM certificate"},
		"extra CA":      {Settings{ExtraCA: "hunter2"}, "one of the extra authorities holds no PEM certificate"},
		"certificate":   {Settings{Certificate: "hunter2", Key: options.Secret(me.keyPEM(t))}, "AUTH_X_CERT holds no PEM certificate"},
		"key":           {Settings{Certificate: me.pem(), Key: "hunter2"}, "AUTH_X_CERT has a key that holds no PEM key"},
		"other key":     {Settings{Certificate: me.pem(), Key: options.Secret(other.keyPEM(t))}, "AUTH_X_CERT has a key that belongs to another certificate"},
		"without a key": {Settings{Certificate: me.pem()}, "AUTH_X_CERT has a key that is empty"},
	} {
		test.settings.Names = operatorsNames
		if _, err := test.settings.TLS(sdk.TLSSettings{}); err == nil || !strings.HasPrefix(err.Error(), test.problem) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", name, err, test.problem)
		}
	}
}

// TestTrustOfProxies: an https proxy is not a server of the provider. The authorities for all
// connections count for it, those of the provider do not, and it gets no client certificate.
func TestTrustOfProxies(t *testing.T) {
	ca, me := sign(t, nil, "proxy CA", authority), sign(t, nil, "me", nil)
	proxy := "https://" + serveTLS(t, sign(t, ca, "proxy", nil), &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert})
	const unknown = `if you trust that authority, give its certificate (PEM) as OUTBOUND_EXTRA_CA`
	for name, test := range map[string]struct {
		settings Settings
		says     string
	}{
		"unknown":            {Settings{}, unknown},
		"CA of the provider": {Settings{CA: ca.pem()}, unknown},
		"for all":            {Settings{ExtraCA: ca.pem(), Certificate: me.pem(), Key: options.Secret(me.keyPEM(t))}, "is it a proxy for HTTP?"},
	} {
		test.settings.Proxy = options.Secret(proxy)
		dialer, err := New(test.settings)
		if err != nil {
			t.Fatal(err)
		}
		_, err = dialer.DialRequest(t.Context(), "tcp", "idp.example:443")
		if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "AUTH_X") {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
}

// TestExplainLeavesOthersAlone: an error that is not about trust stays unchanged, and no error
// is explained twice.
func TestExplainLeavesOthersAlone(t *testing.T) {
	client, err := Settings{}.TLS(sdk.TLSSettings{})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{nil, net.ErrClosed, &net.OpError{Op: "dial", Err: net.ErrClosed}} {
		if got := client.Explain(err); got != err { //nolint:errorlint -- it must be the same one
			t.Errorf("%v became %v", err, got)
		}
	}
	once := client.Explain(&tls.CertificateVerificationError{
		UnverifiedCertificates: []*x509.Certificate{sign(t, nil, "x", nil).certificate}, Err: x509.UnknownAuthorityError{},
	})
	if twice := client.Explain(once); twice.Error() != once.Error() || strings.Count(once.Error(), "self-signed") != 1 {
		t.Errorf("%v, then %v", once, twice)
	}
}
