package outbound

import (
	"crypto/tls"
	"crypto/x509"
)

// proxyTLS is for connections to a proxy of https.
func proxyTLS(s Settings) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	if s.ExtraCA == "" {
		return config, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pool.AppendCertsFromPEM([]byte(s.ExtraCA))
	config.RootCAs = pool
	return config, nil
}
