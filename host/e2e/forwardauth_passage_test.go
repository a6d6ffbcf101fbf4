package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// passage sends requests through a proxy, with exact header lines.
type passage struct {
	t       *testing.T
	g       *guarded
	session string // the session token of alice
	user    string // her ID
}

func (p *passage) in(t *testing.T) *passage { return &passage{t, p.g, p.session, p.user} }

func (p *passage) cookie() string { return "Cookie: " + defaultSessionCookie + "=" + p.session }

// send sends these lines as a request to wiki.
func (p *passage) send(line string, headers ...string) answer {
	p.t.Helper()
	all := append([]string{line + " HTTP/1.1", "Host: wiki.example.org", "Connection: close"}, headers...)
	return p.g.raw(p.t, "wiki.example.org", strings.Join(all, "\r\n")+"\r\n\r\n")
}

// ask is send for a request that reaches the application.
func (p *passage) ask(line string, headers ...string) *http.Request {
	p.t.Helper()
	p.g.wiki.take()
	if got := p.send(line, headers...); got.status != http.StatusOK {
		p.t.Fatalf("%s %q: %d %s", line, headers, got.status, got.body)
	}
	return p.g.wiki.one(p.t, line)
}

// stopped checks that a request does not reach the application.
func (p *passage) stopped(line string, headers ...string) answer {
	p.t.Helper()
	p.g.wiki.take()
	got := p.send(line, headers...)
	if n := len(p.g.wiki.take()); n != 0 || got.status < 300 {
		p.t.Errorf("%s %q: %d, and %d requests reach the application", line, headers, got.status, n)
	}
	return got
}

var identityNames = []string{"Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups", "X-Doorward-Assertion"}

// wantAlice checks the headers at the application: each header, in every spelling that an
// application could accept, must have the value from Doorward only.
func (p *passage) wantAlice(what string, seen *http.Request) {
	p.t.Helper()
	want := map[string]string{"Remote-User": p.user, "Remote-Email": "alice@example.com", "Remote-Name": "Alice Archer", "Remote-Groups": "archers,staff"}
	for name, value := range want {
		if got := seen.Header[name]; len(got) != 1 || got[0] != value {
			p.t.Errorf("%s: %s is %q, want %q once", what, name, got, value)
		}
	}
	if got := seen.Header["X-Doorward-Assertion"]; len(got) != 1 || strings.Count(got[0], ".") != 2 {
		p.t.Errorf("%s: X-Doorward-Assertion is %q", what, got)
	}
	p.wantNoAlias(what, seen)
}

// wantNobody is wantAlice for a request without a user. Headers can be present and
// empty.
func (p *passage) wantNobody(what string, seen *http.Request) {
	p.t.Helper()
	for _, name := range identityNames {
		if got := strings.Join(seen.Header[name], ""); got != "" {
			p.t.Errorf("%s: %s is %q", what, name, got)
		}
	}
	p.wantNoAlias(what, seen)
}

func (p *passage) wantNoAlias(what string, seen *http.Request) {
	p.t.Helper()
	for name, values := range seen.Header {
		plain := strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(name))
		ours := strings.HasPrefix(plain, "remote-") || strings.HasPrefix(plain, "x-doorward-")
		if ours && !slices.Contains(identityNames, name) {
			p.t.Errorf("%s: the application sees %s: %q", what, name, values)
		}
		if strings.Contains(fmt.Sprint(values), "evil") && !strings.HasPrefix(plain, "x-forwarded-for") {
			p.t.Errorf("%s: the application sees %s: %q", what, name, values)
		}
	}
}

// wantAsserted verifies an assertion as an application does.
func (p *passage) wantAsserted(assertion string) {
	p.t.Helper()
	var keys jose.JSONWebKeySet
	readJSON(p.t, newAgent(p.t, p.g.host, "").call(http.MethodGet, "/.well-known/jwks.json", nil, nil).body, &keys)
	token, err := jwt.ParseSigned(assertion, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		p.t.Fatal(err)
	}
	var claims jwt.Claims
	if err := token.Claims(keys, &claims); err != nil {
		p.t.Fatal(err)
	}
	want := jwt.Expected{Issuer: ssoOrigin, AnyAudience: jwt.Audience{wikiOrigin}, Subject: p.user, Time: time.Now()}
	if err := claims.ValidateWithLeeway(want, time.Minute); err != nil {
		p.t.Errorf("the assertion: %v", err)
	}
}
