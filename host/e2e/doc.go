// Package e2e runs the built programs against real servers and a real browser:
// bin/doorward with the plugins of bin/plugins, the certified OpenID provider
// under op, the fake provider of plugins/openid/openidtest, OpenLDAP, Samba as an
// Active Directory domain controller, 389 Directory Server, and Chromium.
//
// The package itself holds what the tests share with the demo (cmd/demo):
// [StartProcess] runs any program, [StartHost] runs Doorward. Everything else is
// in the tests. `make test` sets up what they need.
//
// No test may leave anything behind: a host that is stopped must have ended its
// plugins and removed its temporary files, and what it logged must hold none of
// the secrets that went through it. Each test checks that for each host it
// starts.
package e2e
