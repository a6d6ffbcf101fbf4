package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// An application's page uses the SDK of Directus in Chromium, on another origin than the
// host, in every mode: one of the same site, and one of another site.
func TestBrowserDirectusSDK(t *testing.T) {
	o := startOrigins(t)
	browser := o.browser(t, cookiesOfOthers)
	for name, tc := range map[string]struct{ host, app string }{
		"same site":    {sameSiteHost, appHere},
		"another site": {crossSiteHost, appElsewhere},
	} {
		for _, mode := range []string{"json", "cookie", "session"} {
			t.Run(name+" in mode "+mode, func(t *testing.T) {
				person := newTab(t, browser)
				person.open(tc.app + "/")
				person.visit("byPassword", tc.host, mode, o.site.slapd.Password)
			})
		}
		for provider, mode := range map[string]string{"fake": "cookie", "fakesession": "session"} {
			t.Run(name+" by redirect in mode "+mode, func(t *testing.T) {
				person := newTab(t, browser)
				person.open(tc.app + "/")
				person.byRedirect(tc.host, provider)
				person.visit("returned", tc.host, mode)
			})
		}
	}
	blocking := o.browser(t, noCookiesOfOthers)
	t.Run("another site in mode json without cookies", func(t *testing.T) {
		person := newTab(t, blocking)
		person.open(appElsewhere + "/")
		person.visit("byPassword", crossSiteHost, "json", o.site.slapd.Password)
		person.visit("withoutCookies", crossSiteHost, o.site.slapd.Password)
	})
}

// Pages of origins that CORS_ORIGIN does not name try all that they can in the browser of
// somebody who is signed in.
func TestBrowserDirectusSDKOfStrangers(t *testing.T) {
	o := startOrigins(t)
	browser := o.browser(t, cookiesOfOthers)
	for _, tc := range []struct {
		host, stranger string
		cookies        bool // come along by themselves
	}{
		{sameSiteHost, strangerHere, true},
		{sameSiteHost, strangerSomewhere, false},
		{crossSiteHost, strangerHere, true},
		{crossSiteHost, strangerSomewhere, true},
		{crossSiteHost, appHere, true},
		{closedHost, appHere, true},
		{closedHost, appElsewhere, true},
	} {
		t.Run(tc.stranger+" at "+tc.host, func(t *testing.T) {
			for provider, mode := range map[string]string{"fake": "cookie", "fakesession": "session"} {
				o.strange(t, browser, tc.host, tc.stranger, provider, mode, tc.cookies)
			}
		})
	}
}

// strange has a page try it. No answer may reach the page, and nothing may change.
func (o *origins) strange(t *testing.T, browser context.Context, host, origin, provider, mode string, cookies bool) {
	t.Helper()
	name := map[string]string{"cookie": refreshCookie, "session": sessionCookie}[mode]
	person := newTab(t, browser)
	person.open(host + "/auth/login/" + provider)
	person.click(asAlice)
	eventually(t, "the browser is back", func() bool { return strings.HasPrefix(person.location(), host+"/") })
	before := o.cookie(person, host, name)

	o.take()
	stranger := newTab(t, browser)
	stranger.expected = "blocked by CORS policy"
	stranger.open(origin + "/")
	stranger.visit("strange", host, o.site.slapd.Password)
	brought := ""
	if cookies {
		brought = before
	}
	o.wantRefused(t, origin, name, brought)
	if after := o.cookie(person, host, name); after != before {
		t.Errorf("the cookie of mode %s has changed", mode)
	}
	program := newAgent(t, o.hosts[host], "")
	got := program.call(http.MethodPost, "/auth/refresh", map[string]string{"mode": mode}, http.Header{"Cookie": {name + "=" + before}})
	wantStatus(t, "a refresh after the stranger, in mode "+mode, got, http.StatusOK)
}

// wantRefused checks what a host has answered to the stranger, of which the browser sends
// 12 requests without asking first, with the cookie of that value, or none.
func (o *origins) wantRefused(t *testing.T, origin, name, brought string) {
	t.Helper()
	posts := 0
	for _, c := range o.take() {
		if c.origin != origin || c.allowed != "" || c.sets || c.method != http.MethodOptions && c.status < 400 {
			t.Errorf("an answer to a stranger: %+v", c)
		}
		if c.method != http.MethodPost {
			continue
		}
		posts++
		value := ""
		for _, cookie := range c.brought {
			if cookie.Name == name {
				value = cookie.Value
			}
		}
		if value != brought {
			t.Errorf("%s came with the cookie %q, want %q: the test shows nothing", c.path, value, brought)
		}
	}
	if posts != 12 {
		t.Errorf("%d requests of the stranger have reached the host, want 12", posts)
	}
}

// visit has the page of an application do that, and fails with what went wrong in it.
func (b *tab) visit(call string, args ...string) {
	b.t.Helper()
	b.pageIsThere()
	ctx, cancel := context.WithTimeout(b.ctx, tabBound)
	defer cancel()
	expression := fmt.Sprintf("visit.%s(%s)", call, quoted(args))
	problem, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	if err != nil || problem != "" {
		b.t.Errorf("%s at %s: %v\n%s", call, b.location(), err, problem)
	}
}

func (b *tab) pageIsThere() {
	b.t.Helper()
	eventually(b.t, "the page has its scripts", func() bool { return evaluate(b, "typeof window.visit") == "object" })
}

func quoted(args []string) string {
	var list []string
	for _, arg := range args {
		list = append(list, fmt.Sprintf("%q", arg))
	}
	return strings.Join(list, ", ")
}

// byRedirect leaves the page for the provider, and comes back to it.
func (b *tab) byRedirect(host, provider string) {
	b.t.Helper()
	b.pageIsThere()
	origin := evaluate(b, "location.origin")
	evaluate(b, fmt.Sprintf("visit.byRedirect(%s)", quoted([]string{host, provider})))
	b.click(asAlice)
	b.waitFor("#app")
	if got := b.location(); got != origin+"/page/" {
		b.t.Errorf("after signing in at %s, the browser is at %s", provider, got)
	}
}
