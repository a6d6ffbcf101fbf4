// Package control lets an operator reach a running host: through a unix socket for
// commands, which only the user who runs the host (and root) can open, and through a
// listener for monitoring systems.
//
// Both ends of the socket are here: [Claim] and [Claimed.Serve] in the host, [Client]
// in the commands "doorward reload", "plugins", "check", "session", "user", "role", "key"
// and "keys".
package control
