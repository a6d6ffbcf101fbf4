// Package e2e runs the built programs against real servers and a real browser:
// bin/doorward with the plugins of bin/plugins, the certified OpenID provider
// under op, the fake provider of plugins/openid/openidtest, OpenLDAP, Samba as an
// Active Directory domain controller, 389 Directory Server, and Chromium.
//
// The package contains the code that the tests share with the demo (cmd/demo):
// [StartProcess] runs any program, [StartHost] runs Doorward. Everything else is
// in the tests. `make test` installs what they need.
//
// No test may leave anything behind. A stopped host must have ended its plugins and
// removed its temporary files, and its log must not contain secrets. Each test checks
// this for each host that it starts.
package e2e
