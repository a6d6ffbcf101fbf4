package main

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/outbound"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

const (
	base           = "dc=example,dc=com"
	people         = "ou=people," + base
	readerDN       = "cn=reader," + base
	readerPassword = "reader's secret"
	alicePassword  = "wonderland, 1865"
	aliceDN        = "uid=alice," + people
	aliceUUID      = "7f91e13e-7d3d-1041-949a-257b2650bfba"
)

func ou(name string) ldaptest.Entry {
	return ldaptest.Entry{DN: "ou=" + name + "," + base, Attributes: map[string][]string{"objectClass": {"organizationalUnit"}, "ou": {name}}}
}

func person(uid, password string, attributes map[string][]string) ldaptest.Entry {
	all := map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {uid}, "cn": {"Name of " + uid}, "sn": {"Surname"},
		"givenName": {"Given"}, "mail": {uid + "@example.com"}, "entryUUID": {"uuid-of-" + uid},
	}
	maps.Copy(all, attributes)
	return ldaptest.Entry{DN: "uid=" + uid + "," + people, Password: password, Attributes: all}
}

func group(cn, attribute string, members ...string) ldaptest.Entry {
	return ldaptest.Entry{DN: "cn=" + cn + ",ou=groups," + base, Attributes: map[string][]string{
		"objectClass": {"groupOfNames"}, "cn": {cn}, attribute: members,
	}}
}

// entries are in every directory of these tests.
func entries(more ...ldaptest.Entry) []ldaptest.Entry {
	list := []ldaptest.Entry{
		{DN: base, Attributes: map[string][]string{"objectClass": {"domain"}}},
		ou("people"), ou("groups"), ou("elsewhere"),
		{DN: readerDN, Password: readerPassword, Attributes: map[string][]string{"cn": {"reader"}}},
		person("alice", alicePassword, map[string][]string{"entryUUID": {strings.ToUpper(aliceUUID)}, "displayName": {"Alice Liddell"}}),
		person("bob", "builder", nil),
	}
	return append(list, more...)
}

func start(t testing.TB, config ldaptest.Config) *ldaptest.Directory {
	t.Helper()
	if config.Entries == nil {
		config.Entries = entries()
	}
	if config.OnlySearcher == "" {
		config.OnlySearcher = readerDN
	}
	return ldaptest.Start(t, config)
}

// optionsFor returns the options of a provider for the directories, changed by values; nil
// removes an option.
func optionsFor(values map[string]any, dirs ...*ldaptest.Directory) map[string]any {
	var urls []string
	for _, dir := range dirs {
		urls = append(urls, dir.URL())
	}
	all := map[string]any{
		"client_url": strings.Join(urls, ", "), "bind_dn": readerDN, "bind_password": readerPassword,
		"user_dn": base, "user_scope": "sub", "user_attribute": "uid",
		"connect_timeout": "2s", "operation_timeout": "2s",
	}
	if len(dirs) > 0 {
		all["tls_ca"] = dirs[0].CA()
	}
	for name, value := range values {
		if value == nil {
			delete(all, name)
			continue
		}
		all[name] = value
	}
	return all
}

// rig is a provider over the real wire.
type rig struct {
	t        testing.TB
	provider *plugin.Provider
}

func openRig(t testing.TB, values map[string]any, dirs ...*ldaptest.Directory) *rig {
	t.Helper()
	return openRigAt(t, nil, values, dirs...)
}

func openRigAt(t testing.TB, now func() time.Time, values map[string]any, dirs ...*ldaptest.Directory) *rig {
	t.Helper()
	d := plugin.Description{Mechanism: "ldap", Version: version}
	return &rig{t: t, provider: plugintest.Open(t, d, open, optionsFor(values, dirs...), now)}
}

const testState = "state-of-this-login_0123456789"

// enter answers the first prompt.
func (r *rig) enter(username, password string) (sdk.Step, error) {
	r.t.Helper()
	step, err := r.provider.Begin(r.t.Context(), sdk.BeginRequest{State: testState})
	if err != nil {
		r.t.Fatalf("beginning: %v", err)
	}
	return r.reply(step, map[string]string{fieldUsername: username, fieldPassword: password})
}

func (r *rig) reply(step sdk.Step, answers map[string]string) (sdk.Step, error) {
	r.t.Helper()
	prompt, ok := step.(sdk.Prompt)
	if !ok {
		r.t.Fatalf("a %T, not a prompt", step)
	}
	return r.provider.Continue(r.t.Context(), sdk.ContinueRequest{State: testState, Memory: prompt.Memory, Answers: answers})
}

// signIn fails unless the login succeeds.
func (r *rig) signIn(username, password string) sdk.Identity {
	r.t.Helper()
	step, err := r.enter(username, password)
	return identityOf(r.t, step, err)
}

func identityOf(t testing.TB, step sdk.Step, err error) sdk.Identity {
	t.Helper()
	if err != nil {
		t.Fatalf("signing in: %v", err)
	}
	done, ok := step.(sdk.Authenticated)
	if !ok {
		t.Fatalf("signing in: got %T %+v", step, step)
	}
	return done.Identity
}

// wantPrompt fails unless the step is a prompt with that reason.
func wantPrompt(t testing.TB, step sdk.Step, err error, reason sdk.Reason) {
	t.Helper()
	prompt, ok := step.(sdk.Prompt)
	if err != nil || !ok || prompt.Reason != reason {
		t.Errorf("got %T %+v, %v; want a prompt with %s", step, step, err, reason)
	}
}

// local is a mechanism in this process, for what the wire does not show: the log, the clock,
// the dialer.
type local struct {
	*mechanism
	t   testing.TB
	log *plugintest.Log
}

func openLocal(t testing.TB, change func(*sdk.Env), values map[string]any, dirs ...*ldaptest.Directory) *local {
	t.Helper()
	opts, err := options.Decode[Options](optionsFor(values, dirs...))
	if err != nil {
		t.Fatal(err)
	}
	l := &local{t: t, log: &plugintest.Log{}}
	env := sdk.Env{
		Provider: "dir", Logger: slog.New(slog.NewTextHandler(l.log, nil)), Now: time.Now,
		Dial: (&net.Dialer{}).DialContext, TLS: outbound.Settings{}.TLS,
	}
	if change != nil {
		change(&env)
	}
	m, err := open(t.Context(), env, opts)
	if err != nil {
		t.Fatal(err)
	}
	switch m := m.(type) {
	case refreshing:
		l.mechanism = m.mechanism
	case *mechanism:
		l.mechanism = m
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func (l *local) enter(ctx context.Context, username, password string) (sdk.Step, error) {
	return l.Continue(ctx, sdk.ContinueRequest{
		Memory: loginPrompt("").Memory, Answers: map[string]string{fieldUsername: username, fieldPassword: password},
	})
}

// eventually waits for an action of another goroutine.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(5 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("not so in 5 s: %s", what)
		case <-tick.C:
		}
	}
}
