package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

const (
	toProvider = `a[href^="/auth/login/fake"]`
	asAlice    = `button[name="person"][value="alice"]`
	asBob      = `button[name="person"][value="bob"]`
	refuse     = `button[name="refuse"]`
	signOut    = `form[action="/auth/logout"] button`
)

func TestBrowserSignsInAndOut(t *testing.T) {
	setup := startFake(t, openidtest.Config{Name: "Example ID"}, openidtest.Client{Name: "Doorward"}, nil)
	host := setup.host
	browser := startBrowser(t)
	person := newTab(t, browser)

	person.open(host.URL + "/")
	person.waitFor(toProvider)
	person.wantText("Fake Provider")
	person.screenshot("sign-in")
	person.click(toProvider)
	person.click(asAlice)
	person.waitFor(signOut)
	person.wantText("Alice Archer", "alice@example.com")
	person.screenshot("signed-in")
	if got := evaluate(person, "document.cookie"); got != "" {
		t.Errorf("scripts can read the cookies %s", got)
	}

	person.click(signOut)
	person.waitFor(toProvider)
	person.screenshot("signed-out")
	person.open(host.URL + "/")
	person.waitFor(toProvider)
	if got := person.location(); got != host.URL+"/login" {
		t.Errorf("after signing out the home page leads to %s", got)
	}
	if n := setup.provider.Hits(openidtest.EndSessionEndpoint); n != 1 {
		t.Errorf("%d visits of the provider's logout", n)
	}
}

// The provider's form is posted from another site, without the host's Lax cookies.
func TestBrowserFormPost(t *testing.T) {
	env := map[string]string{"AUTH_FAKE_PARAMS": `{"response_mode":"form_post"}`}
	host := startFake(t, openidtest.Config{}, openidtest.Client{}, env).host
	browser := startBrowser(t)
	person := newTab(t, browser)
	person.open(host.URL + "/login")
	person.click(toProvider)
	person.click(asAlice)
	person.waitFor(signOut)
	person.wantText("Alice Archer")
}

// TestBrowserFormPostToAnApplication: Chromium checks every redirect after a form against the
// form-action of the page with the form, and the application to which the browser returns can
// redirect it to another origin.
func TestBrowserFormPostToAnApplication(t *testing.T) {
	further := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<h1 id=arrived>Arrived</h1>")
	}))
	defer further.Close()
	app := httptest.NewServer(http.RedirectHandler(further.URL, http.StatusFound))
	defer app.Close()
	env := map[string]string{
		"AUTH_FAKE_PARAMS": `{"response_mode":"form_post"}`, "AUTH_FAKE_REDIRECT_ALLOW_LIST": app.URL + "/app",
	}
	host := startFake(t, openidtest.Config{}, openidtest.Client{}, env).host
	person := newTab(t, startBrowser(t))
	person.open(host.URL + "/auth/login/fake?redirect=" + url.QueryEscape(app.URL+"/app"))
	person.click(asAlice)
	person.waitFor("#arrived")
}

func TestBrowserTwoTabsAtOnce(t *testing.T) {
	host := startFake(t, openidtest.Config{}, openidtest.Client{}, nil).host
	browser := startBrowser(t)
	first, second := newTab(t, browser), newTab(t, browser)
	first.open(host.URL + "/auth/login/fake?redirect=/%3Ftab=first")
	second.open(host.URL + "/auth/login/fake?redirect=/%3Ftab=second")
	first.waitFor(asAlice)
	second.click(asBob)
	second.waitFor(signOut)
	second.wantText("Bob Baker")
	first.click(asAlice)
	first.waitFor(signOut)
	first.wantText("Alice Archer")
	for want, got := range map[string]string{"/?tab=first": first.location(), "/?tab=second": second.location()} {
		if got != host.URL+want {
			t.Errorf("a tab came back to %s, want %s", got, want)
		}
	}
	second.open(host.URL + "/")
	second.waitFor(signOut)
	second.wantText("Alice Archer") // the user who signed in last
}

func TestBrowserRefusal(t *testing.T) {
	host := startFake(t, openidtest.Config{}, openidtest.Client{}, nil).host
	browser := startBrowser(t)
	person := newTab(t, browser)
	person.open(host.URL + "/login")
	person.click(toProvider)
	person.click(refuse)
	person.waitFor(toProvider) // a link to try again
	person.screenshot("refused")
	if shown := person.text(); strings.Contains(shown, "access_denied") {
		t.Errorf("the page has words of the protocol in it:\n%s", shown)
	}
	person.click(toProvider)
	person.click(asAlice)
	person.waitFor(signOut)
}

func TestBrowserProviderDown(t *testing.T) {
	setup := startFake(t, openidtest.Config{}, openidtest.Client{}, nil)
	browser := startBrowser(t)
	if err := setup.provider.Close(); err != nil {
		t.Fatal(err)
	}
	person := newTab(t, browser)
	person.open(setup.host.URL + "/auth/login/fake")
	person.waitFor(toProvider) // a link to try again
	person.screenshot("provider-down")
	if shown := person.text(); strings.Contains(shown, "127.0.0.1") || strings.Contains(shown, "refused") {
		t.Errorf("L08 the page tells everybody what is wrong inside:\n%s", shown)
	}
	ping := newAgent(t, setup.host, "alice").call(http.MethodGet, "/server/ping", nil, nil)
	wantStatus(t, "ping", ping, http.StatusOK)
}
