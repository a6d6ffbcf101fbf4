package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/plugins/saml/samltest"
)

// The accounts of a Directus with a provider of each mechanism, by who they are for.
const (
	importedRole = "7c0e2d8e-0b1f-4a63-9d4c-8f6f1b1f6d10"
	openidAlice  = "00000000-0000-4000-8000-000000000001"
	oauth2Alice  = "00000000-0000-4000-8000-000000000002"
	samlAlice    = "00000000-0000-4000-8000-000000000003"
	ldapAda      = "00000000-0000-4000-8000-000000000004"
	openidBob    = "00000000-0000-4000-8000-000000000005"
	oauth2Bob    = "00000000-0000-4000-8000-000000000006"
	nobodys      = "00000000-0000-4000-8000-000000000007"
	withPassword = "00000000-0000-4000-8000-000000000008"
)

// directusDump is what pg_dump writes of it. Directus has stored the sub, the e-mail
// address (as no identifier_key was set), the attribute in lower case, and the DN.
const directusDump = `--
-- PostgreSQL database dump
--

SET client_encoding = 'UTF8';

COPY public.directus_roles (id, name, icon, description, parent) FROM stdin;
` + importedRole + `	Editor	supervised_user_circle	\N	\N
\.

COPY public.directus_users (id, first_name, last_name, email, password, status, role, token, provider, external_identifier, auth_data) FROM stdin;
` + openidAlice + `	Alice	\N	alice@example.org	\N	active	` + importedRole + `	\N	op	Alice	\N
` + oauth2Alice + `	Alice	\N	\N	\N	active	` + importedRole + `	\N	github	alice@example.com	\N
` + samlAlice + `	Alice	\N	\N	\N	active	` + importedRole + `	\N	idp	alice@corp.example	\N
` + ldapAda + `	Ada	\N	\N	\N	active	` + importedRole + `	\N	dir	uid=ada,dc=example,dc=org	\N
` + openidBob + `	Bob	\N	\N	\N	suspended	\N	\N	op	bob	\N
` + oauth2Bob + `	Bob	\N	\N	\N	active	\N	\N	github	2147483650	\N
` + nobodys + `	\N	\N	\N	\N	active	\N	\N	dir	alice	\N
` + withPassword + `	Pat	\N	pat@example.org	$argon2id$x	active	\N	\N	default	\N	\N
\.
`

// importSite is a host with a provider of each mechanism, where nobody makes an account
// by signing in.
type importSite struct {
	*testHost
	idp      *samltest.IdP
	password string // of ada, in the directory
}

func startImportSite(t *testing.T) importSite {
	t.Helper()
	ldapPlugin(t)
	port, secret, password := freePort(t), newClientSecret(), newPassword()
	callback := func(name string) []string {
		return []string{localURL("localhost", port) + "/auth/login/" + name + "/callback"}
	}
	op := openidtest.Start(t, openidtest.Config{Clients: []openidtest.Client{{ID: "doorward", Secret: secret, RedirectURIs: callback("op")}}})
	github := oauth2test.Start(t, oauth2test.Config{Kind: oauth2test.GitHub, Clients: []oauth2test.Client{{ID: "doorward", Secret: secret, RedirectURIs: callback("github")}}})
	idp, err := samltest.Listen(samltest.Config{AutoApprove: true, Users: []samltest.User{{NameID: "G-17", Attributes: []samltest.Attribute{{
		Name: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", Values: []string{"Alice@Corp.example"},
	}}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Close() })
	dir := ldaptest.Start(t, ldaptest.Config{Entries: []ldaptest.Entry{
		{DN: "UID=ada,dc=Example,dc=org", Password: password, Attributes: map[string][]string{"objectClass": {"inetOrgPerson"}, "uid": {"ada"}, "entryUUID": {"6ba7b810-9dad-11d1-80b4-00c04fd430c8"}}},
		{DN: "uid=alice," + base, Password: password, Attributes: map[string][]string{"objectClass": {"inetOrgPerson"}, "uid": {"alice"}, "entryUUID": {"6ba7b811-9dad-11d1-80b4-00c04fd430c8"}}},
	}})
	env := map[string]string{"AUTH_PROVIDERS": "op,github,idp,dir"}
	provider(env, "OP", map[string]string{"DRIVER": "openid", "ISSUER_URL": op.Issuer(), "CLIENT_ID": "doorward", "CLIENT_SECRET": secret})
	provider(env, "GITHUB", map[string]string{
		"PRESET": "github", "BASE_URL": github.Base(), "API_URL": github.API(), "CLIENT_ID": "doorward", "CLIENT_SECRET": secret, "LINK_BY_VERIFIED_EMAIL": "true",
		"ALLOW_PUBLIC_REGISTRATION": "false",
	})
	provider(env, "IDP", map[string]string{"DRIVER": "saml", "IDP_METADATA_URL": idp.MetadataURL()})
	provider(env, "DIR", map[string]string{
		"DRIVER": "ldap", "CLIENT_URL": dir.URL(), "USER_DN": base, "USER_ATTRIBUTE": "uid", "ALLOW_PUBLIC_REGISTRATION": "false", "ALLOW_INSECURE_PLAINTEXT": "true",
	})
	host := startHost(t, HostConfig{Port: port, Env: env})
	host.secrets.add("client secret", secret)
	host.secrets.add("password", password)
	return importSite{host, idp.IdP, password}
}

// idOf is whom the agent is signed in as; empty: nobody.
func (a *agent) idOf() string {
	a.t.Helper()
	var me struct{ Data struct{ ID string } }
	got := a.call(http.MethodGet, "/users/me", nil, nil)
	if err := json.Unmarshal([]byte(got.body), &me); err != nil {
		a.t.Fatalf("%d %s: %v", got.status, got.body, err)
	}
	return me.Data.ID
}

// signedInAs signs somebody in, in a browser of their own.
func (s importSite) signedInAs(t *testing.T, provider, login string) (id string) {
	t.Helper()
	a := newAgent(t, s.testHost, login)
	a.signIn(s.URL + "/auth/login/" + provider + "?mode=session")
	return a.idOf()
}

// asSAML signs in the user that the identity provider names.
func (s importSite) asSAML(t *testing.T, user samltest.User) (id string) {
	t.Helper()
	a := newAgent(t, s.testHost, "")
	begun := a.get(s.URL + "/auth/login/idp?mode=session").location()
	if begun == nil {
		t.Fatal("the login does not begin")
	}
	req, err := samltest.ReadRequest(begun.Query())
	if err != nil {
		t.Fatal(err)
	}
	a.postTo(s.testHost, s.idp, s.idp.Respond(req, user))
	return a.idOf()
}

func (s importSite) asLDAP(t *testing.T, name string) (id string) {
	t.Helper()
	p := program{t, s.testHost, "dir"}
	done := p.login(name, s.password)
	if done.Data.AccessToken == "" {
		return ""
	}
	return p.me(done).Data.ID
}

// Users of Directus find their accounts at their first login, by each mechanism, and
// nobody finds one of somebody else.
func TestImportFromDirectus(t *testing.T) {
	s := startImportSite(t)
	path := filepath.Join(t.TempDir(), "directus.sql")
	if err := os.WriteFile(path, []byte(directusDump), 0o600); err != nil {
		t.Fatal(err)
	}
	dry := s.mustRun(t, "user", "import", path, "--dry-run")
	for _, want := range []string{
		"user " + openidBob + " -: cannot sign in: the account is suspended", "user " + withPassword + " pat@example.org: cannot sign in: the account had a password",
		"users: would be added: 8; there already: 0; refused: 0; cannot sign in: 2",
	} {
		if !strings.Contains(dry, want) {
			t.Errorf("the dry run does not say %q:\n%s", want, dry)
		}
	}
	if got := s.signedInAs(t, "op", "alice"); got != "" {
		t.Fatalf("after a dry run, alice is %s", got)
	}
	s.mustRun(t, "user", "import", path)

	if got := s.signedInAs(t, "op", "bob"); got != "" {
		t.Errorf("who is suspended signed in as %s", got)
	}
	if got := s.asSAML(t, samltest.User{NameID: "alice"}); got != "" {
		t.Errorf("D01 alice of SAML is %s", got)
	}
	if got := s.asLDAP(t, "alice"); got != "" {
		t.Errorf("alice of LDAP, whose DN is another, is %s", got)
	}
	for range 2 { // the second time by the link that the first has made
		for _, c := range []struct{ who, got, want string }{
			{"alice by OpenID Connect", s.signedInAs(t, "op", "alice"), openidAlice},
			{"alice by OAuth 2.0", s.signedInAs(t, "github", "alice"), oauth2Alice},
			{"alice by SAML", s.signedInAs(t, "idp", "alice"), samlAlice},
			{"ada by LDAP", s.asLDAP(t, "ada"), ldapAda},
			{"bob by OAuth 2.0", s.signedInAs(t, "github", "bob"), oauth2Bob},
		} {
			if c.got != c.want {
				t.Errorf("%s is %q, want %s", c.who, c.got, c.want)
			}
		}
	}
	if got := s.asSAML(t, samltest.User{NameID: "mallory", Attributes: []samltest.Attribute{{
		Name: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", Values: []string{"alice@corp.example"},
	}}}); got != "" {
		t.Errorf("another NameID with the attribute of alice is %s", got)
	}
	var users listedUsers
	s.runJSON(t, &users, "user", "list", "--role", "Editor", "--status", "active")
	if len(users.Data) != 4 || len(users.Data) > 0 && users.Data[0].ID != openidAlice {
		t.Errorf("editors: %+v", users.Data)
	}
	again := s.mustRun(t, "user", "import", path)
	if want := "users: added: 0; there already: 8; refused: 0; cannot sign in: 2"; !strings.Contains(again, want) {
		t.Errorf("again:\n%s", again)
	}
}
