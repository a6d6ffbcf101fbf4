package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web"
	"github.com/doorward/doorward/host/internal/web/limit"
	"github.com/doorward/doorward/sdk"
)

// limitedSite has limits with a separate clock, and trusts X-Forwarded-For.
type limitedSite struct {
	*site
	providers *busyDirectory
	limits    *limit.Limiter
	passed    atomic.Int64
}

func newLimitedSite(t *testing.T, change func(*web.Config)) *limitedSite {
	t.Helper()
	s := &limitedSite{providers: &busyDirectory{directory: directory{mechanisms: map[string]sdk.Mechanism{
		"op": redirecting{}, "post": posting{}, "dir": prompting{}, "dir2": prompting{}, "renew": renewing{}, "steps": stepping{}, "saml": &askedOften{},
	}}}}
	for name := range s.providers.mechanisms {
		s.providers.list = append(s.providers.list, sso.Provider{
			Name: name, Label: name, Mode: sso.ModeSession, LoginTimeout: time.Hour, AllowPublicRegistration: true,
			RedirectAllowList: []string{"https://app.example/welcome"}, AllowUnsolicited: name == "saml",
		})
	}
	var err error
	begun := time.Now()
	s.limits, err = limit.New(limit.Config{
		Secret: []byte(secret), Login: limit.Rate{Points: 10, Within: 10 * time.Minute},
		Address: limit.Rate{Points: 100, Within: 10 * time.Minute}, All: limit.Rate{Points: 1000, Within: 10 * time.Minute},
	}, func() time.Time { return begun.Add(time.Duration(s.passed.Load())) })
	if err != nil {
		t.Fatal(err)
	}
	s.site = newSiteConfigured(t, "", s.providers, func(config *web.Config) {
		config.Limits = s.limits
		config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		change(config)
	})
	return s
}

func asItIs(*web.Config) {}

// askedOften counts how often it is asked to continue.
type askedOften struct {
	redirecting
	calls atomic.Int32
}

func (m *askedOften) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	m.calls.Add(1)
	return m.redirecting.Continue(ctx, req)
}

func (s *limitedSite) pass(d time.Duration) { s.passed.Add(int64(d)) }

func (b *browser) tryPassword(provider, name, password string, header ...string) answer {
	b.t.Helper()
	return b.postJSON("/auth/login/"+provider, map[string]string{"identifier": name, "password": password}, header...)
}

func wantLimited(t *testing.T, what string, a answer, wait string) {
	t.Helper()
	if a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") != wait {
		t.Errorf("%s: %s, Retry-After %q, want 429 and %s", what, a.Status, a.Header.Get("Retry-After"), wait)
	}
}

func TestL03GuessingByAProgram(t *testing.T) {
	s := newLimitedSite(t, asItIs)
	b := s.browser(t)
	for i := range 10 {
		if a := b.tryPassword("dir", "ada", "wrong"); a.StatusCode != http.StatusUnauthorized {
			t.Fatalf("guess %d: %s %s", i, a.Status, a.body)
		}
	}
	s.providers.busy.Store(true) // whoever is asked now would say so
	refused := b.tryPassword("dir", " ADA", "right")
	wantLimited(t, "one more", refused, "60")
	if ext := extensionsOf(t, refused); ext["code"] != "REQUESTS_EXCEEDED" || ext["limit"] != 10.0 {
		t.Errorf("extensions %v", ext)
	} else if reset, err := time.Parse(time.RFC3339, fmt.Sprint(ext["reset"])); err != nil || time.Until(reset) < 30*time.Second || time.Until(reset) > 61*time.Second {
		t.Errorf("reset %v, %v", ext["reset"], err)
	}
	wantLimited(t, "by the name of the field", b.postJSON("/auth/login/dir", map[string]any{
		"identifier": "ada", "answers": map[string]string{"password": "right"},
	}), "60")
	s.providers.busy.Store(false)
	wantLimited(t, "without identifier", b.postJSON("/auth/login/dir", map[string]any{
		"answers": map[string]string{"username": "ada", "password": "right"},
	}), "60")
	unknown := b.tryPassword("dir", "nobody", "wrong")
	for range 10 {
		unknown = b.tryPassword("dir", "nobody", "wrong")
	}
	wantLimited(t, "a name that may not exist", unknown, "60")
	for what, a := range map[string]answer{
		"another name": b.tryPassword("dir", "bob", "right"), "another address": b.tryPassword("dir", "ada", "right", "X-Forwarded-For", "192.0.2.7"),
		"another provider": b.tryPassword("dir2", "ada", "right"),
	} {
		if a.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s", what, a.Status, a.body)
		}
	}
	s.pass(time.Minute)
	if a := b.tryPassword("dir", "ada", "right"); a.StatusCode != http.StatusOK {
		t.Errorf("after the wait: %s %s", a.Status, a.body)
	}
	if n := strings.Count(s.log.String(), "login_name_and_address"); n == 0 || strings.Contains(s.log.String(), "nobody") {
		t.Errorf("%d lines tell of the limit; names must not be there:\n%s", n, s.log)
	}
}

// People see a page that says when to try again. Loading it then continues with what they
// entered.
func TestGuessingByABrowser(t *testing.T) {
	s := newLimitedSite(t, asItIs)
	b := s.browser(t)
	page := b.get("/auth/login/dir?redirect=https://app.example/welcome", "Accept", acceptHTML).body
	answer := func(password string) answer {
		form := hiddenFields(t, page)
		form.Set("username", "ada")
		form.Set("password", password)
		return b.postForm("/auth/login/dir/callback", form, "Accept", acceptHTML)
	}
	for range 10 {
		a := answer("wrong")
		if a.StatusCode != http.StatusUnauthorized {
			t.Fatalf("%s %s", a.Status, a.body)
		}
		page = a.body
	}
	for range 3 {
		a := answer("right")
		wantLimited(t, "a page", a, "60")
		if !strings.Contains(a.body, "Wait 60 seconds, then reload this page.") || strings.Contains(a.body, "ada") || strings.Contains(a.body, "incorrect") || strings.Contains(a.body, "Try again<") {
			t.Errorf("page: %s", a.body)
		}
	}
	s.pass(time.Minute)
	if a := answer("right"); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "https://app.example/welcome" {
		t.Errorf("the same again, after the wait: %s %s", a.Status, a.body)
	}
}

func TestOfficeBehindOneAddress(t *testing.T) {
	s := newLimitedSite(t, asItIs)
	var group sync.WaitGroup
	for worker := range 25 {
		group.Go(func() {
			for i := range 20 {
				b, name := s.browser(t), fmt.Sprintf("user%d-%d", worker, i)
				for range i % 3 {
					if a := b.tryPassword("dir", name, "wrong"); a.StatusCode != http.StatusUnauthorized {
						t.Errorf("%s, a typo: %s %s", name, a.Status, a.body)
					}
				}
				if a := b.tryPassword("dir", name, "right"); a.StatusCode != http.StatusOK {
					t.Errorf("%s: %s %s", name, a.Status, a.body)
				}
				if a := b.signIn("op", name); a.StatusCode != http.StatusFound {
					t.Errorf("%s, at a provider: %s %s", name, a.Status, a.body)
				}
			}
		})
	}
	group.Wait()
}

// A15: too many starts that are not completed are refused, and that does not lead back to
// an application, which might start again.
func TestA15StartsWithoutAnEnd(t *testing.T) {
	s := newLimitedSite(t, asItIs)
	b := s.browser(t)
	const path = "/auth/login/op?redirect=https://app.example/welcome"
	state := b.begin(path)
	for i := range 1999 {
		if a := s.browser(t).get(path); a.StatusCode != http.StatusFound {
			t.Fatalf("start %d: %s", i, a.Status)
		}
	}
	wantLimited(t, "one more", b.get(path), "1")
	wantLimited(t, "one more, a page", b.get(path, "Accept", acceptHTML), "1")
	a := b.get("/auth/login/op/callback?" + url.Values{"code": {"ada"}, "state": {state}}.Encode())
	if a.StatusCode != http.StatusFound || a.Header.Get("Location") != "https://app.example/welcome" {
		t.Fatalf("one that has begun: %s %s", a.Status, a.body)
	}
	c := s.browser(t)
	state = c.begin(path)
	wantLimited(t, "two more after one has come to its end", s.browser(t).get(path), "1")
	// Anyone can claim that the provider was down, and begin again.
	c.get("/auth/login/op/callback?" + url.Values{"code": {"down"}, "state": {state}}.Encode())
	wantLimited(t, "after one came back with an error of the provider", s.browser(t).get(path), "1")
	if a := b.do(http.MethodHead, path, nil); a.StatusCode == http.StatusTooManyRequests {
		t.Errorf("HEAD: %s", a.Status)
	}
}

// These are not counted: providers that are unavailable or busy, an expired password, and
// answers that are not read.
func TestWhatIsNotCounted(t *testing.T) {
	s := newLimitedSite(t, asItIs)
	b := s.browser(t)
	for i := range 50 {
		state := b.begin("/auth/login/op")
		for what, a := range map[string]answer{
			"provider down":    b.get("/auth/login/op/callback?" + url.Values{"code": {"down"}, "state": {state}}.Encode()),
			"expired password": b.tryPassword("renew", "ada", "old"),
			"no password":      b.tryPassword("dir", "ada", ""),
			"a long password":  b.tryPassword("dir", "ada", strings.Repeat("x", sdk.MaxAnswer+1)),
			"no cookie":        s.browser(t).get("/auth/login/op/callback?code=x&state=" + state),
			"a forged attempt": b.postJSON("/auth/login/dir", map[string]any{"attempt": "a.b", "answers": map[string]string{"username": "ada", "password": "x"}}),
			"a forged token":   b.postJSON("/auth/refresh", map[string]string{"refresh_token": "forged"}),
			"not signed in":    b.get("/users/me"),
		} {
			if a.StatusCode == http.StatusTooManyRequests || a.StatusCode == http.StatusOK {
				t.Fatalf("%s, time %d: %s %s", what, i, a.Status, a.body)
			}
		}
	}
	s.providers.busy.Store(true)
	for range 50 {
		if a := b.tryPassword("dir", "ada", "right"); a.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("busy: %s", a.Status)
		}
	}
	s.providers.busy.Store(false)
	if a := b.tryPassword("dir", "ada", "right"); a.StatusCode != http.StatusOK {
		t.Errorf("%s %s", a.Status, a.body)
	}
}

// Users who are signed in, and clients that refresh, are never refused because of failed
// sign-ins.
func TestSessionsGoOnInAFlood(t *testing.T) {
	s := newLimitedSite(t, asItIs)
	b := s.browser(t)
	b.signIn("op", "ada")
	for i := range 120 {
		b.tryPassword("dir", fmt.Sprint("user", i), "wrong")
	}
	wantLimited(t, "the flood", b.tryPassword("dir", "another", "wrong"), "6")
	if a := b.get("/users/me"); a.StatusCode != http.StatusOK {
		t.Errorf("/users/me: %s", a.Status)
	}
	if a := b.postJSON("/auth/refresh", map[string]string{"mode": "session"}); a.StatusCode != http.StatusOK {
		t.Errorf("refresh: %s %s", a.Status, a.body)
	}
	if a := b.postJSON("/auth/logout", map[string]string{"mode": "session"}); a.StatusCode != http.StatusNoContent {
		t.Errorf("logout: %s %s", a.Status, a.body)
	}
}

// A user who signed in before in a browser is not blocked by others who guess at the same
// name, or from the same address.
func TestKnownBrowser(t *testing.T) {
	s := newLimitedSite(t, asItIs)
	b := s.browser(t)
	login := func(b *browser, header ...string) answer {
		form := hiddenFields(t, b.get("/auth/login/dir", append(header, "Accept", acceptHTML)...).body)
		form.Set("username", "ada")
		form.Set("password", "right")
		return b.postForm("/auth/login/dir/callback", form, append(header, "Accept", acceptHTML)...)
	}
	a := login(b)
	device := a.cookie("doorward_device")
	if device == nil || !device.HttpOnly || device.SameSite != http.SameSiteLaxMode || device.Path != "/" || device.Domain != "" || device.MaxAge != 90*24*60*60 {
		t.Fatalf("A07 cookie %+v", device)
	}
	for i := range 60 { // of the same name, from everywhere, and from the same address
		s.browser(t).tryPassword("dir", "ada", "wrong", "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i))
	}
	for i := range 101 {
		s.browser(t).tryPassword("dir", fmt.Sprint("user", i), "wrong")
	}
	if a := login(s.browser(t)); a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("in another browser: %s", a.Status)
	}
	if a := login(b); a.StatusCode != http.StatusSeeOther {
		t.Errorf("in this browser: %s %s", a.Status, a.body)
	}
	if a := login(b, "X-Forwarded-For", "198.51.100.7"); a.StatusCode != http.StatusSeeOther {
		t.Errorf("in this browser, elsewhere: %s %s", a.Status, a.body)
	}
	if a := b.tryPassword("dir", "bob", "right"); a.StatusCode != http.StatusTooManyRequests {
		t.Errorf("another user in this browser: %s", a.Status)
	}
	if a := s.browser(t).tryPassword("dir", "eve", "right", "X-Forwarded-For", "198.51.100.8"); a.cookie("doorward_device") != nil {
		t.Error("a program gets a cookie")
	}
	secure := newLimitedSite(t, func(config *web.Config) {
		config.PublicURL = &url.URL{Scheme: "https", Host: "sso.example"}
	})
	a = secure.browser(t).postJSON("/auth/login/dir", map[string]string{"identifier": "ada", "password": "right", "mode": "session"})
	if c := a.cookie("__Host-doorward_device"); c == nil || !c.Secure {
		t.Errorf("over https: %v", a.Cookies())
	}
}

// A response that nobody asked for has no start.
func TestUnsolicitedResponsesAreCounted(t *testing.T) {
	s := newLimitedSite(t, asItIs)
	b := s.browser(t)
	post := func() answer {
		return b.postForm("/auth/login/saml/acs", url.Values{"SAMLResponse": {"x"}, "doorward_reposted": {"1"}})
	}
	for i := range 100 {
		if a := post(); a.StatusCode != http.StatusUnauthorized {
			t.Fatalf("response %d: %s %s", i, a.Status, a.body)
		}
	}
	m, _ := s.providers.mechanisms["saml"].(*askedOften)
	asked := m.calls.Load()
	wantLimited(t, "one more", post(), "6")
	if m.calls.Load() != asked {
		t.Error("the mechanism was asked")
	}
}

func TestProxyThatIsNotBelieved(t *testing.T) {
	nobody := func(config *web.Config) { config.TrustedProxies = nil }
	const believe, perhaps = "a proxy is not trusted", "if it is the address of a proxy"
	t.Run("one that says for whom it asks", func(t *testing.T) {
		s := newLimitedSite(t, nobody)
		b := s.browser(t)
		for i := range 3 {
			b.get("/auth/login/op", "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i))
		}
		if n := strings.Count(s.log.String(), believe); n != 1 || !strings.Contains(s.log.String(), "127.0.0.1") {
			t.Errorf("%d lines:\n%s", n, s.log)
		}
	})
	t.Run("one that does not", func(t *testing.T) {
		s := newLimitedSite(t, nobody)
		for i := range 102 {
			if i == 100 && strings.Contains(s.log.String(), perhaps) {
				t.Error("the operator is warned before anyone was refused")
			}
			s.browser(t).tryPassword("dir", fmt.Sprint("user", i), "wrong")
		}
		if n := strings.Count(s.log.String(), perhaps); n != 1 {
			t.Errorf("%d lines:\n%s", n, s.log)
		}
	})
	t.Run("one that is believed", func(t *testing.T) {
		s := newLimitedSite(t, asItIs)
		for i := range 102 {
			s.browser(t).tryPassword("dir", fmt.Sprint("user", i), "wrong", "X-Forwarded-For", "192.0.2.1")
		}
		if strings.Contains(s.log.String(), "IP_TRUST_PROXY") {
			t.Errorf("log:\n%s", s.log)
		}
	})
}

// B14: a client that sends the header and is not a proxy does not get another address.
func TestB14AddressesAreNotForged(t *testing.T) {
	s := newLimitedSite(t, func(config *web.Config) { config.TrustedProxies = nil })
	refused := 0
	for i := range 150 {
		a := s.browser(t).tryPassword("dir", fmt.Sprint("user", i), "wrong", "X-Forwarded-For", "192.0.2."+strconv.Itoa(i))
		if a.StatusCode == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 50 {
		t.Errorf("%d of 150 refused, want 50", refused)
	}
}

// stepping asks for a name, and then for the password only.
type stepping struct{}

func (stepping) Begin(context.Context, sdk.BeginRequest) (sdk.Step, error) {
	return sdk.Prompt{Fields: credentials[:1], Memory: []byte("name")}, nil
}

func (stepping) Continue(_ context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	ask := sdk.Prompt{Fields: credentials[1:], Memory: []byte("password")}
	if string(req.Memory) == "name" {
		return ask, nil
	}
	if req.Answers["password"] == "right" {
		return sdk.Authenticated{Identity: sdk.Identity{Subject: "ada"}}, nil
	}
	ask.Reason = sdk.ReasonBadCredentials
	return ask, nil
}

// A password counts for the name that was entered in an earlier step.
func TestNameOfAStepBefore(t *testing.T) {
	s := newLimitedSite(t, asItIs)
	guess := func(name, password string) answer {
		b := s.browser(t)
		attempt, _ := attemptOf(t, b.postJSON("/auth/login/steps", map[string]string{"identifier": name}))
		return b.postJSON("/auth/login/steps", map[string]any{"attempt": attempt, "answers": map[string]string{"password": password}})
	}
	for i := range 10 {
		if a := guess("ada", "wrong"); a.StatusCode != http.StatusUnauthorized {
			t.Fatalf("guess %d: %s %s", i, a.Status, a.body)
		}
	}
	b := s.browser(t)
	wantLimited(t, "the name of ten guesses", b.postJSON("/auth/login/steps", map[string]string{"identifier": "Ada"}), "60")
	a := s.browser(t).postJSON("/auth/login/steps", map[string]string{"identifier": "bob"})
	attempt, _ := attemptOf(t, a)
	if a := b.postJSON("/auth/login/steps", map[string]any{"attempt": attempt, "answers": map[string]string{"password": "right"}}); a.StatusCode != http.StatusOK {
		t.Errorf("another name: %s %s", a.Status, a.body)
	}
	s.pass(time.Minute)
	attempt, _ = attemptOf(t, b.postJSON("/auth/login/steps", map[string]string{"identifier": "ada"}))
	for _, password := range []string{"wrong", "wrong"} {
		a = b.postJSON("/auth/login/steps", map[string]any{"attempt": attempt, "answers": map[string]string{"password": password}})
		if a.StatusCode == http.StatusUnauthorized {
			attempt, _ = attemptOf(t, a)
		}
	}
	wantLimited(t, "in the second step", a, "60")
}
