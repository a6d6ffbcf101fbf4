package e2e

import (
	"strings"
	"testing"
)

const (
	signInAgain = `a[href^="/login?again=1"]`
	onWiki      = "#wiki"
	onFiles     = "#files"
	outOfApp    = "#out"
)

// A person uses two applications behind each proxy. They return to the page that they
// came from, and one sign-in and one sign-out apply to both applications.
func TestBrowserBehindForwardAuth(t *testing.T) {
	for name := range guards {
		t.Run(name, func(t *testing.T) {
			g := startGuarded(t)
			g.guardBy(t, name)
			person := newTab(t, startBrowser(t, g.trusting(t), g.resolving()))
			visit := visit{person, g}
			visit.deepLink(t)
			visit.denied(t)
			visit.changedGroups(t)
			visit.signOut(t)
		})
	}
}

type visit struct {
	*tab
	g *guarded
}

// at checks the URL of the browser and the user that the application shows.
func (v visit) at(t *testing.T, url, name string) {
	t.Helper()
	if got := v.location(); got != url {
		t.Errorf("the browser is at %s, want %s", got, url)
	}
	v.wantText(name)
}

func (v visit) deepLink(t *testing.T) {
	const link = wikiOrigin + "/a%20page/of?this=kind&and=%26more&plus=%2B+"
	v.open(link)
	v.waitFor(toProvider)
	if got := v.location(); !strings.HasPrefix(got, ssoOrigin+"/login?redirect=") {
		t.Errorf("signing in at %s", got)
	}
	v.click(toProvider)
	v.click(refuse)
	v.waitFor(toProvider) // the reason, and a link to try again
	v.click(toProvider)
	v.click(asBob)
	v.waitFor(onWiki)
	v.at(t, link, "Bob Baker")
}

// denied: bob is not a member of staff, alice is.
func (v visit) denied(t *testing.T) {
	const link = filesOrigin + "/report?x=1&y=2"
	v.open(link)
	v.waitFor(signInAgain)
	v.screenshot("denied")
	v.wantText("You do not have access to files", "Bob Baker", "staff", "Sign in as somebody else")
	if got := v.location(); !strings.HasPrefix(got, ssoOrigin+"/denied?") {
		t.Errorf("denied at %s", got)
	}
	v.click(signInAgain)
	v.click(toProvider)
	v.click(asAlice)
	v.waitFor(onFiles)
	v.at(t, link, "Alice Archer")
	v.open(wikiOrigin + "/")
	v.waitFor(onWiki) // without a second sign-in
	v.at(t, wikiOrigin+"/", "Alice Archer")
}

// changedGroups: the groups of the next sign-in count.
func (v visit) changedGroups(t *testing.T) {
	v.g.staff.set("bakers", "staff")
	const link = filesOrigin + "/after?the=change"
	v.open(ssoOrigin + "/login?again=1&redirect=" + link)
	v.click(toProvider)
	v.click(asBob)
	v.waitFor(onFiles)
	v.at(t, link, "Bob Baker")
}

func (v visit) signOut(t *testing.T) {
	v.open(ssoOrigin + "/logout")
	v.waitFor(`form[action="/auth/logout"] button`)
	v.screenshot("sign-out")
	v.wantText("Sign out?", "Bob Baker")
	v.open(wikiOrigin + "/")
	v.click(outOfApp) // a click in an application needs no confirmation
	v.waitFor(toProvider)
	v.screenshot("signed-out")
	for _, origin := range []string{wikiOrigin, filesOrigin} {
		v.open(origin + "/")
		v.waitFor(toProvider)
		if got := v.location(); !strings.HasPrefix(got, ssoOrigin+"/login?redirect=") {
			t.Errorf("signed out, and at %s", got)
		}
	}
	v.g.wiki.take()
	v.g.files.take()
	v.open(wikiOrigin + "/health")
	v.waitFor(onWiki)
	if got := v.g.wiki.one(t, "public").Header.Get("Remote-User"); got != "" {
		t.Errorf("signed out, and the application sees %s", got)
	}
}
