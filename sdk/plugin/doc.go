// Package plugin connects the host and a mechanism: gRPC over hashicorp/go-plugin, with
// both ends in one package so that they cannot diverge.
//
// The author of a plugin needs only the function [Serve]. It is all that main does:
//
//	func main() {
//		plugin.Serve(plugin.Description{Mechanism: "magic", Version: "1.0.0"}, open)
//	}
//
//	func open(ctx context.Context, env sdk.Env, opts Options) (sdk.Mechanism, error) {
//		return &mechanism{env: env, options: opts}, nil
//	}
//
// One process serves all providers of its mechanism. A panic in a call is logged
// and becomes a fault of only that call. A panic in a goroutine that the mechanism
// started ends the process.
//
// The host uses [Handshake], [Plugins], [DialOptions], [Dispense] and [Client]. A
// provider opened through a Client is an [sdk.Mechanism] like the one in the
// plugin: errors keep their kind, reason and detail, and a capability that the
// mechanism lacks returns errors.ErrUnsupported without a call. The results of the
// Client are limited in size and readable. The host must check whether they make
// sense (the URL of a redirect, a subject).
package plugin
