package tlsoptions

import (
	"crypto/tls"

	"github.com/doorward/doorward/sdk/options"
)

// TLS is what an operator may set for connections to the servers of a provider.
type TLS struct {
	TLSCA         string         `option:"tls_ca" doc:"PEM certificates of the authorities to trust for the servers, in place of the system's."`
	TLSCert       string         `option:"tls_cert" doc:"PEM client certificate to show to the servers."`
	TLSKey        options.Secret `option:"tls_key" doc:"PEM key of tls_cert."`
	TLSServerName string         `option:"tls_server_name" doc:"The name that the certificates must be for, if it is not the host that is dialled."`
	TLSMinVersion string         `option:"tls_min_version" oneof:"1.2|1.3" default:"1.2" doc:"The lowest version of TLS."`
}

// Problems checks the PEM. [options.Decode] calls it for embedded structs.
func (t TLS) Problems() options.Problems {
	var problems options.Problems
	if _, err := Authorities(t.TLSCA); err != nil {
		problems.Addf("tls_ca", "%v", err)
	}
	problems = append(problems, PairProblems("tls_cert", t.TLSCert, "tls_key", t.TLSKey)...)
	return problems
}

// Config makes the configuration of a client: certificates are checked, and TLS
// is 1.2 or newer. ServerName is empty unless tls_server_name is set: then the
// dialer must put in the host. An error is [options.Problems], and never comes
// for options that were decoded.
func (t TLS) Config() (*tls.Config, error) {
	if err := t.Problems().Err(); err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.TLSServerName}
	if t.TLSMinVersion == "1.3" {
		config.MinVersion = tls.VersionTLS13
	}
	var err error
	if config.RootCAs, err = Authorities(t.TLSCA); err != nil {
		return nil, err
	}
	if t.TLSCert == "" {
		return config, nil
	}
	pair, err := Pair(t.TLSCert, t.TLSKey)
	if err != nil {
		return nil, err
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}
