// Package provider runs the plugins and routes logins to the providers that are open
// in them.
//
//   - A supervisor keeps one plugin running. One goroutine owns it, and one table has
//     all states and transitions (state.go). The supervisor restarts a process that
//     crashes (crash.go), kills one that hangs (probe.go), and replaces it when the
//     binary changes (replace.go). It holds a spec for each of its providers, and its
//     opener opens them in each process.
//   - A handle is how logins reach one provider. It holds the current endpoint: the
//     provider as it is open in a process, or the reason why it is not. No lock is
//     held during a call, and a call in flight ends at the endpoint where it began
//     (call.go).
//   - A backend is what the handles of one plugin share: its queue, its limits and its
//     prober.
//
// [Start] sets this up, [Providers.Reload] applies another configuration while logins
// continue, and [Providers.Stop] ends it. Package process runs a single process,
// package lock says which binaries may run, and package metrics counts.
package provider
