// Package provider runs the plugins and leads logins to the providers that are open
// in them.
//
//   - A slot keeps one plugin running. One goroutine owns it; states and transitions
//     are one table (state.go). A process dies and is started again, hangs and is
//     killed, is replaced by another binary.
//   - A member is a configured provider in a slot, which has it opened in each new
//     process.
//   - A route leads to a provider as it is open now. Logins follow it without a lock,
//     and calls that are under way end where they began (call.go).
//
// [Start] sets this up, [Providers.Reload] brings it to another configuration while
// logins go on, and [Providers.Stop] ends it. Package process runs a single process,
// package lock says which binaries may run, package metrics counts.
package provider
