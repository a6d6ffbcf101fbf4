package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/plugins/openid/openidtest"
)

const (
	base      = "dc=example,dc=org"
	adaDN     = "uid=ada," + base
	toSubmit  = `main form button`
	goOn      = `main a.button`
	nameField = `input[autocomplete="username"]`
	secretOne = `input[type="password"]`
)

// startFakeDirectory runs a host with one directory, which contains ada.
func startFakeDirectory(t *testing.T, options map[string]string) (*testHost, *ldaptest.Directory, string) {
	t.Helper()
	password := newPassword()
	dir := ldaptest.Start(t, ldaptest.Config{Entries: []ldaptest.Entry{{DN: adaDN, Password: password, Attributes: map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {"ada"}, "cn": {"Ada Archer"}, "givenName": {"Ada"}, "sn": {"Archer"},
		"entryUUID": {"6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
	}}}})
	host := startLDAPHost(t, password, map[string]map[string]string{"dir": merged(map[string]string{
		"client_url": dir.URL(), "user_dn": base, "user_attribute": "uid", "allow_public_registration": "true", "allow_insecure_plaintext": "true",
	}, options)})
	return host, dir, password
}

// fill replaces the content of a field, which the browser may have filled in.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	b.waitFor(selector)
	evaluate(b, "document.querySelector('"+selector+"').value = ''")
	b.do("filling in "+selector, chromedp.SendKeys(chromedp.CSS(selector), text, chromedp.NodeVisible))
}

func (b *tab) back() {
	b.t.Helper()
	// Chromium restores the page from its cache without loading it.
	b.do("going back", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		history, err := cdp.Call(ctx, t, page.GetNavigationHistory, cdp.Empty{})
		if err != nil {
			return err
		}
		at := history.Entries[max(0, history.CurrentIndex-1)]
		_, err = cdp.Call(ctx, t, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: at.ID})
		return err
	}))
}

func TestBrowserDoubleClick(t *testing.T) {
	host, dir, password := startFakeDirectory(t, nil)
	person := newTab(t, startBrowser(t))
	person.open(host.URL + "/auth/login/dir?redirect=/%3Fhere")
	person.fill(nameField, "ada")
	person.fill(secretOne, password)
	person.do("clicking twice", chromedp.DoubleClick(chromedp.CSS(toSubmit)))
	person.waitFor(signOut)
	person.wantText("Ada Archer")
	if got := person.location(); got != host.URL+"/?here" {
		t.Errorf("after two clicks at %s", got)
	}
	binds := 0
	for _, dn := range dir.Binds() {
		if dn == adaDN {
			binds++
		}
	}
	if binds != 1 {
		t.Errorf("the password was tried %d times", binds)
	}
}

// Without scripts, nothing prevents a second click, and the browser cancels the first request:
// the page says how to continue, and this works.
func TestBrowserDoubleClickWithoutScripts(t *testing.T) {
	host, _, password := startFakeDirectory(t, nil)
	person := newTab(t, startBrowser(t))
	person.do("switching scripts off", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	person.open(host.URL + "/auth/login/dir?redirect=/%3Fhere")
	person.fill(nameField, "ada")
	person.fill(secretOne, password)
	person.do("clicking twice", chromedp.DoubleClick(chromedp.CSS(toSubmit)))
	person.waitFor(signOut + "," + goOn)
	person.screenshot("double-click-without-scripts")
	if person.location() != host.URL+"/?here" {
		person.click(goOn)
		person.fill(nameField, "ada")
		person.fill(secretOne, password)
		person.click(toSubmit)
	}
	person.waitFor(signOut)
	if got := person.location(); got != host.URL+"/?here" {
		t.Errorf("after two clicks at %s", got)
	}
}

// backToProvider goes back to the provider's page, which disables its buttons after use, and
// reloads it.
func backToProvider(person *tab) {
	person.t.Helper()
	person.back()
	eventually(person.t, "back at the provider", func() bool { return strings.Contains(person.location(), "/authorize?") })
	person.open(person.location())
}

// Going back from the application to the provider's page, and signing in again.
func TestBrowserBackAfterSuccess(t *testing.T) {
	host := startFake(t, openidtest.Config{}, openidtest.Client{}, nil).host
	person := newTab(t, startBrowser(t))
	person.open(host.URL + "/auth/login/fake?redirect=/%3Fhere")
	person.click(asAlice)
	person.waitFor(signOut)
	backToProvider(person)
	person.click(asAlice)
	person.waitFor(goOn)
	person.wantText("You are already signed in", "Alice Archer")
	person.screenshot("already-signed-in")
	person.click(goOn)
	person.waitFor(signOut)
	if got := person.location(); got != host.URL+"/?here" {
		t.Errorf("going on leads to %s", got)
	}
	person.back()
	backToProvider(person)
	person.click(asBob)
	person.waitFor(goOn)
	person.wantText("Alice Archer") // neither somebody else nor still her without a notice
	person.click(goOn + ".quiet")
	person.click(asBob)
	person.waitFor(signOut)
	person.wantText("Bob Baker")
}

// Going back from the application to the form of the directory, and signing in again.
func TestBrowserBackToTheForm(t *testing.T) {
	host, _, password := startFakeDirectory(t, nil)
	person := newTab(t, startBrowser(t))
	person.open(host.URL + "/auth/login/dir?redirect=/%3Fhere")
	for range 2 {
		person.fill(nameField, "ada")
		person.fill(secretOne, password)
		person.click(toSubmit)
		person.waitFor(signOut)
		if got := person.location(); got != host.URL+"/?here" {
			t.Errorf("at %s", got)
		}
		person.back()
		person.waitFor(secretOne)
	}
}
