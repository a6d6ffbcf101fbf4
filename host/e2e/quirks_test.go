package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

// quirk is an oddity of a real provider that was reported in public. Each is a whole login
// through the built host, at a provider with this oddity only. The login succeeds if the
// oddity is in something that is not read or only displayed. It fails if the oddity could
// be a forgery, or if something is missing that the operator requires.
type quirk struct {
	name   string
	source string // where it was reported

	fake    openidtest.Quirk
	does    []openidtest.Misbehaviour // in addition
	alter   openidtest.ResponseAlter  // changes signed authorization responses
	has     openidtest.Security
	client  openidtest.Client
	claims  map[string]any             // of the person, which replace those of alice
	url     func(issuer string) string // the configured URL; nil: the issuer
	path    string                     // of the issuer
	options map[string]string          // of the provider, as in the environment
	answer  string                     // "refuse": the person refuses

	want    person // who signs in
	warning string // part of a warning; empty: no warning
	refused string // the reason; empty: signed in
}

// person is the user who has signed in, as the host reports it.
type person struct {
	subject, email, first, last, role string
}

// alice is the user who signs in at a good provider.
var alice = person{subject: "alice", email: "alice@example.com", first: "Alice", last: "Archer"}

// but is alice with a change.
func but(change func(*person)) person {
	p := alice
	change(&p)
	return p
}

func withRole(role string) person { return but(func(p *person) { p.role = role }) }

// roles maps the groups of the fake provider's people.
const roles = `{"archers":"archer","admin":"boss","staff":"worker"}`

func allQuirks() []quirk {
	return slices.Concat(tokenQuirks(), claimQuirks(), shownQuirks(), groupQuirks(), userInfoQuirks(), discoveryQuirks(), keyQuirks(), responseQuirks())
}

// TestQuirks runs one host with a provider for each.
func TestQuirks(t *testing.T) {
	quirks := allQuirks()
	if len(quirks) < 100 {
		t.Errorf("only %d quirks", len(quirks))
	}
	host, fakes := startQuirks(t, quirks)
	for i, q := range quirks {
		t.Run(q.name, func(t *testing.T) {
			if !strings.HasPrefix(q.source, "https://") {
				t.Errorf("no public source: %q", q.source)
			}
			q.check(t, host, quirkName(i))
			if hits := fakes[i].Hits(openidtest.TokenEndpoint); hits > 1 {
				t.Errorf("E07 %d token requests", hits)
			}
			if hits := fakes[i].Hits(openidtest.Trap); hits != 0 {
				t.Errorf("%d requests into the trap", hits)
			}
		})
	}
	// A line of the log arrives a little later than the answer, so its absence is checked
	// at the end.
	for i, q := range quirks {
		if lines := linesAbout(host, quirkName(i)); q.warning == "" && q.refused == "" && strings.Contains(lines, "identity was tidied") {
			t.Errorf("%s: a warning that nobody needs:\n%s", q.name, lines)
		}
	}
}

func quirkName(i int) string { return fmt.Sprintf("q%03d", i) }

func startQuirks(t *testing.T, quirks []quirk) (*testHost, []*openidtest.Provider) {
	t.Helper()
	port, release := holdPort(t)
	secret := newClientSecret()
	env := map[string]string{}
	var names []string
	var fakes []*openidtest.Provider
	for i, q := range quirks {
		name := quirkName(i)
		fake := q.start(t, secret, localURL("localhost", port)+"/auth/login/"+name+"/callback")
		options := map[string]string{
			"DRIVER": "openid", "ISSUER_URL": fake.Issuer(), "CLIENT_ID": "doorward", "CLIENT_SECRET": secret,
			"ALLOW_PUBLIC_REGISTRATION": "true", "CLIENT_HTTP_TIMEOUT": "5000",
		}
		if q.url != nil {
			options["ISSUER_URL"] = q.url(fake.Issuer())
		}
		for option, value := range q.options {
			options[option] = strings.ReplaceAll(value, "{issuer}", fake.Issuer())
		}
		provider(env, strings.ToUpper(name), options)
		names, fakes = append(names, name), append(fakes, fake)
	}
	env["AUTH_PROVIDERS"] = strings.Join(names, ",")
	release()
	host := startHost(t, HostConfig{Port: port, Env: env})
	host.secrets.add("client secret", secret)
	return host, fakes
}

func (q quirk) start(t *testing.T, secret, callback string) *openidtest.Provider {
	t.Helper()
	client := q.client
	client.ID, client.RedirectURIs = "doorward", []string{callback}
	if client.TokenEndpointAuthMethod != openidtest.PrivateKeyJWT {
		client.Secret = secret
	}
	someone := openidtest.DefaultPeople()[0]
	for name, value := range q.claims {
		someone.Claims[name] = value
		if value == absent {
			delete(someone.Claims, name)
		}
	}
	fake := openidtest.Start(t, openidtest.Config{
		AutoApprove: q.answer != "refuse", Clients: []openidtest.Client{client}, People: []openidtest.Person{someone},
		Quirk: q.fake, IssuerPath: q.path, Security: q.has,
	})
	fake.Misbehave(q.does...)
	fake.AlterResponses(q.alter)
	return fake
}

// absent removes a claim.
const absent = "(absent)"

func (q quirk) check(t *testing.T, host *testHost, name string) {
	t.Helper()
	browser := newAgent(t, host, "alice")
	browser.accept, browser.consent = "application/json", q.answer != "refuse"
	got := browser.signIn(host.URL + "/auth/login/" + name + "?mode=session")
	says := func(what string) {
		t.Helper()
		eventually(t, "the log to say "+what, func() bool { return strings.Contains(linesAbout(host, name), what) })
	}
	if q.refused != "" {
		browser.signedOut()
		if status, ok := refusalCodes[got.code(t)]; !ok || status != got.status {
			t.Errorf("answer %d %s, want a refusal", got.status, got.body)
		}
		says("reason=" + q.refused)
		return
	}
	if got.location() == nil || browser.cookie(sessionCookie) == "" {
		t.Fatalf("refused with %d %s\n%s", got.status, got.body, linesAbout(host, name))
	}
	q.checkPerson(t, browser)
	if q.warning != "" {
		says(q.warning)
	}
}

func (q quirk) checkPerson(t *testing.T, browser *agent) {
	t.Helper()
	me := browser.call(http.MethodGet, "/users/me", nil, nil)
	wantStatus(t, "who am I", me, http.StatusOK)
	data := me.json(t).Data
	got := person{data.ExternalIdentifier, data.Email, data.FirstName, data.LastName, data.Role}
	want := q.want
	if want == (person{}) {
		want = alice
	}
	if got != want {
		t.Errorf("signed in as %+v, want %+v", got, want)
	}
}

// linesAbout are the lines of the log about a provider.
func linesAbout(host *testHost, name string) string {
	var lines []string
	for line := range strings.SplitSeq(host.Logs(), "\n") {
		if strings.Contains(line, "provider="+name) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// set and drop change members of what the fake provider makes.
func set(name string, value any) func(map[string]any) {
	return func(members map[string]any) { members[name] = value }
}

func drop(name string) func(map[string]any) {
	return func(members map[string]any) { delete(members, name) }
}

// both changes the claims of the ID token and of the user info in the same way.
func both(change func(map[string]any)) openidtest.Quirk {
	return openidtest.Quirk{Claims: change, UserInfo: change}
}

// labelled gives the answer of a stage another content type.
func labelled(stage openidtest.Stage, contentType string) openidtest.Quirk {
	return answered(stage, func(a *openidtest.Answer) { a.Header.Set("Content-Type", contentType) })
}

func answered(stage openidtest.Stage, change func(*openidtest.Answer)) openidtest.Quirk {
	return openidtest.Quirk{Answer: func(at openidtest.Stage, a *openidtest.Answer) {
		if at == stage {
			change(a)
		}
	}}
}
