package tlsoptions

import (
	"cmp"
	"crypto/tls"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
)

// TLS contains the operator's options for connections to the servers of a provider.
type TLS struct {
	TLSCA         string         `option:"tls_ca" doc:"PEM certificates of the authorities to trust for the servers, in place of the system's and those in the host's settings."`
	TLSCert       string         `option:"tls_cert" doc:"PEM client certificate to send to the servers."`
	TLSKey        options.Secret `option:"tls_key" doc:"PEM key of tls_cert."`
	TLSServerName string         `option:"tls_server_name" doc:"The name that the servers' certificates must have, if it is not the host that is dialled."`
	TLSMinVersion string         `option:"tls_min_version" oneof:"1.2|1.3" doc:"The lowest version of TLS. By default the host's setting, or 1.2 if there is none."`
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

// Client makes the client that secures the connections of a provider. It uses these
// options, and the host's settings for options that are not set. An error is
// [options.Problems], or of kind [sdk.ErrMisconfigured].
func (t TLS) Client(env sdk.Env) (*sdk.TLSClient, error) { return t.ClientNamed(env, nil) }

// ClientNamed is Client for options of which some were given by other names: renamed has
// these, by the names of the options here. Explanations of failures use them.
func (t TLS) ClientNamed(env sdk.Env, renamed map[string]string) (*sdk.TLSClient, error) {
	name := func(option string) string { return cmp.Or(renamed[option], option) }
	if err := t.Problems().Err(); err != nil {
		return nil, err
	}
	client, err := env.TLS(sdk.TLSSettings{
		CA: []byte(t.TLSCA), Certificate: []byte(t.TLSCert), Key: []byte(t.TLSKey.Reveal()),
		ServerName: t.TLSServerName, MinVersion: versions[t.TLSMinVersion],
		Names: sdk.TLSNames{
			CA: name("tls_ca"), Certificate: name("tls_cert"), Key: name("tls_key"),
			ServerName: name("tls_server_name"), MinVersion: name("tls_min_version"),
		},
	})
	if err != nil {
		return nil, sdk.Misconfigured("options", "making a TLS client from the tls options: %w", err)
	}
	return client, nil
}

var versions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}
