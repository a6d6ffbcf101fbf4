// Package tlsoptions provides the options of a TLS client, for mechanisms that dial
// themselves, and reads PEM for all packages that need certificates.
//
// A mechanism embeds [TLS] in its options. It then has tls_ca, tls_cert, tls_key,
// tls_server_name and tls_min_version, with their place in the manual:
//
//	type Options struct {
//		Server string `option:"server,required" doc:"host and port"`
//		tlsoptions.TLS
//	}
//
// The options are checked when they are decoded; each problem names its option.
// [TLS.Client] makes the client that secures the connections. It calls sdk.Env.TLS with
// these options.
package tlsoptions
