// Package tlsoptions holds the options of a TLS client, for mechanisms that dial
// by themselves, and the reading of PEM for all that have certificates.
//
// A mechanism embeds [TLS] in its options, and so has tls_ca, tls_cert, tls_key,
// tls_server_name and tls_min_version, with their place in the manual:
//
//	type Options struct {
//		Server string `option:"server,required" doc:"host and port"`
//		tlsoptions.TLS
//	}
//
// The options are checked when they are decoded; each problem names its option.
// [TLS.Client] then makes what secures the connections; it is sdk.Env.TLS with these
// options.
package tlsoptions
