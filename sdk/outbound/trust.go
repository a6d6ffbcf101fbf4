package outbound

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"sync/atomic"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/tlsoptions"
)

// MinVersion13 is the only MinVersion apart from the default.
const MinVersion13 = "1.3"

// TLS makes the client that Env.TLS returns to mechanisms. Their own settings take
// precedence over these. An error names the setting and does not quote it.
func (s Settings) TLS(own sdk.TLSSettings) (*sdk.TLSClient, error) {
	t := s.trust(own)
	config := &tls.Config{MinVersion: t.min, ServerName: own.ServerName, GetClientCertificate: t.present}
	var err error
	if config.RootCAs, err = t.roots(); err != nil {
		return nil, err
	}
	if t.certificate != "" || t.key != "" {
		pair, err := tlsoptions.Pair(t.certificate, t.key)
		if err != nil {
			return nil, fmt.Errorf("%s %w", t.names.Certificate, err)
		}
		t.pair = &pair
	}
	return &sdk.TLSClient{Config: config, Explain: t.explain, Observe: t.observe}, nil
}

// TLS is [Settings.TLS] with the settings of the dialer.
func (d *Dialer) TLS(own sdk.TLSSettings) (*sdk.TLSClient, error) { return d.trust(own) }

// proxyTLS makes the client for connections to an https proxy. The proxy does not belong
// to the provider, so CA and client certificate do not apply to it.
func proxyTLS(s Settings) (*sdk.TLSClient, error) {
	names := map[string]string{KeyCA: s.name(KeyExtraCA), KeyExtraCA: s.name(KeyExtraCA), KeyMinVersion: s.name(KeyMinVersion)}
	client, err := Settings{ExtraCA: s.ExtraCA, MinVersion: s.MinVersion, Names: names}.TLS(sdk.TLSSettings{})
	if err != nil {
		return nil, err
	}
	client.Config.NextProtos = []string{"http/1.1"}
	return client, nil
}

// trust holds the authorities that connections trust, and their client certificate.
type trust struct {
	ca, extra   string
	certificate string
	key         options.Secret
	min         uint16
	names       sdk.TLSNames // of the settings in force, or of those to set
	extraName   string

	pair  *tls.Certificate
	asked atomic.Bool // a server asked for a client certificate, but none matched
	shown atomic.Bool // the client certificate was sent to a server that asked
}

func (s Settings) trust(own sdk.TLSSettings) *trust {
	t := &trust{
		ca: s.CA, extra: s.ExtraCA, certificate: s.Certificate, key: s.Key, min: tls.VersionTLS12, extraName: s.name(KeyExtraCA),
		names: sdk.TLSNames{
			CA: s.name(KeyCA), Certificate: s.name(KeyCertificate), Key: s.name(KeyPrivateKey),
			MinVersion: s.name(KeyMinVersion), ServerName: own.Names.ServerName,
		},
	}
	if len(own.CA) > 0 {
		t.ca, t.names.CA = string(own.CA), cmp.Or(own.Names.CA, "the CA of the provider's options")
	}
	if len(own.Certificate) > 0 || len(own.Key) > 0 {
		t.certificate, t.key = string(own.Certificate), options.Secret(own.Key)
		t.names.Certificate = cmp.Or(own.Names.Certificate, "the client certificate of the provider's options")
		t.names.Key = cmp.Or(own.Names.Key, "its key")
	}
	if s.MinVersion == MinVersion13 {
		t.min = tls.VersionTLS13
	}
	if own.MinVersion != 0 {
		t.min, t.names.MinVersion = max(own.MinVersion, tls.VersionTLS12), cmp.Or(own.Names.MinVersion, "the lowest version of the provider's options")
	}
	return t
}

// roots returns the authorities to trust; nil for those of the system.
func (t *trust) roots() (*x509.CertPool, error) {
	if t.ca != "" {
		pool, err := tlsoptions.Authorities(t.ca)
		if err != nil {
			return nil, fmt.Errorf("%s %w", t.names.CA, err)
		}
		return pool, nil
	}
	if t.extra == "" {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // as if the system had none: the operator's are still trusted
	}
	list, _, err := tlsoptions.Certificates(t.extra)
	if err != nil {
		return nil, fmt.Errorf("one of the extra authorities %w", err)
	}
	for _, c := range list {
		pool.AddCert(c)
	}
	return pool, nil
}

// present sends the client certificate to a server that asks for a certificate and accepts
// its authority (RFC 8446 section 4.2.4), like the default of crypto/tls.
func (t *trust) present(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	if t.pair != nil && request.SupportsCertificate(t.pair) == nil {
		t.shown.Store(true)
		return t.pair, nil
	}
	t.asked.Store(true)
	return &tls.Certificate{}, nil
}
