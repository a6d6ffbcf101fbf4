package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// exchange is a request to Directus with its answer, and our answer, both in the format of
// told. They are the same, or docs/directus.md says why not.
type exchange struct {
	name string
	ask  func(r *replay) string

	directus string
	ours     string // empty: the same
	section  string // of "Endpoints" in docs/directus.md that tells the difference; empty: there is none
}

// TestReplayOfDirectus checks every row: no difference is undocumented, and no documented
// difference is gone.
func TestReplayOfDirectus(t *testing.T) {
	told := sectionsOf(t)
	used := map[string]bool{}
	shared := newReplay(t).site
	for _, row := range slices.Concat(replayOfProviders, replayOfPasswords, replayOfStarts, replayOfCallbacks, replayOfTokens, replayOfRequests) {
		t.Run(row.name, func(t *testing.T) {
			r := &replay{shared.browser(t)}
			want := row.directus
			if row.ours != "" {
				want = row.ours
			}
			if got := row.ask(r); got != want {
				t.Errorf("we answer %q, want %q; Directus answers %q", got, want, row.directus)
			}
			switch {
			case row.ours == row.directus:
				t.Error("the row says the same twice")
			case (row.ours == "") != (row.section == ""):
				t.Error("a difference needs a section, and nothing else does")
			case row.section != "" && !told[row.section]:
				t.Errorf("docs/directus.md has no section %q below Endpoints", row.section)
			}
			used[row.section] = true
		})
	}
	for section := range told {
		if !used[section] {
			t.Errorf("no row shows what the section %q of docs/directus.md tells", section)
		}
	}
}

// sectionsOf are the anchors below "Endpoints" in docs/directus.md.
func sectionsOf(t *testing.T) map[string]bool {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "directus.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, endpoints, found := strings.Cut(string(page), "\n## Endpoints\n")
	if !found {
		t.Fatal("docs/directus.md has no section Endpoints")
	}
	endpoints, _, _ = strings.Cut(endpoints, "\n## ")
	sections := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^### (.+)$`).FindAllStringSubmatch(endpoints, -1) {
		sections[strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-")] = true
	}
	return sections
}

// replay is a browser for one row, at a site that the rows share.
type replay struct {
	*browser
}

// alone has a row that changes users or the time be at a site of its own.
func (r *replay) alone() *replay { return newReplay(r.t) }

func newReplay(t testing.TB) *replay {
	t.Helper()
	return replayAt(t, "")
}

// replayAt has providers of every driver that Directus has, named after the drivers; those
// whose names begin with "down" are unavailable.
func replayAt(t testing.TB, publicURL string) *replay {
	t.Helper()
	mechanisms := map[string]sdk.Mechanism{
		"openid": redirecting{}, "cookie": redirecting{}, "closed": redirecting{}, "oauth2": redirecting{}, "saml": redirecting{}, "ldap": prompting{}, "ldapcookie": prompting{},
	}
	drivers := map[string]string{"cookie": "openid", "closed": "openid", "down": "openid", "ldapcookie": "ldap", "downldap": "ldap"}
	providers := directory{mechanisms: mechanisms}
	for _, name := range []string{"openid", "oauth2", "saml", "ldap", "cookie", "ldapcookie", "closed", "down", "downldap"} {
		p := sso.Provider{
			Name: name, Driver: name, Label: strings.ToUpper(name), Mode: sso.ModeSession, LoginTimeout: 5 * time.Minute,
			AllowPublicRegistration: name != "closed", RedirectAllowList: []string{"https://app.example/welcome"},
		}
		if driver, ok := drivers[name]; ok {
			p.Driver = driver
		}
		if strings.HasSuffix(name, "cookie") {
			p.Mode = sso.ModeCookie
		}
		providers.list = append(providers.list, p)
	}
	return &replay{newSiteWith(t, publicURL, providers).browser(t)}
}

// told is an answer in one line: the status; where it leads; the code of an error with the
// names of its extensions, or the names of the data; and the cookies, "+" for a cookie that
// is set, "-" for one that is removed and "=" for one that Directus leaves empty. Our
// request_id, and the cookies of the login itself, have their own rows.
func (r *replay) told(a answer) string {
	words := []string{fmt.Sprint(a.StatusCode)}
	if to := a.Header.Get("Location"); to != "" {
		words = append(words, r.shortened(to))
	}
	switch media := a.Header.Get("Content-Type"); {
	case strings.HasPrefix(media, "text/html"):
		words = append(words, "page")
	case a.body != "":
		words = append(words, toldBody(a.body))
	}
	for _, c := range a.Cookies() {
		name, ours := strings.CutPrefix(c.Name, "directus_")
		switch name = strings.TrimSuffix(name, "_token"); {
		case ours && c.MaxAge < 0:
			words = append(words, "-"+name)
		case ours:
			words = append(words, "+"+name)
		}
	}
	return strings.Join(words, " ")
}

func (r *replay) shortened(target string) string {
	if strings.HasPrefix(target, idp) {
		return "provider"
	}
	target, _, _ = strings.Cut(strings.TrimPrefix(target, r.site.URL), "&detail=")
	return target
}

func toldBody(text string) string {
	var body struct {
		Data   any
		Errors []struct{ Extensions map[string]any }
	}
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		return text
	}
	if len(body.Errors) == 1 {
		extensions := body.Errors[0].Extensions
		code := fmt.Sprint(extensions["code"])
		delete(extensions, "code")
		delete(extensions, "request_id")
		return code + names(extensions)
	}
	switch data := body.Data.(type) {
	case map[string]any:
		return "data" + names(data)
	case []any:
		first, _ := data[0].(map[string]any)
		return "data" + names(first)
	}
	return text
}

func names(object map[string]any) string {
	if len(object) == 0 {
		return ""
	}
	return "(" + strings.Join(slices.Sorted(maps.Keys(object)), " ") + ")"
}

// coded is the status and the code alone.
func coded(t testing.TB, a answer) string { return fmt.Sprint(a.StatusCode, " ", a.code(t)) }

// raw posts a body as it is.
func (r *replay) raw(path, contentType, body string, header ...string) answer {
	if contentType != "" {
		header = append(header, "Content-Type", contentType)
	}
	return r.do(http.MethodPost, path, strings.NewReader(body), header...)
}

// posts is the row of a JSON body.
func posts(path, body string, header ...string) func(r *replay) string {
	return func(r *replay) string { return r.told(r.raw(path, "application/json", body, header...)) }
}

func gets(path string, header ...string) func(r *replay) string {
	return func(r *replay) string { return r.told(r.get(path, header...)) }
}

// login is a login through a browser up to its callback, which brings the code.
func (r *replay) login(start, code string) answer {
	path, _, _ := strings.Cut(start, "?")
	return r.get(path + "/callback?" + url.Values{"code": {code}, "state": {r.begin(start)}}.Encode())
}

func logsIn(start, code string) func(r *replay) string {
	return func(r *replay) string { return r.told(r.login(start, code)) }
}

// tokens signs Ada in and returns what a program holds.
func (r *replay) tokens() (access, refresh string) {
	data := r.raw("/auth/login/ldap", "application/json", `{"identifier":"ada","password":"right"}`).data(r.t)
	access, _ = data["access_token"].(string)
	refresh, _ = data["refresh_token"].(string)
	return access, refresh
}

// signedIn signs Ada in with a cookie.
func (r *replay) signedIn(mode string) *replay {
	r.raw("/auth/login/ldap", "application/json", `{"identifier":"ada","password":"right","mode":"`+mode+`"}`)
	return r
}

// become gives Ada, who signs in with a password, the status.
func (r *replay) become(status string) *replay {
	r.t.Helper()
	return r.signedIn("session").change(status)
}

// change gives the signed-in user the status.
func (r *replay) change(status string) *replay {
	r.t.Helper()
	id, _ := r.get("/users/me").data(r.t)["id"].(string)
	_, _, err := r.site.store.ChangeUser(context.Background(), id, func(u *sso.User) ([]sso.Event, error) {
		u.Status = sso.UserStatus(status)
		return nil, nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return r
}

// attributes of a cookie, without its name and value, in the order of the alphabet.
func attributes(a answer, prefix string) string {
	for _, line := range a.Header.Values("Set-Cookie") {
		if strings.HasPrefix(line, prefix) {
			list := strings.Split(line, "; ")[1:]
			slices.Sort(list)
			return strings.Join(list, " ")
		}
	}
	return "none"
}
