// Package plugin is the wire between the host and a mechanism: gRPC over
// hashicorp/go-plugin, both ends in one package so that they cannot drift.
//
// The author of a plugin needs one function of it, [Serve], and calls it as the
// whole of main:
//
//	func main() {
//		plugin.Serve(plugin.Description{Mechanism: "magic", Version: "1.0.0"}, open)
//	}
//
//	func open(ctx context.Context, env sdk.Env, options Options) (sdk.Mechanism, error) {
//		return &mechanism{env: env, options: options}, nil
//	}
//
// The host needs [Handshake], [Plugins], [DialOptions] and [Client]. A provider
// opened through a Client is an [sdk.Mechanism] like the one in the plugin:
// errors keep their kind and reason, and a capability that the mechanism lacks
// answers errors.ErrUnsupported without a call.
//
// One process serves all providers of its mechanism.
package plugin
