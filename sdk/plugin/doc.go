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
//	func open(ctx context.Context, env sdk.Env, opts Options) (sdk.Mechanism, error) {
//		return &mechanism{env: env, options: opts}, nil
//	}
//
// One process serves all providers of its mechanism. A panic in a call is
// logged and becomes a fault of that call alone; a panic in a goroutine that
// the mechanism started ends the process.
//
// The host needs [Handshake], [Plugins], [DialOptions], [Dispense] and
// [Client]. A provider opened through a Client is an [sdk.Mechanism] like the
// one in the plugin: errors keep their kind, reason and detail, and a
// capability that the mechanism lacks answers errors.ErrUnsupported without a
// call. What the Client returns is bounded and readable; whether it makes sense
// (a target of a redirect, a subject) is for the host to check.
package plugin
