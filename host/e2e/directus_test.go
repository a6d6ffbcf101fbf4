package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/doorward/doorward/plugins/saml/samltest"
)

// atDirectus is what an exchange with a real plugin is at Directus, and here. The rest of
// the contract is replayed in package web.
type atDirectus struct {
	directus, ours, section string // as in package web: without ours they are the same
}

// hold checks a row against what was seen.
func (row atDirectus) hold(t *testing.T, what, seen string) {
	t.Helper()
	want := row.directus
	if row.ours != "" {
		want = row.ours
	}
	if seen != want {
		t.Errorf("%s: we answer %q, want %q; Directus answers %q", what, seen, want, row.directus)
	}
	page, err := os.ReadFile(filepath.Join(repository(t), "docs", "directus.md"))
	if err != nil {
		t.Fatal(err)
	}
	if (row.ours == "") != (row.section == "") || row.section != "" && !strings.Contains(string(page), "\n### "+row.section+"\n") {
		t.Errorf("%s: docs/directus.md does not tell the difference in a section %q", what, row.section)
	}
}

// seen is the status of an answer with its code, or with the names of the tokens in it.
func (a directAnswer) seen() string {
	if code := a.code(); code != "" {
		return fmt.Sprint(a.status, " ", code)
	}
	words := []string{strconv.Itoa(a.status)}
	for _, name := range []string{"access_token", "expires", "refresh_token"} {
		if strings.Contains(a.body, `"`+name+`"`) {
			words = append(words, name)
		}
	}
	return strings.Join(words, " ")
}

func TestDirectusByLDAP(t *testing.T) {
	s := startSlapd(t, slapdConfig{})
	host := startLDAPHost(t, s.Password, map[string]map[string]string{
		"dir":      s.options(map[string]string{"start_tls": ""}),
		"nobind":   s.options(map[string]string{"start_tls": "", "bind_password": "wrong"}),
		"nowhere":  s.options(map[string]string{"start_tls": "", "user_dn": "ou=nowhere," + slapdBase}),
		"downldap": s.options(map[string]string{"start_tls": "", "client_url": "ldap://127.0.0.1:1"}),
	})
	host.secrets.add("wrong password", "not the password")
	login := func(provider, name, password, mode string) directAnswer {
		body := map[string]any{"identifier": name, "password": password}
		if mode != "" {
			body["mode"] = mode
		}
		return program{t, host, provider}.send(http.MethodPost, "/auth/login/"+provider, body, "")
	}
	for what, row := range map[string]struct {
		atDirectus
		got directAnswer
	}{
		"by default":                    {atDirectus{directus: "200 access_token expires refresh_token"}, login("dir", "alice", s.Password, "")},
		"mode json":                     {atDirectus{directus: "200 access_token expires refresh_token"}, login("dir", "alice", s.Password, "json")},
		"mode cookie":                   {atDirectus{directus: "200 access_token expires"}, login("dir", "alice", s.Password, "cookie")},
		"mode session":                  {atDirectus{"200 access_token expires", "200 expires", "Login by a program"}, login("dir", "alice", s.Password, "session")},
		"an unknown mode":               {atDirectus{directus: "400 INVALID_PAYLOAD"}, login("dir", "alice", s.Password, "xyz")},
		"a wrong password":              {atDirectus{directus: "401 INVALID_CREDENTIALS"}, login("dir", "alice", "not the password", "")},
		"an unknown name":               {atDirectus{directus: "401 INVALID_CREDENTIALS"}, login("dir", "nobody at all", "not the password", "")},
		"a name that is a filter":       {atDirectus{directus: "401 INVALID_CREDENTIALS"}, login("dir", "*", s.Password, "")},
		"no password":                   {atDirectus{directus: "400 INVALID_PAYLOAD"}, login("dir", "alice", "", "")},
		"the service account is wrong":  {atDirectus{directus: "503 INVALID_PROVIDER_CONFIG"}, login("nobind", "alice", s.Password, "")},
		"out of reach":                  {atDirectus{directus: "503 SERVICE_UNAVAILABLE"}, login("downldap", "alice", s.Password, "")},
		"the base of the search is not": {atDirectus{"503 SERVICE_UNAVAILABLE", "503 INVALID_PROVIDER_CONFIG", "Failed logins"}, login("nowhere", "alice", s.Password, "")},
	} {
		row.hold(t, what, row.got.seen())
	}
}

func TestDirectusByOpenID(t *testing.T) {
	// led is where a login ends, and with which code.
	led := func(host *testHost, start string) string {
		got := newAgent(t, host, "alice").signIn(host.URL + start)
		if to := got.location(); to != nil {
			return fmt.Sprint(got.status, " ", to.RequestURI())
		}
		return fmt.Sprint(got.status, " page: ", strings.Contains(got.body, "cannot be reached"))
	}
	host := startFake(t, openidtest.Config{AutoApprove: true}, openidtest.Client{}, map[string]string{
		"AUTH_PROVIDERS": "fake,away", "AUTH_AWAY_DRIVER": "openid", "AUTH_AWAY_ISSUER_URL": "http://127.0.0.1:1",
		"AUTH_AWAY_CLIENT_ID": "doorward", "AUTH_AWAY_CLIENT_SECRET": newClientSecret(),
	}).host
	for start, row := range map[string]atDirectus{
		"/auth/login/fake":               {directus: "302 /"},
		"/auth/login/fake?redirect=/app": {directus: "302 /app"},
		"/auth/login/away":               {"302 /admin/login?reason=SERVICE_UNAVAILABLE", "503 page: true", "Start of a login"},
		"/auth/login/away?redirect=/app": {"302 /admin/login?reason=SERVICE_UNAVAILABLE", "302 /app?reason=SERVICE_UNAVAILABLE", "Start of a login"},
	} {
		row.hold(t, start, led(host, start))
	}
	atDirectus{`"name":"away","driver":"openid"`, `"name":"away","label":"Away","driver":"openid"`, "Providers"}.
		hold(t, "a provider without LABEL", regexp.MustCompile(`"name":"away"[^}]*"driver":"openid"`).FindString(newAgent(t, host, "alice").get(host.URL+"/auth").body))
	if err := host.Stop(); err != nil {
		t.Fatal(err)
	}
	check := host.Command("check")
	check.Env = append(check.Env, "AUTH_PROVIDERS=fake,nothing")
	out, code := runCommand(t, check)
	atDirectus{"skipped", "refused", "Providers"}.hold(t, "a provider without DRIVER",
		map[bool]string{true: "refused", false: "skipped"}[code != 0 && strings.Contains(out, "AUTH_NOTHING_DRIVER")])
	const another = "a-client-secret-of-somebody-else"
	refused := startFake(t, openidtest.Config{AutoApprove: true}, openidtest.Client{}, map[string]string{"AUTH_FAKE_CLIENT_SECRET": another}).host
	refused.secrets.add("client secret", another)
	atDirectus{"302 /app?reason=SERVICE_UNAVAILABLE", "302 /app?reason=INVALID_PROVIDER_CONFIG", "Failed logins"}.
		hold(t, "the client secret is refused", led(refused, "/auth/login/fake?redirect=/app"))
}

func TestDirectusBySAML(t *testing.T) {
	host, idp := startSAMLFake(t, nil)
	us := host.URL + "/auth/login/idp"
	person := newAgent(t, host, "alice")
	metadata := person.get(us + "/metadata")
	atDirectus{"text/xml", "application/samlmetadata+xml", "SAML endpoints"}.hold(t, "metadata", metadata.header.Get("Content-Type"))
	begun := person.get(us)
	atDirectus{directus: "302"}.hold(t, "the start", strconv.Itoa(begun.status))
	req, err := samltest.ReadRequest(begun.location().Query())
	if err != nil {
		t.Fatal(err)
	}
	signedIn := person.postTo(host, idp, idp.Respond(req, samltest.User{NameID: "alice"}))
	atDirectus{"200 ", "303 /", "SAML endpoints"}.hold(t, "a login without redirect", fmt.Sprint(signedIn.status, " ", signedIn.header.Get("Location")))
	var ends time.Duration
	for _, line := range signedIn.header.Values("Set-Cookie") {
		if c, err := http.ParseSetCookie(line); err == nil && c.Name == sessionCookie {
			ends = time.Duration(c.MaxAge) * time.Second
		}
	}
	if ends > 8*time.Hour || ends < 8*time.Hour-5*time.Minute {
		t.Errorf("the cookie lasts %v, want the 8 hours of SessionNotOnOrAfter", ends)
	}
	atDirectus{"true", "false", "Session cookies"}.hold(t, "the cookie lasts SESSION_COOKIE_TTL", strconv.FormatBool(ends == 24*time.Hour))
	unasked := newAgent(t, host, "bob").postTo(host, idp, idp.Respond(samltest.Request{Issuer: us + "/metadata", ACS: us + "/acs"}, samltest.User{NameID: "bob"}))
	atDirectus{"200", "400", "SAML endpoints"}.hold(t, "a response that nobody asked for", strconv.Itoa(unasked.status))
}
