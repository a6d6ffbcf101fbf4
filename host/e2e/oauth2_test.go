package e2e

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
)

// startPresets runs a host with a provider for each kind, called after it, each with
// nothing but preset, ID and secret, and where the fake is.
func startPresets(t *testing.T, config oauth2test.Config, more map[string]string, kinds ...oauth2test.Kind) (*testHost, map[oauth2test.Kind]*oauth2test.Server) {
	t.Helper()
	port, secret := freePort(t), newClientSecret()
	env := map[string]string{}
	fakes := map[oauth2test.Kind]*oauth2test.Server{}
	var names []string
	for _, kind := range kinds {
		name := string(kind)
		names = append(names, name)
		config.Kind = kind
		config.Clients = []oauth2test.Client{{
			ID: "123456789012345678", Secret: secret, RedirectURIs: []string{localURL("localhost", port) + "/auth/login/" + name + "/callback"},
		}}
		fakes[kind] = oauth2test.Start(t, config)
		provider(env, strings.ToUpper(strings.ReplaceAll(name, "-", "_")), map[string]string{
			"PRESET": name, "BASE_URL": fakes[kind].Base(), "API_URL": fakes[kind].API(),
			"CLIENT_ID": "123456789012345678", "CLIENT_SECRET": secret, "ALLOW_PUBLIC_REGISTRATION": "true",
		})
	}
	env["AUTH_PROVIDERS"] = strings.Join(names, ",")
	maps.Copy(env, more)
	host := startHost(t, HostConfig{Port: port, Env: env})
	host.secrets.add("client secret", secret)
	return host, fakes
}

// TestBrowserPresets signs in with each preset through the sign-in page, in Chromium,
// icon and all.
func TestBrowserPresets(t *testing.T) {
	titles := map[oauth2test.Kind]string{
		oauth2test.GitHub: "GitHub", oauth2test.GitHubEnterprise: "GitHub Enterprise", oauth2test.Gitea: "Gitea", oauth2test.Forgejo: "Forgejo",
		oauth2test.Discord: "Discord", oauth2test.Facebook: "Facebook", oauth2test.X: "X", oauth2test.Bitbucket: "Bitbucket", oauth2test.Spotify: "Spotify",
		oauth2test.Yandex: "Yandex", oauth2test.Nextcloud: "Nextcloud", oauth2test.Atlassian: "Atlassian", oauth2test.Reddit: "Reddit", oauth2test.Mastodon: "Mastodon",
		oauth2test.GitHubApp: "GitHub",
	}
	var kinds []oauth2test.Kind
	for kind := range titles {
		kinds = append(kinds, kind)
	}
	host, fakes := startPresets(t, oauth2test.Config{}, nil, kinds...)
	browser := startBrowser(t)
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			person := newTab(t, browser)
			person.open(host.URL + "/login")
			link := `a[href^="/auth/login/` + string(kind) + `?"], a[href="/auth/login/` + string(kind) + `"]`
			person.waitFor(link)
			person.wantText(titles[kind])
			if got := evaluate(person, `String(document.querySelectorAll('`+link+`')[0].querySelectorAll('svg.icon').length)`); got != "1" {
				t.Errorf("%s icons before the label", got)
			}
			if kind == oauth2test.GitHub {
				person.screenshot("presets")
			}
			person.click(link)
			person.click(asAlice)
			person.waitFor(signOut)
			person.click(signOut)
			person.waitFor(link)
			if fakes[kind].Hits(oauth2test.Token) != 1 || fakes[kind].Leaks() != nil {
				t.Errorf("%d token requests, leaks %v", fakes[kind].Hits(oauth2test.Token), fakes[kind].Leaks())
			}
		})
	}
}

// TestBrowserGitHubOrganization: a member is admitted; somebody else is not, and does not
// learn why.
func TestBrowserGitHubOrganization(t *testing.T) {
	host, fakes := startPresets(t, oauth2test.Config{}, map[string]string{"AUTH_GITHUB_ALLOWED_ORGANIZATIONS": "id:9919"}, oauth2test.GitHub)
	browser := startBrowser(t)
	link := `a[href^="/auth/login/github"]`
	outsider := newTab(t, browser)
	outsider.open(host.URL + "/login")
	outsider.click(link)
	outsider.click(asBob)
	outsider.waitFor(link) // the way to try again
	outsider.screenshot("github-not-a-member")
	outsider.click(link) // the provider remembers who signed in: silent this time
	outsider.waitFor(link)
	for _, inner := range []string{"9919", "acme", "organization", "allowed"} {
		if strings.Contains(outsider.text(), inner) {
			t.Errorf("OS32 the page tells everybody %q:\n%s", inner, outsider.text())
		}
	}
	if got := fakes[oauth2test.GitHub].Hits(oauth2test.Orgs); got != 2 {
		t.Errorf("%d requests for organizations", got)
	}
	member := newTab(t, startBrowser(t))
	member.open(host.URL + "/login")
	member.click(link)
	member.click(asAlice)
	member.waitFor(signOut)
	member.wantText("alice@example.com")
	member.screenshot("github-member")
	eventually(t, "the log to tell the operator why", func() bool { return strings.Contains(host.Logs(), "in none of the allowed groups") })
}

// TestOAuth2LoginAcrossACrash, as that of OpenID: nothing of a login is in the memory
// of the plugin.
func TestOAuth2LoginAcrossACrash(t *testing.T) {
	host, fakes := startPresets(t, oauth2test.Config{AutoApprove: true}, nil, oauth2test.GitHub)
	person := newAgent(t, host, "alice")
	begun := person.get(host.URL + "/auth/login/github?mode=session&redirect=/app")
	back := person.get(begun.location().String())
	killPlugins(t, host)
	eventually(t, "the plugin being back", func() bool {
		return newAgent(t, host, "alice").get(host.URL+"/auth/login/github").location() != nil
	})
	got := person.get(back.location().String())
	if target := got.location(); target == nil || target.Path != "/app" || person.cookie(sessionCookie) == "" {
		t.Fatalf("going on after the crash: %d, Location %q", got.status, got.header.Get("Location"))
	}
	t.Run("OS26 the callback again", func(t *testing.T) {
		before, session := fakes[oauth2test.GitHub].Hits(oauth2test.Token), person.cookie(sessionCookie)
		// A browser with the session is redirected, and not signed in a second time.
		person.accept = "application/json"
		got := person.get(back.location().String())
		if target := got.location(); target == nil || target.Path != "/app" || person.cookie(sessionCookie) != session {
			t.Errorf("the same response again: %d, Location %q", got.status, got.header.Get("Location"))
		}
		other := newAgent(t, host, "alice")
		other.accept = "application/json"
		if got := other.get(back.location().String()); got.status < 400 || other.cookie(sessionCookie) != "" {
			t.Errorf("the same response in another browser: %d %s", got.status, got.body)
		}
		if n := fakes[oauth2test.GitHub].Hits(oauth2test.Token); n != before || fakes[oauth2test.GitHub].Spent() != 1 {
			t.Errorf("%d token requests more", n-before)
		}
	})
	t.Run("OS02 OA36 a response in another browser", func(t *testing.T) {
		begun := person.get(host.URL + "/auth/login/github?mode=session&redirect=/app")
		back := person.get(begun.location().String())
		before := fakes[oauth2test.GitHub].Hits(oauth2test.Token)
		victim := newAgent(t, host, "alice")
		victim.accept = "application/json"
		if got := victim.get(back.location().String()); got.status < 400 || victim.cookie(sessionCookie) != "" {
			t.Errorf("%d %s", got.status, got.body)
		}
		if fakes[oauth2test.GitHub].Hits(oauth2test.Token) != before {
			t.Error("the code was redeemed")
		}
	})
	t.Run("who is signed in stays so while the plugin is gone", func(t *testing.T) {
		killPlugins(t, host)
		wantStatus(t, "who am I", person.call(http.MethodGet, "/users/me", nil, nil), http.StatusOK)
	})
}

// TestOAuth2PluginIsReplaced: a login that began on the old process ends on the new
// one.
func TestOAuth2PluginIsReplaced(t *testing.T) {
	host, _ := startPresets(t, oauth2test.Config{AutoApprove: true}, nil, oauth2test.GitHub)
	before := host.plugin(t, "oauth2")
	person := newAgent(t, host, "alice")
	begun := person.get(host.URL + "/auth/login/github?mode=session&redirect=/app")
	back := person.get(begun.location().String())
	newer := filepath.Join(t.TempDir(), "doorward-plugin-oauth2")
	if err := copyProgram(filepath.Join(host.pluginDir(), "doorward-plugin-oauth2"), newer); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(newer, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("another build"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	host.mustRun(t, "plugin", "add", newer)
	if out := host.mustRun(t, "reload"); !strings.Contains(out, "plugins replaced: oauth2") {
		t.Errorf("doorward reload: %s", out)
	}
	if after := host.plugin(t, "oauth2"); after.PID == before.PID || after.Swaps != 1 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if got := person.get(back.location().String()); got.location() == nil || person.cookie(sessionCookie) == "" {
		t.Errorf("the login that began before: %d %s", got.status, got.body)
	}
}

// TestPresetsOfAnotherPlugin: the host says which driver is meant.
func TestPresetsOfAnotherPlugin(t *testing.T) {
	host, _ := startPresets(t, oauth2test.Config{}, nil, oauth2test.GitHub)
	if out := host.mustRun(t, "presets"); !strings.Contains(out, "GitHub Enterprise") || !strings.Contains(out, "active-directory") {
		t.Errorf("doorward presets:\n%s", out)
	}
	if err := host.Stop(); err != nil { // a running host would check by its own environment
		t.Fatal(err)
	}
	for setting, want := range map[string]string{
		"AUTH_GITHUB_DRIVER=openid": "the preset github belongs to oauth2",
		"AUTH_GITHUB_PRESET=kakao":  "an OpenID provider needs no preset: set AUTH_GITHUB_DRIVER to openid",
		"AUTH_GITHUB_PRESET=google": "AUTH_GITHUB_BASE_URL: there is no such option", // of openid, whose preset it is
		"AUTH_GITHUB_PRESET=githb":  `no plugin in plugins.lock has the preset "githb"; did you mean "github"?`,
	} {
		cmd := host.Command("check")
		cmd.Env = append(cmd.Env, setting, "DB_FILENAME="+filepath.Join(t.TempDir(), "none.db")) // the running host is not asked
		if out, code := runCommand(t, cmd); code == 0 || !strings.Contains(out, want) {
			t.Errorf("%s: %d %s", setting, code, out)
		}
	}
}
