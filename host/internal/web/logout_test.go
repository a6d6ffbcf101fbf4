package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// federated is redirecting with all operations after a login. The message selects what it
// does: end=<subject>, outcome=<outcome>, reply, bad.
type federated struct{ redirecting }

const slo = "https://idp.example/slo"

func (federated) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	if req.Unsolicited {
		return federatedIdentity(req.Response.Form.Get("SAMLResponse")), nil
	}
	step, err := redirecting{}.Continue(ctx, req)
	if done, ok := step.(sdk.Authenticated); ok {
		return federatedIdentity(done.Identity.Subject), err
	}
	return step, err
}

func federatedIdentity(subject string) sdk.Step {
	identity := sdk.Identity{
		Subject: subject, SessionID: "session-of-" + subject, Grant: []byte("grant-of-" + subject),
		OnceID: "once-" + subject + time.Now().String(), OnceUntil: time.Now().Add(time.Hour),
	}
	if subject == "soon" {
		identity.PasswordExpiresAt = time.Now().Add(3*24*time.Hour + time.Minute)
	}
	return sdk.Authenticated{Identity: identity}
}

func (federated) Refresh(_ context.Context, grant []byte) (sdk.Refreshed, error) {
	switch string(grant) {
	case "grant-of-locked":
		return sdk.Refreshed{}, sdk.Denied(sdk.ReasonAccountLocked, "locked")
	case "grant-of-trainee":
		return sdk.Refreshed{}, sdk.Denied(sdk.ReasonAccountExpired, "expired")
	case "grant-of-offline":
		return sdk.Refreshed{}, sdk.Unavailable("down", "no answer from secret-host")
	}
	return sdk.Refreshed{Identity: sdk.Identity{Subject: strings.TrimPrefix(string(grant), "grant-of-")}}, nil
}

func (federated) BeginLogout(_ context.Context, req sdk.LogoutRequest) (sdk.Step, error) {
	switch req.Subject {
	case "offline":
		return nil, sdk.Unavailable("down", "no answer")
	case "poster":
		fields := []sdk.FormField{{Name: "RelayState", Value: req.State}, {Name: "SAMLRequest", Value: "x"}}
		return sdk.FormPost{URL: slo, Fields: fields, Memory: []byte("logout")}, nil
	}
	return sdk.Redirect{URL: slo + "?RelayState=" + req.State, Memory: []byte("logout")}, nil
}

func (federated) ReceiveLogout(_ context.Context, m sdk.LogoutMessage) (sdk.Logout, error) {
	values := m.Request.Query
	if m.Request.Method == http.MethodPost {
		values = m.Request.Form
	}
	if values.Has("doorward_reposted") {
		return sdk.Logout{}, sdk.InvalidResponse("marker", "a field of the host")
	}
	if values.Has("bad") {
		return sdk.Logout{}, sdk.InvalidResponse("signature", "unsigned")
	}
	l := sdk.Logout{Outcome: sdk.LogoutOutcome(values.Get("outcome")), Subject: values.Get("end"), OnceID: values.Get("once"), Framed: values.Has("framed")}
	if l.OnceID != "" {
		l.OnceUntil = time.Now().Add(time.Hour)
	}
	if l.Outcome != "" && string(m.Memory) != "logout" {
		return sdk.Logout{}, sdk.InvalidResponse("memory", "answer to nothing")
	}
	switch values.Get("reply") {
	case "redirect":
		l.Reply = sdk.Redirect{URL: slo + "?SAMLResponse=x"}
	case "form":
		l.Reply = sdk.FormPost{URL: slo, Fields: []sdk.FormField{{Name: "SAMLResponse", Value: "x"}}}
	}
	return l, nil
}

func (federated) Metadata(context.Context) (sdk.Document, error) {
	return sdk.Document{ContentType: "application/samlmetadata+xml", Content: []byte("<EntityDescriptor/>")}, nil
}

func federatedSite(t *testing.T) *site {
	t.Helper()
	provider := func(name string) sso.Provider {
		return sso.Provider{
			Name: name, Driver: "saml", Label: name, Mode: sso.ModeSession, LoginTimeout: 5 * time.Minute,
			AllowPublicRegistration: true, RedirectAllowList: []string{"https://app.example/welcome"},
		}
	}
	open := provider("open")
	open.AllowUnsolicited = true
	return newSiteWith(t, "", directory{
		list:       []sso.Provider{provider("idp"), open, provider("op")},
		mechanisms: map[string]sdk.Mechanism{"idp": federated{}, "open": federated{}, "op": redirecting{}},
	})
}

const sessionCookie = "directus_session_token"

// acrossSites is what a browser sends along with a form from the provider's site:
// no SameSite=Lax cookie, so another browser plays it.
var acrossSites = []string{"Accept", acceptHTML, "Origin", "https://idp.example", "Sec-Fetch-Site", "cross-site"}

func (b *browser) wantSignedIn(want bool) {
	b.t.Helper()
	if got := b.get("/users/me").StatusCode == http.StatusOK; got != want {
		b.t.Errorf("signed in: %v, want %v", got, want)
	}
}

func wantRedirect(t testing.TB, a answer, prefix string) *url.URL {
	t.Helper()
	target, err := url.Parse(a.Header.Get("Location"))
	if err != nil || a.StatusCode/100 != 3 || !strings.HasPrefix(target.String(), prefix) {
		t.Fatalf("%s to %q, want to %s: %s", a.Status, a.Header.Get("Location"), prefix, a.body)
	}
	return target
}

func (b *browser) signOut(form url.Values) answer {
	form.Set("mode", "session")
	return b.postForm("/auth/logout", form, "Accept", acceptHTML, "Sec-Fetch-Site", "same-origin")
}

func TestOurLogout(t *testing.T) {
	begin := func(t *testing.T, subject string, form url.Values) (*browser, answer) {
		t.Helper()
		b := federatedSite(t).browser(t)
		c := b.signIn("idp", subject).cookie(sessionCookie)
		a := b.signOut(form)
		b.wantSignedIn(false)
		if replay := b.site.browser(t).get("/users/me", "Cookie", c.Name+"="+c.Value); replay.StatusCode != http.StatusUnauthorized {
			t.Errorf("A04 the session lives: %s", replay.Status)
		}
		return b, a
	}
	t.Run("goes on to the provider and comes back", func(t *testing.T) {
		b, a := begin(t, "ada", url.Values{"redirect": {"https://app.example/welcome"}})
		state := wantRedirect(t, a, slo).Query().Get("RelayState")
		back := "/auth/login/idp/logout?outcome=done&RelayState=" + state
		wantRedirect(t, b.get(back, "Accept", acceptHTML), "https://app.example/welcome")
		if a := b.get(back, "Accept", acceptHTML); a.StatusCode != http.StatusBadRequest {
			t.Errorf("a second time: %s", a.Status)
		}
	})
	t.Run("B01 does not go on to a place that is not allowed", func(t *testing.T) {
		b, a := begin(t, "ada", url.Values{"redirect": {"https://evil.example/"}})
		state := wantRedirect(t, a, slo).Query().Get("RelayState")
		wantRedirect(t, b.get("/auth/login/idp/logout?outcome=done&RelayState="+state, "Accept", acceptHTML), "/login?signed_out")
	})
	t.Run("a partial logout is told", func(t *testing.T) {
		b, a := begin(t, "ada", url.Values{"redirect": {"https://app.example/welcome"}})
		state := wantRedirect(t, a, slo).Query().Get("RelayState")
		target := wantRedirect(t, b.get("/auth/login/idp/logout?outcome=partial&RelayState="+state, "Accept", acceptHTML), "/login")
		if page := b.get(target.String(), "Accept", acceptHTML); !strings.Contains(page.body, "You may still be signed in with your provider") {
			t.Errorf("page: %s", page.body)
		}
	})
	t.Run("by a form, and answered by a POST from the provider's site", func(t *testing.T) {
		b, a := begin(t, "poster", url.Values{})
		state := hiddenFields(t, a.body).Get("RelayState")
		if state == "" || !strings.Contains(a.body, slo) || !strings.Contains(a.body, "sign-out") {
			t.Fatalf("form: %s", a.body)
		}
		form := url.Values{"RelayState": {state}, "outcome": {"done"}}
		again := b.site.browser(t).postForm("/auth/login/idp/logout", form, acrossSites...)
		if again.StatusCode != http.StatusOK || !strings.Contains(again.body, `action="/auth/login/idp/logout"`) {
			t.Fatalf("cross-site: %s %s", again.Status, again.body)
		}
		wantRedirect(t, b.postForm("/auth/login/idp/logout", hiddenFields(t, again.body), "Accept", acceptHTML), "/login?signed_out")
	})
	t.Run("the provider is down", func(t *testing.T) {
		_, a := begin(t, "offline", url.Values{})
		wantRedirect(t, a, "/login?signed_out=partial")
	})
	t.Run("the mechanism has no logout", func(t *testing.T) {
		b := federatedSite(t).browser(t)
		b.signIn("op", "ada")
		wantRedirect(t, b.signOut(url.Values{}), "/login?signed_out")
		b.wantSignedIn(false)
	})
	t.Run("programs get 204", func(t *testing.T) {
		b := federatedSite(t).browser(t)
		b.signIn("idp", "ada")
		if a := b.postJSON("/auth/logout", map[string]string{"mode": "session"}); a.StatusCode != http.StatusNoContent {
			t.Errorf("got %s", a.Status)
		}
		b.wantSignedIn(false)
	})
	t.Run("A17 not for another site", func(t *testing.T) {
		b := federatedSite(t).browser(t)
		b.signIn("idp", "ada")
		if a := b.postForm("/auth/logout", url.Values{"mode": {"session"}}, acrossSites...); a.StatusCode != http.StatusForbidden {
			t.Errorf("got %s", a.Status)
		}
		b.wantSignedIn(true)
	})
}

func TestLogoutByTheProvider(t *testing.T) {
	people := func(t *testing.T) (s *site, ada, bob *browser) {
		t.Helper()
		s = federatedSite(t)
		ada, bob = s.browser(t), s.browser(t)
		ada.signIn("idp", "ada")
		bob.signIn("idp", "bob")
		return s, ada, bob
	}
	t.Run("H32 F26 called directly", func(t *testing.T) {
		s, ada, bob := people(t)
		a := s.browser(t).postForm("/auth/login/idp/logout", url.Values{"end": {"ada"}, "once": {"1"}})
		if a.StatusCode != http.StatusOK || a.body != "" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("got %s %q", a.Status, a.body)
		}
		ada.wantSignedIn(false)
		bob.wantSignedIn(true)
		if a := s.browser(t).postForm("/auth/login/idp/logout", url.Values{"end": {"bob"}, "once": {"1"}}); a.StatusCode != http.StatusBadRequest {
			t.Errorf("replayed: %s", a.Status)
		}
		bob.wantSignedIn(true)
	})
	// Java's HttpURLConnection asks for text/html unless it is told otherwise. A page that
	// posts again would tell such a provider that it is done, while nobody was signed out.
	t.Run("F26 called directly by a program that asks for a page", func(t *testing.T) {
		s, ada, bob := people(t)
		a := s.browser(t).postForm("/auth/login/idp/logout", url.Values{"end": {"ada"}, "once": {"1"}},
			"Accept", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "User-Agent", "Java/21.0.2")
		if a.StatusCode != http.StatusOK || a.body != "" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("got %s %q", a.Status, a.body)
		}
		ada.wantSignedIn(false)
		bob.wantSignedIn(true)
	})
	t.Run("H32 by the browser, whose cookie goes", func(t *testing.T) {
		for reply, want := range map[string]string{"redirect": slo, "": "/login?signed_out"} {
			_, ada, bob := people(t)
			a := ada.get("/auth/login/idp/logout?end=ada&RelayState=of-the-provider&reply="+reply, "Accept", acceptHTML)
			wantRedirect(t, a, want)
			if c := a.cookie(sessionCookie); c == nil || c.MaxAge != -1 {
				t.Errorf("cookies %v", a.Cookies())
			}
			bob.wantSignedIn(true)
		}
	})
	t.Run("by a POST from the provider's site", func(t *testing.T) {
		s, ada, bob := people(t)
		again := s.browser(t).postForm("/auth/login/idp/logout", url.Values{"end": {"ada"}, "reply": {"form"}}, acrossSites...)
		a := ada.postForm("/auth/login/idp/logout", hiddenFields(t, again.body), "Accept", acceptHTML)
		if a.StatusCode != http.StatusOK || !strings.Contains(a.body, slo) || a.cookie(sessionCookie) == nil {
			t.Errorf("got %s %v %s", a.Status, a.Cookies(), a.body)
		}
		bob.wantSignedIn(true)
	})
	t.Run("of somebody else keeps the cookie", func(t *testing.T) {
		_, ada, bob := people(t)
		if a := ada.get("/auth/login/idp/logout?end=bob", "Accept", acceptHTML); a.cookie(sessionCookie) != nil {
			t.Errorf("cookies %v", a.Cookies())
		}
		ada.wantSignedIn(true)
		bob.wantSignedIn(false)
	})
	t.Run("F27 in a frame", func(t *testing.T) {
		s, ada, bob := people(t)
		a := s.browser(t).get("/auth/login/idp/logout?end=ada&framed=1", "Accept", acceptHTML, "Sec-Fetch-Dest", "iframe", "Sec-Fetch-Site", "cross-site")
		if a.StatusCode != http.StatusOK || a.body != "" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("got %s %q", a.Status, a.body)
		}
		if a.Header.Get("X-Frame-Options") != "" || !strings.Contains(a.Header.Get("Content-Security-Policy"), "frame-ancestors *") ||
			!strings.Contains(a.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("no site may show it: %v", a.Header)
		}
		ada.wantSignedIn(false)
		bob.wantSignedIn(true)
		for _, path := range []string{"/auth/login/idp/logout?end=bob&framed=1&bad=1", "/auth/login/idp/logout?end=nobody", "/login"} {
			if a := s.browser(t).get(path, "Accept", acceptHTML); a.Header.Get("X-Frame-Options") != "DENY" || !strings.Contains(a.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
				t.Errorf("%s may be framed: %v", path, a.Header)
			}
		}
		bob.wantSignedIn(true)
	})
	t.Run("with nothing at all, as Cognito has it", func(t *testing.T) {
		_, ada, _ := people(t)
		told := wantRedirect(t, ada.get("/auth/login/idp/logout", "Accept", acceptHTML), "/login?signed_out")
		ada.wantSignedIn(true)
		if home := wantRedirect(t, ada.get(told.String(), "Accept", acceptHTML), "/"); home.String() != "/" {
			t.Errorf("a signed-in user is sent to %s", home)
		}
		ada.signOut(url.Values{})
		if a := ada.get(told.String(), "Accept", acceptHTML); !strings.Contains(a.body, "You are signed out") {
			t.Errorf("the page does not say that the user is signed out: %s", a.body)
		}
	})
	t.Run("H32 refused", func(t *testing.T) {
		s, ada, _ := people(t)
		for path, want := range map[string]int{
			"/auth/login/idp/logout?end=ada&bad=1":             http.StatusBadRequest,
			"/auth/login/idp/logout?outcome=done&RelayState=x": http.StatusBadRequest,
			"/auth/login/idp/logout":                           http.StatusInternalServerError,
			"/auth/login/op/logout?end=ada":                    http.StatusNotFound,
			"/auth/login/open/logout?end=nobody":               http.StatusOK,
			"/auth/login/unknown/logout?end=ada":               http.StatusNotFound,
		} {
			if a := s.browser(t).get(path); a.StatusCode != want {
				t.Errorf("%s: %s, want %d", path, a.Status, want)
			}
		}
		ada.wantSignedIn(true)
	})
	t.Run("L10 no reply if the sessions cannot be ended", func(t *testing.T) {
		s, _, _ := people(t)
		if err := s.store.Close(); err != nil {
			t.Fatal(err)
		}
		if a := s.browser(t).get("/auth/login/idp/logout?end=ada&reply=redirect"); a.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("got %s to %q", a.Status, a.Header.Get("Location"))
		}
	})
}

func TestUnsolicitedLogins(t *testing.T) {
	post := func(t *testing.T, provider string, form url.Values) answer {
		t.Helper()
		b := federatedSite(t).browser(t)
		path := "/auth/login/" + provider + "/acs"
		again := b.postForm(path, form, acrossSites...)
		if again.StatusCode != http.StatusOK {
			return again
		}
		return b.postForm("/auth/login/"+provider+"/callback", hiddenFields(t, again.body), "Accept", acceptHTML)
	}
	ada := url.Values{"SAMLResponse": {"ada"}}
	for relay, want := range map[string]string{
		"": "/", "https://app.example/welcome": "https://app.example/welcome",
		"https://evil.example/": "/", "admin/login\r\nX: y": "/", "//evil.example": "/",
	} {
		form := url.Values{"SAMLResponse": {"ada"}, "RelayState": {relay}}
		if a := post(t, "open", form); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != want || a.cookie(sessionCookie) == nil {
			t.Errorf("RelayState %q: %s to %q", relay, a.Status, a.Header.Get("Location"))
		}
	}
	if a := post(t, "open", ada); a.Header.Get("Location") != "/" {
		t.Errorf("without RelayState: %s", a.Status)
	}
	t.Run("H14 A10 refused unless allowed", func(t *testing.T) {
		for name, form := range map[string]url.Values{
			"no RelayState": ada, "unknown RelayState": {"SAMLResponse": {"ada"}, "RelayState": {"x"}},
		} {
			if a := post(t, "idp", form); a.StatusCode/100 != 4 || a.cookie(sessionCookie) != nil {
				t.Errorf("%s: %s", name, a.Status)
			}
		}
	})
	t.Run("two RelayStates, or a GET", func(t *testing.T) {
		if a := post(t, "open", url.Values{"SAMLResponse": {"ada"}, "RelayState": {"x", "y"}}); a.StatusCode != http.StatusBadRequest {
			t.Errorf("two: %s", a.Status)
		}
		if a := federatedSite(t).browser(t).get("/auth/login/open/acs?SAMLResponse=ada"); a.StatusCode != http.StatusBadRequest {
			t.Errorf("GET: %s", a.Status)
		}
	})
}

func TestMetadata(t *testing.T) {
	b := federatedSite(t).browser(t)
	a := b.get("/auth/login/idp/metadata")
	if a.StatusCode != http.StatusOK || a.body != "<EntityDescriptor/>" ||
		a.Header.Get("Content-Type") != "application/samlmetadata+xml" || a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("got %s %v %q", a.Status, a.Header, a.body)
	}
	for _, path := range []string{"/auth/login/op/metadata", "/auth/login/unknown/metadata"} {
		if a := b.get(path); a.StatusCode != http.StatusNotFound || a.code(t) != "ROUTE_NOT_FOUND" {
			t.Errorf("%s: %s", path, a.Status)
		}
	}
}

func TestRefreshAsksTheProvider(t *testing.T) {
	t.Run("A06 a refused person", func(t *testing.T) {
		b := federatedSite(t).browser(t)
		b.signIn("idp", "locked")
		a := b.postJSON("/auth/refresh", map[string]string{"mode": "session"})
		if a.StatusCode != http.StatusUnauthorized || a.code(t) != "INVALID_CREDENTIALS" || a.cookie(sessionCookie).MaxAge != -1 ||
			extensionsOf(t, a)["reason"] != "account_locked" {
			t.Errorf("got %s %s", a.Status, a.body)
		}
	})
	t.Run("a provider that is down", func(t *testing.T) {
		b := federatedSite(t).browser(t)
		b.signIn("idp", "offline")
		a := b.postJSON("/auth/refresh", map[string]string{"mode": "session"})
		if a.StatusCode != http.StatusOK || strings.Contains(a.body, "secret-host") {
			t.Errorf("got %s %s", a.Status, a.body)
		}
		b.wantSignedIn(true)
		if !strings.Contains(b.site.log.String(), "cannot confirm that a session is still valid") {
			t.Error("the operator is not warned")
		}
	})
}

func TestPasswordThatExpiresSoon(t *testing.T) {
	s := federatedSite(t)
	b := s.browser(t)
	state := b.begin("/auth/login/idp?redirect=https://app.example/welcome")
	a := b.get("/auth/login/idp/callback?code=soon&state="+state, "Accept", acceptHTML)
	if a.StatusCode != http.StatusOK || a.cookie(sessionCookie) == nil || !strings.Contains(a.body, "Your password expires in 3 days") ||
		!strings.Contains(a.body, `href="https://app.example/welcome"`) {
		t.Errorf("page: %s %s", a.Status, a.body)
	}
	state = b.begin("/auth/login/idp?mode=json")
	done := b.get("/auth/login/idp/callback?code=soon&state=" + state).data(t)
	if _, err := time.Parse(time.RFC3339, done["password_expires_at"].(string)); err != nil {
		t.Errorf("JSON: %v", done)
	}
	again := b.postJSON("/auth/refresh", map[string]any{"refresh_token": done["refresh_token"]}).data(t)
	if _, told := again["password_expires_at"]; told {
		t.Error("warned again at a refresh")
	}
}

// A login that is under way is not a logout, and a message that names it does not end it.
func TestLogoutMessageLeavesALoginAlone(t *testing.T) {
	s := federatedSite(t)
	b := s.browser(t)
	state := b.begin("/auth/login/idp")
	if a := b.get("/auth/login/idp/logout?RelayState=" + state); a.StatusCode != http.StatusBadRequest || len(a.Cookies()) > 0 {
		t.Errorf("%s, cookies %v", a.Status, a.Cookies())
	}
	wantSignedIn(t, b.get("/auth/login/idp/callback?code=ada&state="+state))
}
