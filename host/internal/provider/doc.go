// Package provider runs the plugins and hands logins to the providers that are open
// in them.
//
//   - A supervisor keeps one plugin running. One goroutine owns it; states and
//     transitions are one table (state.go). A process that crashes is started again
//     (crash.go), one that hangs is killed (probe.go), one of another binary takes over
//     from it (replace.go). It is given providers, each as a spec, which its opener
//     opens in each process.
//   - A handle is how logins reach one provider. It has the endpoint of the moment: the
//     provider as it is open in some process, or the reason why it is not. No lock is
//     held during a call, and calls that are under way end at the endpoint where they
//     began (call.go).
//   - A backend is what the handles of one plugin share: its queue, its limits and its
//     prober.
//
// [Start] sets this up, [Providers.Reload] brings it to another configuration while
// logins go on, and [Providers.Stop] ends it. Package process runs a single process,
// package lock says which binaries may run, package metrics counts.
package provider
