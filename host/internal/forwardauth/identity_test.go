package forwardauth_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/forwardauth"
	"github.com/doorward/doorward/host/internal/sso"
)

// claims verifies an assertion as an app does, with the host's JWKS, and returns its
// claims.
func (r *rig) claims(assertion string) map[string]any {
	r.t.Helper()
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(r.tokens.JWKS(r.t.Context()), &keys); err != nil {
		r.t.Fatal(err)
	}
	signed, err := jose.ParseSignedCompact(assertion, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		r.t.Fatalf("%q: %v", assertion, err)
	}
	text, err := signed.Verify(keys.Key(signed.Signatures[0].Header.KeyID)[0].Key)
	if err != nil {
		r.t.Fatal(err)
	}
	if typ := signed.Signatures[0].Header.ExtraHeaders[jose.HeaderType]; typ != "doorward-assertion+jwt" {
		r.t.Errorf("FA47 typ is %v", typ)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(text, &claims); err != nil {
		r.t.Fatal(err)
	}
	return claims
}

func TestIdentity(t *testing.T) {
	r := newRig(t)
	alice := r.user("alice", func(u *sso.User) { u.Role, u.FirstName, u.LastName = "editor", "Jürgen", "Groß" })
	token, session := r.session(alice, sso.KindSession, "staff", "wiki writers")
	a := r.ask(forward("Cookie: " + cookieName + "=" + string(token)))
	got := map[string]string{}
	for _, name := range identityNames[:4] {
		got[name] = a.Header.Get(name)
	}
	want := map[string]string{"Remote-User": "alice", "Remote-Email": "alice@example.org", "Remote-Name": "Jürgen Groß", "Remote-Groups": "staff,wiki writers"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	claims := r.claims(a.Header.Get("X-Doorward-Assertion"))
	issued, _ := claims["iat"].(float64)
	if now := float64(time.Now().Unix()); issued > now || issued < now-30 || claims["exp"] != issued+60 || claims["nbf"] != issued || claims["jti"] == "" {
		t.Errorf("times of %v", claims)
	}
	for _, name := range []string{"iat", "nbf", "exp", "jti"} {
		delete(claims, name)
	}
	wantClaims := map[string]any{
		"iss": publicURL, "aud": "https://app.test", "sub": "alice", "sid": session.ID, "auth_time": float64(session.CreatedAt.Unix()), "idp": "corp",
		"email": "alice@example.org", "name": "Jürgen Groß", "role": "editor", "groups": []any{"staff", "wiki writers"},
	}
	if diff := cmp.Diff(wantClaims, claims); diff != "" {
		t.Error(diff)
	}
	other := r.ask(forward("Cookie: "+cookieName+"="+string(token), "X-Forwarded-Host: any.test"))
	if aud := r.claims(other.Header.Get("X-Doorward-Assertion"))["aud"]; aud != "https://any.test" {
		t.Errorf("FA47 at another app: %v", aud)
	}
}

// An assertion is used again for half its lifetime, and only for the same user.
func TestAssertionIsKept(t *testing.T) {
	r := newRig(t)
	cookie := r.alice()
	ask := func() string {
		return r.ask(forward("Cookie: " + cookie)).Header.Get("X-Doorward-Assertion")
	}
	first := ask()
	if ask() != first {
		t.Error("signed again at once")
	}
	r.clock.advance(31 * time.Second)
	if ask() == first {
		t.Error("not signed again after half its life")
	}
	access := r.access(sso.User{ID: "alice", Provider: "corp"})
	if a := r.ask(forward("Authorization: Bearer " + access)); a.Header.Get("X-Doorward-Assertion") == first {
		t.Error("the assertion of another session")
	}
}

// FA47: an assertion is not an access token, and the other way round.
func TestRowsOfAssertions(t *testing.T) {
	r := newRig(t)
	a := r.ask(forward("Cookie: " + r.alice()))
	if _, err := r.tokens.Verify(t.Context(), a.Header.Get("X-Doorward-Assertion")); err == nil {
		t.Error("FA47 an assertion passes for an access token")
	}
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(r.access(r.user("robot")), ".")[0])
	if err != nil || strings.Contains(string(header), "assertion") {
		t.Errorf("FA47 an access token is %s", header)
	}
	if _, err := r.tokens.Assert(t.Context(), sso.Assertion{Audience: "x", UserID: "y", IssuedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}); err == nil {
		t.Error("an assertion that lives for an hour")
	}
}

// A value that a header cannot hold is left out.
func TestRowsOfIdentities(t *testing.T) {
	r := newRig(t)
	long := make([]string, 5000)
	for i := range long {
		long[i] = fmt.Sprintf("group-%04d", i)
	}
	big := strings.Repeat("g", 1000)
	for i, c := range []struct {
		id, name string
		groups   []string
		change   func(*sso.User)
		want     map[string]string
	}{
		{"FA37", "a comma", []string{"a,b", "ok"}, nil, map[string]string{"Remote-Groups": "ok"}},
		{"FA37", "a bar", []string{"a|b", "ok"}, nil, map[string]string{"Remote-Groups": "ok"}},
		{"FA37", "Cyrillic", []string{"граппа", "ok"}, nil, map[string]string{"Remote-Groups": "ok"}},
		{"FA37", "a control character", []string{"a\x01b", "a\x00b", "a\x7f", "ok"}, nil, map[string]string{"Remote-Groups": "ok"}},
		{"FA37", "a carriage return", []string{"x\rRemote-User: root", "ok"}, nil, map[string]string{"Remote-Groups": "ok"}},
		{"FA37", "a space behind", []string{"a ", " b", "ok"}, nil, map[string]string{"Remote-Groups": "ok"}},
		{"FA37", "5000 groups", long, nil, nil},
		{"FA37", "60 KB", []string{strings.Repeat("x", 60<<10), "ok"}, nil, map[string]string{"Remote-Groups": "ok"}},
		{"FA37", "a big one first", []string{big, "ok"}, nil, map[string]string{"Remote-Groups": "ok"}},
		{"FA38", "umlauts", nil, func(u *sso.User) { u.FirstName = "J\u00fcrgen" }, map[string]string{"Remote-Name": "J\u00fcrgen " + "38-9"}},
		{"FA38", "direction", nil, func(u *sso.User) { u.FirstName = "a\u202eb\u0000\r\nc\u200b" }, map[string]string{"Remote-Name": "abc 38-10"}},
		{"FA38", "a long name", nil, func(u *sso.User) { u.FirstName, u.LastName = strings.Repeat("ü", 100), "x" }, map[string]string{"Remote-Name": strings.Repeat("ü", 64)}},
		{"FA38", "an odd address", nil, func(u *sso.User) { u.Email = `"a b"@x` }, map[string]string{"Remote-Email": ""}},
		{"FA38", "a foreign address", nil, func(u *sso.User) { u.Email = "ü@x" }, map[string]string{"Remote-Email": ""}},
		{"FA39", "nothing at all", nil, func(u *sso.User) { u.Email, u.FirstName, u.LastName = "", "", "" }, map[string]string{"Remote-Email": "", "Remote-Name": "", "Remote-Groups": ""}},
		{"FA39", "all of it, and long", long, func(u *sso.User) {
			u.Email, u.FirstName, u.Role = strings.Repeat("e", 240)+"@example.org", strings.Repeat("ü", 200), strings.Repeat("r", 255)
		}, nil},
	} {
		u := r.user(fmt.Sprintf("%s-%d", c.id[2:], i), func(u *sso.User) {
			if c.change != nil {
				c.change(u)
			}
		})
		token, _ := r.session(u, sso.KindSession, c.groups...)
		a := r.ask(forward("Cookie: " + cookieName + "=" + string(token)))
		a.check(t, c.id+" "+c.name, 200, u.ID)
		size := len("HTTP/1.1 200 OK\r\n\r\n")
		for name, values := range a.Header {
			size += len(name) + len(values[0]) + 4
		}
		if size > 3<<10 {
			t.Errorf("%s %s: a header of %d bytes", c.id, c.name, size)
		}
		for name, want := range c.want {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s %s: %s is %q, want %q", c.id, c.name, name, got, want)
			}
		}
		told, _ := r.claims(a.Header.Get("X-Doorward-Assertion"))["groups"].([]any)
		if len(c.groups) > 0 && len(told) == 0 || len(c.groups) < 10 && c.name != "60 KB" && c.name != "a big one first" && len(told) != len(c.groups) {
			t.Errorf("%s %s: the assertion has %v", c.id, c.name, told)
		}
		incomplete := r.claims(a.Header.Get("X-Doorward-Assertion"))["groups_incomplete"] == true
		if incomplete != (len(told) < len(c.groups)) {
			t.Errorf("%s %s: incomplete is %v with %d of %d", c.id, c.name, incomplete, len(told), len(c.groups))
		}
	}
}

// The groups in an app's rules come first.
func TestNamedGroupsComeFirst(t *testing.T) {
	r := newRig(t)
	long := make([]string, 500)
	for i := range long {
		long[i] = fmt.Sprintf("group-%04d", i)
	}
	token, _ := r.session(r.user("bob"), sso.KindSession, append(long, "admins")...)
	a := r.ask(forward("Cookie: "+cookieName+"="+string(token), "X-Forwarded-Host: admin.test"))
	if a.check(t, "an admin", 200, "bob"); !strings.HasPrefix(a.Header.Get("Remote-Groups"), "admins,group-0000,") {
		t.Errorf("groups %q", a.Header.Get("Remote-Groups"))
	}
}

// FA61: an address identifies a user at one provider.
func TestRowsOfAddresses(t *testing.T) {
	at := func(provider string, verified bool) func(*sso.User) {
		return func(u *sso.User) {
			u.Provider, u.Subject, u.Email = provider, provider, "alice@example.org"
			if verified {
				u.EmailVerifiedBy = provider
			}
		}
	}
	for name, c := range map[string]struct {
		emailOf []string
		person  func(*sso.User)
		status  int
	}{
		"FA61 the provider that counts":              {[]string{"corp"}, at("corp", false), 200},
		"FA61 another provider":                      {[]string{"corp"}, at("other", true), 403},
		"FA61 one of two, verified":                  {[]string{"corp", "other"}, at("other", true), 200},
		"FA61 one of two, not verified":              {[]string{"corp", "other"}, at("other", false), 403},
		"FA61 none counts":                           {nil, at("corp", true), 403},
		"FA61 no address":                            {[]string{"corp"}, func(u *sso.User) { u.Email = "" }, 403},
		"FA61 an address that no header can hold":    {[]string{"corp"}, func(u *sso.User) { u.Email = "a b@x" }, 403},
		"FA61 verified by somebody else, one of two": {[]string{"corp", "other"}, func(u *sso.User) { u.EmailVerifiedBy = "other" }, 403},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(config *forwardauth.Config) { config.User = forwardauth.UserEmail })
			r.server.SetRules(forwardauth.NewRules([]forwardauth.App{
				{Name: "app", Origin: origin("https://app.test"), Prefix: "/", EmailOf: c.emailOf},
				{Name: "named", Origin: origin("https://named.test"), Prefix: "/", EmailOf: c.emailOf, Subject: forwardauth.Subject{Users: []string{"Alice@Example.org"}}},
			}))
			token, _ := r.session(r.user("u", c.person), sso.KindSession)
			for _, host := range []string{"app.test", "named.test"} {
				r.ask(forward("Cookie: "+cookieName+"="+string(token), "X-Forwarded-Host: "+host)).check(t, host, c.status, "alice@example.org")
			}
		})
	}
	r := newRig(t, func(config *forwardauth.Config) { config.User = forwardauth.UserSubject })
	app := &r.server.Rules().Apps()[0]
	if lacks := r.server.Missing(app, &forwardauth.Person{ID: "u", Provider: "corp"}); len(lacks) != 1 || lacks[0].What != "name" {
		t.Errorf("somebody without a subject lacks %v", lacks)
	}
	if lacks := r.server.Missing(app, &forwardauth.Person{ID: "u", Provider: "corp", Subject: "s"}); len(lacks) != 0 {
		t.Errorf("somebody with a subject lacks %v", lacks)
	}
	r.ask(forward("Cookie: "+r.alice())).check(t, "the subject", 200, "sub-alice")
}

// An account can be reached through several providers. The provider of the session
// counts: the groups come from it, and a weaker provider must not open an app that is for
// a stronger one.
func TestProviderOfTheSession(t *testing.T) {
	for name, c := range map[string]struct {
		user     forwardauth.UserHeader
		through  string
		host     string
		status   int
		isCalled string
	}{
		"through the first one":           {forwardauth.UserID, "corp", "corp.test", 200, "u"},
		"through another one":             {forwardauth.UserID, "other", "corp.test", 403, ""},
		"through the one that counts":     {forwardauth.UserID, "other", "other.test", 200, "u"},
		"an address of the first":         {forwardauth.UserID, "corp", "named.test", 200, "u"},
		"an address through another":      {forwardauth.UserID, "other", "named.test", 403, ""},
		"the subject at the first":        {forwardauth.UserSubject, "corp", "any.test", 200, "sub-u"},
		"the subject is of the first one": {forwardauth.UserSubject, "other", "any.test", 403, ""},
	} {
		r := newRig(t, func(config *forwardauth.Config) { config.User = c.user })
		corp, other := []string{"corp"}, []string{"other"}
		r.server.SetRules(forwardauth.NewRules([]forwardauth.App{
			{Name: "corp", Origin: origin("https://corp.test"), Prefix: "/", Subject: forwardauth.Subject{Providers: corp, Groups: []string{"admins"}}},
			{Name: "other", Origin: origin("https://other.test"), Prefix: "/", Subject: forwardauth.Subject{Providers: other}},
			{Name: "named", Origin: origin("https://named.test"), Prefix: "/", EmailOf: corp, Subject: forwardauth.Subject{Users: []string{"u@example.org"}}},
			{Name: "any", Origin: origin("https://any.test"), Prefix: "/"},
		}))
		u := r.user("u")
		u.Provider = c.through
		token, _ := r.session(u, sso.KindSession, "admins")
		r.ask(forward("Cookie: "+cookieName+"="+string(token), "X-Forwarded-Host: "+c.host)).check(t, name, c.status, c.isCalled)
	}
}

// If an account has links to several providers, an address counts only if the session's
// provider can have reported it. A user who chooses the address boss@example.org at some
// provider, and links an account at corp, is not corp's boss.
func TestAddressOfALinkedAccount(t *testing.T) {
	for name, c := range map[string]struct {
		made, verifiedBy, through string
		status                    int
	}{
		"corp's account":                      {"corp", "", "corp", 200},
		"corp's account, verified":            {"corp", "corp", "corp", 200},
		"corp's account, verified by another": {"corp", "other", "corp", 403},
		"corp's account, through another":     {"corp", "corp", "other", 403},
		"another's account":                   {"other", "", "corp", 403},
		"another's account, verified there":   {"other", "other", "corp", 403},
		"another's account, verified at corp": {"other", "corp", "corp", 200},
		"another's account, through that":     {"other", "other", "other", 403},
	} {
		r := newRig(t, func(config *forwardauth.Config) { config.User = forwardauth.UserEmail })
		r.server.SetRules(forwardauth.NewRules([]forwardauth.App{
			{Name: "app", Origin: origin("https://app.test"), Prefix: "/", EmailOf: []string{"corp"}, Subject: forwardauth.Subject{Users: []string{"boss@example.org"}}},
		}))
		u := r.user("boss", func(u *sso.User) { u.Provider, u.EmailVerifiedBy = c.made, c.verifiedBy })
		u.Provider = c.through
		token, _ := r.session(u, sso.KindSession)
		r.ask(forward("Cookie: "+cookieName+"="+string(token))).check(t, name, c.status, "boss@example.org")
	}
}
