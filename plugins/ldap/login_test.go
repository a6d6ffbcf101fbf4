package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

func TestSignIn(t *testing.T) {
	dir := start(t, ldaptest.Config{Entries: entries(group("staff", "member", aliceDN))})
	r := openRig(t, map[string]any{"group_dn": "ou=groups," + base}, dir)
	got := r.signIn("alice", alicePassword)
	if time.Since(got.AuthTime).Abs() > time.Minute {
		t.Errorf("AuthTime %v", got.AuthTime)
	}
	got.AuthTime, got.Grant = time.Time{}, nil
	want := sdk.Identity{
		Subject: aliceUUID, Username: "alice", Email: "alice@example.com", GivenName: "Given", FamilyName: "Surname",
		Name: "Alice Liddell", Groups: []string{"staff"}, AMR: []string{"pwd"}, Aliases: []string{aliceDN},
		Claims: map[string]any{
			"dn": aliceDN, "uid": "alice", "cn": "Name of alice", "mail": "alice@example.com",
			"givenName": "Given", "sn": "Surname", "displayName": "Alice Liddell",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}
}

func TestProtection(t *testing.T) {
	plain := start(t, ldaptest.Config{})
	secured := start(t, ldaptest.Config{LDAPS: true})
	guarded := start(t, ldaptest.Config{LDAPS: true, ClientCertificate: true})
	certificate, key := guarded.Client()
	port := func(d *ldaptest.Directory) string { return d.Address()[strings.LastIndex(d.Address(), ":"):] }
	for name, test := range map[string]struct {
		dir      *ldaptest.Directory
		values   map[string]any
		startTLS int
	}{
		"ldaps":                       {secured, nil, 0},
		"ldap to loopback":            {plain, nil, 0},
		"start_tls":                   {plain, map[string]any{"start_tls": true}, 2},
		"client certificate":          {guarded, map[string]any{"tls_cert": certificate, "tls_key": key}, 0},
		"tls options of Directus":     {secured, map[string]any{"client_url": "ldap://localhost" + port(secured), "tls_ca": nil, "client__tls_options__ca": secured.CA()}, 0},
		"of Directus, in YAML":        {secured, map[string]any{"client_url": "ldap://localhost" + port(secured), "tls_ca": nil, "client": map[string]any{"tlsOptions": map[string]any{"ca": secured.CA(), "rejectUnauthorized": true}}}, 0},
		"of Directus, not checked":    {secured, map[string]any{"tls_ca": nil, "client__tls_options__reject_unauthorized": "false"}, 0},
		"of Directus, with start_tls": {plain, map[string]any{"tls_ca": nil, "start_tls": "true", "client__tls_options__ca": plain.CA()}, 2},
		"TLS 1.3":                     {secured, map[string]any{"client__tls_options__min_version": "TLSv1.3", "client__timeout": "2000"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			before := test.dir.Counts().StartTLS
			openRig(t, test.values, test.dir).signIn("alice", alicePassword)
			if got := test.dir.Counts().StartTLS - before; got != test.startTLS {
				t.Errorf("StartTLS was asked for %d times, want %d", got, test.startTLS)
			}
		})
	}
}

// TestJ01_EmptyPassword: a bind with a name and an empty password succeeds without
// authentication (RFC 4513 section 5.1.2). It is never sent.
func TestJ01_EmptyPassword(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	r := openRig(t, nil, dir)
	step, err := r.enter("alice", "")
	wantPrompt(t, step, err, sdk.ReasonBadCredentials)
	step, err = r.enter("alice", strings.Repeat("x", sdk.MaxAnswer+1))
	wantPrompt(t, step, err, sdk.ReasonBadCredentials)
	if binds := dir.Binds(); len(binds) != 0 {
		t.Errorf("binds as %q", binds)
	}
	for _, password := range []string{"\x00", " ", "   ", "\t", alicePassword + "\x00"} {
		step, err := r.enter("alice", password)
		wantPrompt(t, step, err, sdk.ReasonBadCredentials)
	}
}

// TestJ02_EmptyName: an anonymous bind succeeds, but is not a login.
func TestJ02_EmptyName(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	for form, values := range map[string]map[string]any{
		"search": nil, "template": {"user_dn_template": "uid={username}," + people},
	} {
		t.Run(form, func(t *testing.T) {
			r := openRig(t, values, dir)
			for _, name := range []string{"", " ", "\t", "\u00a0", "\u2003 ", "\u200b"} {
				step, err := r.enter(name, "x")
				wantPrompt(t, step, err, sdk.ReasonBadCredentials)
			}
		})
	}
	for _, dn := range dir.Binds() {
		if dn == "" {
			t.Error("an anonymous bind")
		}
	}
}

// TestJ03_FilterInjection: the input is only ever a value.
func TestJ03_FilterInjection(t *testing.T) {
	odd := `o'Neil (ext)*\`
	dir := start(t, ldaptest.Config{Entries: entries(person("odd", "secret", map[string][]string{"uid": {odd}}))})
	r := openRig(t, map[string]any{"user_filter": "(objectClass=inetOrgPerson)"}, dir)
	for _, name := range []string{
		"*", "*)(uid=*", "alice)(|(uid=*", "alice)(objectClass=*", `\2a`, "alice\x00", "*)(|(mail=*))", ")", "(", "&(uid=alice)",
		"álicé", strings.Repeat("a", 10_000), "a*", "!(uid=bob)",
	} {
		step, err := r.enter(name, alicePassword)
		wantPrompt(t, step, err, sdk.ReasonBadCredentials)
	}
	want := `(&(objectClass=inetOrgPerson)(uid=\2a\29\28uid=\2a))`
	if !slices.ContainsFunc(dir.Searches(), func(s ldaptest.Searched) bool { return s.Filter == want }) {
		t.Errorf("searches %v, none for %s", dir.Searches(), want)
	}
	// Escaped once, not twice: such names do exist.
	if got := r.signIn(odd, "secret"); got.Subject != "uuid-of-odd" {
		t.Errorf("subject %q", got.Subject)
	}
}

// TestJ04_DNInjection: a name in a template is a value of the DN.
func TestJ04_DNInjection(t *testing.T) {
	dir := start(t, ldaptest.Config{Entries: entries(
		person("a,b+c", "secret", nil),
		ldaptest.Entry{DN: "uid=root,ou=admins," + people, Password: "secret", Attributes: map[string][]string{"uid": {"root"}}},
	)})
	dir.Change(func(list []ldaptest.Entry) []ldaptest.Entry {
		for i := range list {
			list[i].DN = strings.ReplaceAll(list[i].DN, "uid=a,b+c,", `uid=a\,b\+c,`)
		}
		return list
	})
	r := openRig(t, map[string]any{"user_dn_template": "uid={username}," + people}, dir)
	for _, name := range []string{"root,ou=admins", "a+cn=b", "#", `\`, `alice\`, " alice", "alice,", `"alice"`, "alice;x", "<alice>", "alice\x00", "*", "{username}", "#616c696365"} {
		step, err := r.enter(name, "secret")
		wantPrompt(t, step, err, sdk.ReasonBadCredentials)
	}
	if got := r.signIn("a,b+c", "secret"); got.Subject != "uuid-of-a,b+c" {
		t.Errorf("subject %q", got.Subject)
	}
}

// TestTemplateWithoutServiceAccount: only the user searches.
func TestTemplateWithoutServiceAccount(t *testing.T) {
	dir := start(t, ldaptest.Config{OnlySearcher: aliceDN, Entries: entries(group("staff", "member", aliceDN))})
	r := openRig(t, map[string]any{
		"user_dn_template": "uid={username}," + people, "bind_dn": nil, "bind_password": nil, "group_dn": base, "group_scope": "sub",
	}, dir)
	identity := r.signIn("alice", alicePassword)
	if identity.Subject != aliceUUID || !slices.Equal(identity.Groups, []string{"staff"}) {
		t.Errorf("identity %+v", identity)
	}
	if slices.Contains(r.provider.Capabilities(), sdk.CapabilityRefresh) {
		t.Error("announces a refresh that nobody can do")
	}
}

// TestTemplateFilter: a right password alone is not sufficient.
func TestTemplateFilter(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	r := openRig(t, map[string]any{"user_dn_template": "uid={username}," + people, "user_filter": "(memberOf=cn=staff)"}, dir)
	_, err := r.enter("alice", alicePassword)
	plugintest.Refused(t, err, sdk.ErrDenied, sdk.ReasonNotAllowed)
}

// TestJ05_OneSubject: a directory treats many spellings as one name. They are one subject,
// and one count of wrong passwords.
func TestJ05_OneSubject(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	r := openRig(t, map[string]any{"max_wrong_passwords": 3}, dir)
	spellings := []string{"alice", "ALICE", " alice ", "ａｌｉｃｅ", "alice\u00a0"}
	for _, name := range spellings {
		if got := r.signIn(name, alicePassword); got.Subject != aliceUUID || got.Username != "alice" {
			t.Errorf("%q signs in as %q, %q", name, got.Subject, got.Username)
		}
	}
	before := len(dir.Binds())
	for range 3 {
		for _, name := range spellings {
			step, err := r.enter(name, "wrong")
			wantPrompt(t, step, err, sdk.ReasonBadCredentials)
		}
	}
	sent := 0
	for _, dn := range dir.Binds()[before:] {
		if dn == aliceDN {
			sent++
		}
	}
	if sent != 3 {
		t.Errorf("%d wrong passwords of one account were sent to the directory, want 3", sent)
	}
}

// TestJ06_NotExactlyOne: two entries, a referral, or an entry outside of the base sign nobody
// in, and no referral is followed.
func TestJ06_NotExactlyOne(t *testing.T) {
	twin := person("twin", alicePassword, map[string][]string{"uid": {"alice"}})
	for name, test := range map[string]struct {
		entries   []ldaptest.Entry
		misbehave ldaptest.Misbehaviour
	}{
		"two entries":        {entries(twin), nil},
		"a third one":        {nil, ldaptest.Stranger("uid=bob,"+people, map[string][]string{"uid": {"alice"}})},
		"many":               {nil, ldaptest.Flood(people)},
		"entry of no DN":     {entries()[:5], ldaptest.Stranger("", map[string][]string{"entryUUID": {"x"}})},
		"entry of elsewhere": {entries()[:5], ldaptest.Stranger("uid=alice,dc=evil,dc=org", map[string][]string{"entryUUID": {"x"}})},
		"entry of odd DN":    {entries()[:5], ldaptest.Stranger("alice", map[string][]string{"entryUUID": {"x"}})},
	} {
		t.Run(name, func(t *testing.T) {
			dir := start(t, ldaptest.Config{Entries: test.entries})
			dir.Misbehave(ldaptest.On(ldaptest.Search, test.misbehave))
			if test.misbehave == nil {
				dir.Misbehave(nil)
			}
			step, err := openRig(t, nil, dir).enter("alice", alicePassword)
			wantPrompt(t, step, err, sdk.ReasonBadCredentials)
		})
	}
	t.Run("a continuation reference is no entry", func(t *testing.T) {
		dir, other := start(t, ldaptest.Config{}), start(t, ldaptest.Config{})
		dir.Misbehave(ldaptest.On(ldaptest.Search, ldaptest.Refer(other.URL()+"/"+base)))
		openRig(t, nil, dir).signIn("alice", alicePassword)
		if got := other.Counts().Connections; got != 0 {
			t.Errorf("%d connections to where the referral points", got)
		}
	})
	t.Run("a referral as the result", func(t *testing.T) {
		dir := start(t, ldaptest.Config{})
		dir.Misbehave(ldaptest.On(ldaptest.Search, ldaptest.Reply(ldaptest.Answer{Code: 10})))
		_, err := openRig(t, nil, dir).enter("alice", alicePassword)
		plugintest.Refused(t, err, sdk.ErrMisconfigured, directory.ReasonSearchRefused)
	})
	t.Run("a referral as the answer to a bind", func(t *testing.T) {
		dir := start(t, ldaptest.Config{})
		dir.Change(func(list []ldaptest.Entry) []ldaptest.Entry {
			list[5].Any = &ldaptest.Answer{Code: 10}
			return list
		})
		if step, err := openRig(t, nil, dir).enter("alice", alicePassword); err == nil {
			t.Errorf("got %T", step)
		}
	})
}

// TestJ07_Enumeration: an unknown name costs the same search and the same bind as a wrong
// password, and gets the same answer.
func TestJ07_Enumeration(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	r := openRig(t, nil, dir)
	r.signIn("alice", alicePassword)
	ask := func(name string) (sdk.Step, ldaptest.Counts) {
		before := dir.Counts()
		step, err := r.enter(name, "wrong")
		if err != nil {
			t.Fatal(err)
		}
		after := dir.Counts()
		return step, ldaptest.Counts{Connections: after.Connections - before.Connections, Binds: after.Binds - before.Binds, Searches: after.Searches - before.Searches}
	}
	known, knownCost := ask("alice")
	unknown, unknownCost := ask("nobody")
	if diff := cmp.Diff(known, unknown); diff != "" {
		t.Errorf("the answers differ (-known +unknown):\n%s", diff)
	}
	if knownCost != unknownCost || knownCost != (ldaptest.Counts{Connections: 1, Binds: 1, Searches: 1}) {
		t.Errorf("known: %+v, unknown: %+v", knownCost, unknownCost)
	}
}

// TestJ07_Pace: a directory that takes longer for existing entries does not reveal them.
func TestJ07_Pace(t *testing.T) {
	const work = 40 * time.Millisecond
	dir := start(t, ldaptest.Config{})
	dir.Misbehave(ldaptest.On(ldaptest.Bind, func(r ldaptest.Request) bool {
		if r.DN == aliceDN {
			<-time.After(work) // a slow password hash
		}
		return false
	}))
	l := openLocal(t, nil, nil, dir)
	for range 3 {
		if _, err := l.enter(t.Context(), "alice", "wrong"); err != nil {
			t.Fatal(err)
		}
	}
	begin := time.Now()
	if _, err := l.enter(t.Context(), "nobody", "wrong"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < work {
		t.Errorf("an unknown name takes %v, a wrong password at least %v", took, work)
	}
}

// TestJ07_FreshProcess: before the first wrong password, the delay is based on the bind of
// the service account, or on right passwords if names are not searched for.
func TestJ07_FreshProcess(t *testing.T) {
	const work = 60 * time.Millisecond // to hash a password
	dir := start(t, ldaptest.Config{})
	dir.Misbehave(ldaptest.On(ldaptest.Bind, func(r ldaptest.Request) bool {
		if r.DN == aliceDN || r.DN == readerDN {
			<-time.After(work)
		}
		return false
	}))
	took := func(l *local, name string) time.Duration {
		t.Helper()
		begin := time.Now()
		step, err := l.enter(t.Context(), name, "wrong")
		wantPrompt(t, step, err, sdk.ReasonBadCredentials)
		return time.Since(begin)
	}
	for way, values := range map[string]map[string]any{"search": nil, "template": {"user_dn_template": "uid={username}," + people}} {
		known, unknown := took(openLocal(t, nil, values, dir), "alice"), took(openLocal(t, nil, values, dir), "nobody")
		if unknown < known*8/10 && unknown < 3*work {
			t.Errorf("%s: in a fresh process a wrong password takes %v, an unknown name %v", way, known, unknown)
		}
	}
	template := openLocal(t, nil, map[string]any{"user_dn_template": "uid={username}," + people}, dir)
	for range 20 { // enough samples
		step, err := template.enter(t.Context(), "alice", alicePassword)
		identityOf(t, step, err)
	}
	if unknown := took(template, "nobody"); unknown < work {
		t.Errorf("by template, a right password takes %v at least, an unknown name %v", work, unknown)
	}
}

// TestJ08_LockoutKeptAway: the directory gets fewer wrong passwords than lock the account,
// and the right one works again after the window.
func TestJ08_LockoutKeptAway(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	now := plugintest.NewClock()
	r := openRigAt(t, now.Now, map[string]any{"max_wrong_passwords": "4", "wrong_password_window": "10m"}, dir)
	for range 10 {
		step, err := r.enter("alice", "wrong")
		wantPrompt(t, step, err, sdk.ReasonBadCredentials)
	}
	step, err := r.enter("alice", alicePassword)
	wantPrompt(t, step, err, sdk.ReasonBadCredentials)
	wrong := 0
	for _, dn := range dir.Binds() {
		if dn == aliceDN {
			wrong++
		}
	}
	if wrong != 4 {
		t.Errorf("the directory saw %d passwords, want 4", wrong)
	}
	r.signIn("bob", "builder")
	now.Advance(11 * time.Minute)
	r.signIn("alice", alicePassword)

	byTemplate := openRigAt(t, now.Now, map[string]any{"max_wrong_passwords": "4", "user_dn_template": "uid={username}," + people}, dir)
	before := len(dir.Binds())
	for range 3 {
		for _, name := range []string{"alice", "Alice", "ａlice "} {
			step, err := byTemplate.enter(name, "wrong")
			wantPrompt(t, step, err, sdk.ReasonBadCredentials)
		}
	}
	sent := 0
	for _, dn := range dir.Binds()[before:] {
		if !strings.HasPrefix(dn, "cn=doorward-nobody") && dn != readerDN {
			sent++
		}
	}
	if sent != 4 {
		t.Errorf("by template, the directory saw %d passwords, want 4", sent)
	}
}

// TestJ08_LockoutKeptAwayFromATemplate: with a template, all spellings of one name count
// together, and so do concurrent and consecutive attempts.
func TestJ08_LockoutKeptAwayFromATemplate(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"template": {"max_wrong_passwords": "4", "user_dn_template": "uid={username}," + people},
		"search":   {"max_wrong_passwords": "4"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := start(t, ldaptest.Config{})
			r := openRig(t, values, dir)
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() {
					step, err := r.enter([]string{"alice", "ALICE", " alice ", "ａｌｉｃｅ"}[i%4], "wrong")
					wantPrompt(t, step, err, sdk.ReasonBadCredentials)
				})
			}
			all.Wait()
			wrong := 0
			for _, dn := range dir.Binds() {
				if strings.HasPrefix(strings.ToLower(dn), "uid=") {
					wrong++
				}
			}
			if wrong != 4 {
				t.Errorf("the directory saw %d passwords, want 4", wrong)
			}
		})
	}
}

// TestJ10_StartTLSRefused: if TLS is required but not available, no password is sent.
func TestJ10_StartTLSRefused(t *testing.T) {
	other := start(t, ldaptest.Config{LDAPS: true})
	for name, test := range map[string]struct {
		config ldaptest.Config
		values map[string]any
		flaw   ldaptest.Misbehaviour
	}{
		"refused":               {ldaptest.Config{NoStartTLS: true}, map[string]any{"start_tls": true}, nil},
		"stripped":              {ldaptest.Config{}, map[string]any{"start_tls": true}, ldaptest.Reply(ldaptest.Answer{Code: 2})},
		"hung up":               {ldaptest.Config{}, map[string]any{"start_tls": true}, ldaptest.HangUp},
		"answer to another":     {ldaptest.Config{}, map[string]any{"start_tls": true}, ldaptest.WrongID},
		"unknown authority":     {ldaptest.Config{}, map[string]any{"start_tls": true, "tls_ca": other.CA()}, nil},
		"ldaps, unknown":        {ldaptest.Config{LDAPS: true}, map[string]any{"tls_ca": other.CA()}, nil},
		"ldaps, wrong name":     {ldaptest.Config{LDAPS: true, CertificateFor: "other.example"}, nil, nil},
		"wrong name by option":  {ldaptest.Config{LDAPS: true}, map[string]any{"tls_server_name": "other.example"}, nil},
		"plain where ldaps was": {ldaptest.Config{}, map[string]any{"client_url": "ldaps"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := start(t, test.config)
			if test.flaw != nil {
				dir.Misbehave(ldaptest.On(ldaptest.StartTLS, test.flaw))
			}
			values := map[string]any{"connect_timeout": "300ms"}
			for k, v := range test.values {
				if v == "ldaps" {
					v = "ldaps://" + dir.Address()
				}
				values[k] = v
			}
			_, err := openRig(t, values, dir).enter("alice", alicePassword)
			plugintest.Refused(t, err, sdk.ErrUnavailable, directory.ReasonUnreachable)
			if got := dir.Counts(); got.Binds != 0 || got.Searches != 0 {
				t.Errorf("%+v without TLS", got)
			}
		})
	}
}

// TestJ10_PlaintextAbroad: ldap:// to another machine uses StartTLS, unless an option that
// names the danger is set.
func TestJ10_PlaintextAbroad(t *testing.T) {
	for name, test := range map[string]struct {
		url  string
		rule directory.PlainRule
		want directory.Protection
	}{
		"another machine":  {"ldap://ldap.example.com", directory.PlainRule{}, directory.ProtectedByStartTLS},
		"loopback":         {"ldap://127.0.0.1:1389", directory.PlainRule{}, directory.Unprotected},
		"loopback, IPv6":   {"ldap://[::1]", directory.PlainRule{}, directory.Unprotected},
		"localhost":        {"ldap://localhost", directory.PlainRule{}, directory.Unprotected},
		"like loopback":    {"ldap://127.0.0.1.example.com", directory.PlainRule{}, directory.ProtectedByStartTLS},
		"start_tls":        {"ldap://localhost", directory.PlainRule{StartTLS: true}, directory.ProtectedByStartTLS},
		"insecure":         {"ldap://ldap.example.com", directory.PlainRule{AllowInsecure: true}, directory.Unprotected},
		"ldaps stays":      {"ldaps://ldap.example.com", directory.PlainRule{AllowInsecure: true}, directory.ProtectedByTLS},
		"of Directus":      {"ldap://ldap.example.com", directory.PlainRule{ImplicitTLS: true}, directory.ProtectedByTLS},
		"domain localhost": {"ldap+srv://localhost", directory.PlainRule{}, directory.ProtectedByStartTLS},
		"socket":           {"ldapi://%2Frun%2Fslapd%2Fldapi", directory.PlainRule{}, directory.Unprotected},
	} {
		got, err := directory.Locate(test.url, test.rule)
		if err != nil || got.Protection != test.want {
			t.Errorf("%s: %v, %v; want %v", name, got.Protection, err, test.want)
		}
	}
}

// TestJ11_StartTLSInjection: data after the plain answer to StartTLS is not read as an answer
// within TLS.
func TestJ11_StartTLSInjection(t *testing.T) {
	dir := start(t, ldaptest.Config{Injected: true})
	_, err := openRig(t, map[string]any{"start_tls": true, "connect_timeout": "300ms"}, dir).enter("alice", alicePassword)
	plugintest.Refused(t, err, sdk.ErrUnavailable, directory.ReasonUnreachable)
	if got := dir.Counts(); got.Binds != 0 {
		t.Errorf("%+v", got)
	}
}

// TestJ14_ServiceIdentity: searches run as the service account while users sign in, because
// nobody else binds on a pooled connection.
func TestJ14_ServiceIdentity(t *testing.T) {
	dir := start(t, ldaptest.Config{Entries: entries(group("staff", "member", aliceDN))})
	r := openRig(t, map[string]any{"group_dn": base, "group_scope": "sub", "pool_size": "3"}, dir)
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			if i%4 == 0 {
				if step, err := r.enter("alice", "wrong"); err != nil {
					t.Errorf("wrong password: %T, %v", step, err)
				}
				return
			}
			step, err := r.enter("alice", alicePassword)
			if _, ok := step.(sdk.Authenticated); !ok {
				t.Errorf("login %d of 40: %T, %v", i, step, err)
			}
		})
	}
	group.Wait()
	readers := 0
	for _, dn := range dir.Binds() {
		if dn == readerDN {
			readers++
		}
	}
	if readers > 3 {
		t.Errorf("%d service connections, pool_size is 3", readers)
	}
	for _, s := range dir.Searches() {
		if s.By != readerDN {
			t.Fatalf("a search as %q: %+v", s.By, s)
		}
	}
	if c := dir.Counts(); c.Connections != c.Binds {
		t.Errorf("%d binds on %d connections", c.Binds, c.Connections)
	}
}

// TestJ15_ServicePassword: a refused service account is reported to the operator, and is not
// tried so often that it locks.
func TestJ15_ServicePassword(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	now := plugintest.NewClock()
	r := openRigAt(t, now.Now, map[string]any{"bind_password": "rotated"}, dir)
	for range 10 {
		_, err := r.enter("alice", alicePassword)
		plugintest.Refused(t, err, sdk.ErrMisconfigured, directory.ReasonServiceBind)
		if strings.Contains(fmt.Sprint(err), "rotated") {
			t.Errorf("the password in %v", err)
		}
	}
	if got := dir.Counts().Binds; got != 1 {
		t.Errorf("%d binds, want 1", got)
	}
	dir.Change(func(list []ldaptest.Entry) []ldaptest.Entry {
		list[4].Password = "rotated"
		return list
	})
	now.Advance(2 * time.Second)
	r.signIn("alice", alicePassword)
}

// TestJ19_PasswordBytes: a password is sent to the directory byte for byte, and nowhere else.
func TestJ19_PasswordBytes(t *testing.T) {
	for name, password := range map[string]string{
		"not UTF-8": "\xff\xfe\x80", "CRLF": "a\r\nb", "NUL": "a\x00b", "long": strings.Repeat("p", sdk.MaxAnswer),
		"spaces": "  p  ", "composed": "e\u0301", "JSON": `{"a":"%s"}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := start(t, ldaptest.Config{Entries: entries(person("carol", password, nil))})
			l := openLocal(t, nil, nil, dir)
			step, err := l.enter(t.Context(), "carol", password)
			identityOf(t, step, err)
			_, err = l.enter(t.Context(), "alice", password)
			dir.Misbehave(ldaptest.On(ldaptest.Bind, func(r ldaptest.Request) bool {
				r.Send(ldaptest.Result(r.ID, ldaptest.Bind, ldaptest.Answer{Code: 49, Text: "your password is " + r.Password}))
				return true
			}))
			_, err2 := l.enter(t.Context(), "carol", password)
			dir.Misbehave(ldaptest.On(ldaptest.Bind, ldaptest.Reply(ldaptest.Answer{Code: 80, Text: "failed for " + password})))
			_, err3 := l.enter(t.Context(), "carol", password)
			said := l.log.String() + fmt.Sprint(err, err2, err3)
			if len(password) > 3 && strings.Contains(said, password) {
				t.Errorf("the password in %.500q", said)
			}
		})
	}
	t.Run("10 KB", func(t *testing.T) {
		dir := start(t, ldaptest.Config{})
		l := openLocal(t, nil, nil, dir)
		step, err := l.enter(t.Context(), "alice", strings.Repeat("p", 10<<10))
		wantPrompt(t, step, err, sdk.ReasonBadCredentials)
		if got := dir.Counts().Binds; got != 0 {
			t.Errorf("%d binds", got)
		}
	})
}

func TestNoMemory(t *testing.T) {
	r := openRig(t, nil, start(t, ldaptest.Config{}))
	for _, memory := range []string{"", "{", `{"step":"other"}`, `[]`} {
		_, err := r.provider.Continue(t.Context(), sdk.ContinueRequest{
			State: testState, Memory: []byte(memory), Answers: map[string]string{fieldUsername: "alice", fieldPassword: alicePassword},
		})
		if !errors.Is(err, sdk.ErrInvalidResponse) {
			t.Errorf("memory %q: %v", memory, err)
		}
	}
}

func containsAny(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

// If the operator sets the domain, a name with the domain in front is the same name.
func TestNetBIOSDomain(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	with := openRig(t, map[string]any{"netbios_domain": "CORP"}, dir)
	for _, name := range []string{"alice", `CORP\alice`, `corp\Alice`, ` CORP\alice`} {
		if got := with.signIn(name, alicePassword).Subject; got != aliceUUID {
			t.Errorf("%s has the subject %q", name, got)
		}
	}
	without := openRig(t, nil, dir)
	for name, r := range map[string]*rig{
		`OTHER\alice`: with, `CORP\`: with, `CORP\CORP\alice`: with, `\alice`: with, `CORP\*`: with, `CORP\alice`: without,
	} {
		step, err := r.enter(name, alicePassword)
		if prompt, ok := step.(sdk.Prompt); err != nil || !ok || prompt.Reason != sdk.ReasonBadCredentials {
			t.Errorf("%s: %+v, %v", name, step, err)
		}
	}
}

// Anyone can type a name and a password. The host logs a limited number of refusals; log
// lines of the plugin would add to these and hide important ones.
func TestWrongPasswordsDoNotFillTheLog(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	m := openLocal(t, nil, nil, dir)
	opened := m.log.String()
	for _, name := range []string{"alice", "nobody"} {
		for range 20 {
			if _, err := m.enter(t.Context(), name, "wrong"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := strings.TrimPrefix(m.log.String(), opened); got != "" {
		t.Errorf("the log says\n%s", got)
	}
}

// TestListOfEntries: of several bases that are one user each, one may be missing.
func TestListOfEntries(t *testing.T) {
	dir := start(t, ldaptest.Config{})
	for _, bases := range []string{aliceDN + ";uid=gone," + people, "uid=gone," + people + ";" + aliceDN} {
		r := openRig(t, map[string]any{"user_dn": bases, "user_scope": "base"}, dir)
		identity := r.signIn("alice", alicePassword)
		if _, err := r.provider.Refresh(t.Context(), identity.Grant); err != nil {
			t.Errorf("%s: %v", bases, err)
		}
		step, err := r.enter("bob", "builder")
		wantPrompt(t, step, err, sdk.ReasonBadCredentials)
	}
}
