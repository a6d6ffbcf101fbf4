// Package control is how an operator reaches a running host: a unix socket for
// commands, which only the user of the host (and root) can open, and a listener
// for what may be read by a monitoring system.
//
// Both ends of the socket are here: [Claim] and [Claimed.Serve] in the host, [Client]
// in the commands "doorward reload", "plugins", "check", "session", "user", "role", "key"
// and "keys".
package control
