package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

const (
	endOne     = `form[action="/account/end"] button`
	endOthers  = `form[action="/account/end-others"] button`
	linkOther  = `form[action="/account/link"] input[value="other"] + button`
	unlinkOne  = `form[action="/account/unlink"] button`
	toAccount  = `a[href="/account"]`
	accountIs  = `h1 + p + dl`
	nowhere    = "You are not signed in anywhere else."
	accountURL = "/account"
)

// pressUntil moves the focus to the selected element with the Tab key, and presses Enter.
func (b *tab) pressUntil(selector string) {
	b.t.Helper()
	b.waitFor(selector)
	for range 40 {
		b.do("Tab", chromedp.KeyEvent(kb.Tab))
		if evaluate(b, fmt.Sprintf("String(document.activeElement.matches(%q))", selector)) != "true" {
			continue
		}
		if outline := evaluate(b, "getComputedStyle(document.activeElement).outlineStyle"); outline == "none" {
			b.t.Errorf("%s has the focus, and does not show it", selector)
		}
		b.do("Enter", chromedp.KeyEvent(kb.Enter))
		return
	}
	b.t.Fatalf("the Tab key does not reach %s at %s\n%s", selector, b.location(), b.text())
}

// With an empty database and without registration: a command creates an account, its user sees
// the account and the sessions in a browser, ends the session of another browser, is suspended
// and signed out immediately, and later signs in again.
func TestBrowserAccountFromAnEmptyDatabase(t *testing.T) {
	s := startFake(t, openidtest.Config{Name: "Example ID"}, openidtest.Client{}, map[string]string{"AUTH_FAKE_ALLOW_PUBLIC_REGISTRATION": "false", "AUTH_FAKE_SYNC_USER_INFO": "true"})
	here, there := newTab(t, startBrowser(t)), newTab(t, startBrowser(t))

	here.open(s.host.URL + accountURL)
	here.click(toProvider)
	here.click(asAlice)
	here.waitFor("code") // the reference
	here.wantText("There is no account for you yet", "Ask your administrator")
	here.inEachLook("stranger")
	reference := evaluate(here, "document.querySelector('code').innerText")
	var line string
	eventually(t, "the line of the reference", func() bool {
		line = lineWith(s.host.Logs(), reference)
		return addLine.MatchString(line)
	})
	s.host.asInShell(t, addLine.FindStringSubmatch(line)[1])

	for _, tab := range []*tab{here, there} {
		tab.open(s.host.URL + accountURL)
		tab.click(toProvider)
		tab.click(asAlice)
		tab.waitFor(accountIs)
	}
	here.open(s.host.URL + "/")
	here.click(toAccount)
	here.waitFor(endOne)
	here.wantText("Alice Archer", "alice@example.com", "Fake Provider", "Chrome on Linux", "this browser", "127.0.0.1", "How you sign in")
	here.wantTimesIn("Asia/Kolkata", "GMT+5:30", 5*time.Hour+30*time.Minute)
	here.inEachLook("account")
	here.click(endOthers)
	here.waitFor(`#sessions ~ p`)
	here.wantText(nowhere)
	there.open(s.host.URL + accountURL)
	there.waitFor(toProvider)

	var users listedUsers
	s.host.runJSON(t, &users, "user", "list")
	began := time.Now()
	s.host.mustRun(t, "user", "suspend", users.Data[0].ID)
	here.open(s.host.URL + accountURL)
	here.waitFor(toProvider)
	t.Logf("out %v after the command was started", time.Since(began))
	here.click(toProvider)
	here.click(asAlice)
	here.waitFor("code")
	here.wantText("Your account is disabled")
	here.screenshot("suspended")

	s.host.mustRun(t, "user", "activate", users.Data[0].ID)
	here.open(s.host.URL + accountURL)
	here.waitFor(toProvider) // the session was not restored
	here.click(toProvider)
	here.click(asAlice)
	here.waitFor(accountIs)
}

// wantTimesIn checks that a browser in a time zone shows times of that zone, and UTC if it
// runs no scripts. The page is loaded again for each.
func (b *tab) wantTimesIn(zone, abbreviation string, offset time.Duration) {
	b.t.Helper()
	in := time.FixedZone(abbreviation, int(offset.Seconds()))
	b.do("changing the time zone", emulate(emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone}))
	for scripts, shownIn := range map[bool]*time.Location{true: in, false: time.UTC} {
		b.scripts(scripts)
		b.do("loading again", chromedp.Reload())
		b.waitFor("time")
		var shown [][2]string
		if err := json.Unmarshal([]byte(evaluate(b, "JSON.stringify(Array.from(document.querySelectorAll('time'), t => [t.dateTime, t.innerText]))")), &shown); err != nil || len(shown) == 0 {
			b.t.Fatalf("no times: %v", err)
		}
		for _, pair := range shown {
			moment, err := time.Parse(time.RFC3339, pair[0])
			if want := moment.In(shownIn).Format("2 January 2006, 15:04 MST"); err != nil || pair[1] != want {
				b.t.Errorf("%s is shown as %q, want %q: %v", pair[0], pair[1], want, err)
			}
		}
	}
	b.scripts(true)
	b.do("loading again", chromedp.Reload())
	b.waitFor("time")
}

// startTwo starts a host with two providers, of which only the first creates accounts.
func startTwo(t *testing.T) *testHost {
	t.Helper()
	port := freePort(t)
	env := map[string]string{"AUTH_PROVIDERS": "fake,other", "ACCOUNT_LINKING": "true"}
	secrets := []string{newClientSecret(), newClientSecret()}
	for i, name := range []string{"fake", "other"} {
		fake := openidtest.Start(t, openidtest.Config{Name: "ID of " + name, Clients: []openidtest.Client{{
			ID: "doorward", Secret: secrets[i], Name: "Doorward", RedirectURIs: []string{localURL("localhost", port) + "/auth/login/" + name + "/callback"},
		}}})
		provider(env, map[string]string{"fake": "FAKE", "other": "OTHER"}[name], map[string]string{
			"DRIVER": "openid", "LABEL": "Provider " + name, "ISSUER_URL": fake.Issuer(), "CLIENT_ID": "doorward", "CLIENT_SECRET": secrets[i],
			"ALLOW_PUBLIC_REGISTRATION": fmt.Sprint(name == "fake"),
		})
	}
	host := startHost(t, HostConfig{Port: port, Env: env})
	for _, secret := range secrets {
		host.secrets.add("client secret", secret)
	}
	return host
}

// With only the keyboard and without scripts: a user links another provider, signs in with it
// although registration is closed, and unlinks it.
func TestBrowserLinksByKeyboardWithoutScripts(t *testing.T) {
	host := startTwo(t)
	here := newTab(t, startBrowser(t))
	here.scripts(false)
	here.open(host.URL + accountURL)
	here.pressUntil(toProvider)
	here.pressUntil(asAlice)
	here.pressUntil(linkOther)
	here.pressUntil(asBob) // the other provider calls them bob
	here.waitFor(unlinkOne)
	here.wantText("Alice Archer", "Provider other")
	if got := here.location(); got != host.URL+"/account#links" {
		t.Errorf("linked, and at %s", got)
	}
	here.scripts(true)
	here.inEachLook("linked")
	here.scripts(false)

	there := newTab(t, startBrowser(t))
	there.open(host.URL + "/auth/login/other?redirect=/account")
	there.click(asBob)
	there.waitFor(accountIs)
	there.wantText("Alice Archer")

	here.pressUntil(`form[action="/account/unlink"] input[value="other"] ~ button`)
	eventually(t, "unlinked", func() bool {
		return evaluate(here, "String(document.querySelector('"+`form[action="/account/unlink"]`+"') === null)") == "true"
	})
	there.open(host.URL + accountURL)
	there.waitFor(toProvider) // the session of the link has ended
	here.open(host.URL + accountURL)
	here.waitFor(accountIs)

	// Bob signs in with his own account elsewhere, and then cannot be linked to Alice.
	there.open(host.URL + "/auth/login/fake?redirect=/account")
	there.click(asBob)
	there.waitFor(accountIs)
	here.pressUntil(`form[action="/account/link"] input[value="fake"] + button`)
	here.pressUntil(asBob)
	here.waitFor("code")
	here.wantText("That belongs to another account")
	here.scripts(true)
	here.inEachLook("link-taken")
	here.scripts(false)
	here.pressUntil(toAccount)
	here.waitFor(accountIs)
	here.wantText("Alice Archer")
}

// A17: a page of another site cannot make a browser post the forms of the account.
func TestBrowserAccountFormsFromAnotherSite(t *testing.T) {
	s := startFake(t, openidtest.Config{Name: "Example ID"}, openidtest.Client{}, map[string]string{"ACCOUNT_LINKING": "true"})
	here, there := newTab(t, startBrowser(t)), newTab(t, startBrowser(t))
	for _, tab := range []*tab{here, there} {
		tab.open(s.host.URL + accountURL)
		tab.click(toProvider)
		tab.click(asAlice)
		tab.waitFor(accountIs)
	}
	const page = `<!doctype html><title>x</title>
		<form id=a method=post action="%[1]s/account/end-others"><button>x</button></form>
		<form id=b method=post action="%[1]s/account/link"><input name=provider value=fake><button>x</button></form>`
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, page, s.host.URL)
	}))
	t.Cleanup(evil.Close)
	for _, form := range []string{"#a", "#b"} {
		here.open(evil.URL)
		here.click(form + " button")
		here.waitFor("h1")
		here.wantText("That came from another website")
	}
	there.open(s.host.URL + accountURL)
	there.waitFor(accountIs)
	if got := newAgent(t, s.host, "nobody").call(http.MethodPost, "/account/end-others", nil, nil).status; got != http.StatusForbidden {
		t.Errorf("a program: %d", got)
	}
}
