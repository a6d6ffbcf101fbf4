package e2e

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

var invitationLine = regexp.MustCompile(`shown this once: (\S+)`)

// invited invites a person, and returns the link.
func (h *testHost) invited(t *testing.T, args ...string) string {
	t.Helper()
	out := h.mustRun(t, append([]string{"user", "invite"}, args...)...)
	found := invitationLine.FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("no link:\n%s", out)
	}
	target, err := url.Parse(found[1])
	if err != nil {
		t.Fatal(err)
	}
	h.secrets.addParameters(url.Values{"token": target.Query()["token"]})
	return found[1]
}

// accept opens a link and chooses a provider.
func (a *agent) acceptInvitation(link, provider string) answer {
	a.t.Helper()
	page := a.get(link)
	if page.status != http.StatusOK {
		return page
	}
	forms, err := readForms(page.body)
	if err != nil || len(forms) != 1 {
		a.t.Fatalf("%d forms, %v\n%s", len(forms), err, page.body)
	}
	values := forms[0].hidden
	values.Set("provider", provider)
	return a.goOn(a.post(page.url, forms[0].action, values))
}

// Registration is closed. A person with a link gets the account of the link, once.
func TestInvitationOverTheWire(t *testing.T) {
	s := closed(t, nil)
	link := s.host.invited(t, "--email", "alice@corp.example", "--first-name", "Alice")
	if page := newAgent(t, s.host, "").get(link); !strings.Contains(page.body, "alice@corp.example") {
		t.Errorf("the page does not say whose it is:\n%s", page.body)
	}
	refusing := newAgent(t, s.host, "alice")
	s.aliceIn(t, false) // without the link
	alice, bob := newAgent(t, s.host, "alice"), newAgent(t, s.host, "bob")
	if got := alice.acceptInvitation(link, "fake"); alice.idOf() == "" {
		t.Fatalf("%d %s", got.status, got.body)
	}
	if got := bob.acceptInvitation(link, "fake"); got.status != http.StatusUnauthorized || bob.idOf() != "" {
		t.Errorf("a second time: %d", got.status)
	}
	if got := refusing.acceptInvitation(s.host.invited(t, "--email", "other@corp.example"), "fake"); got.status != http.StatusUnauthorized || refusing.idOf() != "" {
		t.Errorf("who has an account took another: %d", got.status)
	}
	var users listedUsers
	s.host.runJSON(t, &users, "user", "list", "--status", "active")
	if len(users.Data) != 1 || users.Data[0].ID != alice.idOf() || users.Data[0].Subject != "alice" {
		t.Errorf("users: %+v", users.Data)
	}
}

// In a real browser: the page of the host posts to the provider without a referrer.
func TestBrowserInvitation(t *testing.T) {
	s := startFake(t, openidtest.Config{Name: "Example ID"}, openidtest.Client{Name: "Doorward"}, map[string]string{"AUTH_FAKE_ALLOW_PUBLIC_REGISTRATION": "false"})
	link := s.host.invited(t, "--email", "alice@corp.example", "--first-name", "Alice", "--last-name", "Archer")
	person := newTab(t, startBrowser(t))
	person.open(link)
	person.waitFor(`button[name="provider"]`)
	person.wantText("Alice Archer", "alice@corp.example", "Fake Provider")
	person.screenshot("invitation")
	person.click(`button[name="provider"]`)
	person.waitFor(asAlice)
	if got := evaluate(person, "document.referrer"); got != "" {
		t.Errorf("the provider is told where the browser comes from: %s", got)
	}
	person.click(asAlice)
	person.waitFor(signOut)
	person.wantText("Alice Archer")
	person.open(link)
	person.wantText("This invitation does not work")
	person.screenshot("invitation-used")
}
