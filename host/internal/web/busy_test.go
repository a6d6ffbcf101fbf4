package web_test

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// busyDirectory is a directory whose providers can be busy.
type busyDirectory struct {
	directory
	busy   atomic.Bool
	client atomic.Pointer[netip.Addr] // who was the last to ask
}

func (d *busyDirectory) Mechanism(ctx context.Context, name string, line sso.Line) (sdk.Mechanism, func(), error) {
	address := sso.ClientAddress(ctx)
	d.client.Store(&address)
	if d.busy.Load() {
		return nil, nil, sso.ErrBusy
	}
	return d.directory.Mechanism(ctx, name, line)
}

func newBusySite(t *testing.T) (*site, *busyDirectory) {
	t.Helper()
	d := &busyDirectory{directory: directory{mechanisms: map[string]sdk.Mechanism{"op": redirecting{}, "dir": prompting{}}}}
	for name := range d.mechanisms {
		d.list = append(d.list, sso.Provider{
			Name: name, Mode: sso.ModeSession, LoginTimeout: time.Minute, AllowPublicRegistration: true,
			RedirectAllowList: []string{"https://app.example/welcome"},
		})
	}
	return newSiteWith(t, "", d), d
}

// A client that is refused because the provider does not keep up is told when to try again,
// and nothing has changed by then. The log has no line about it: anyone can be refused.
func TestBusy(t *testing.T) {
	s, d := newBusySite(t)
	wantBusy := func(what string, a answer) {
		t.Helper()
		if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") != "5" {
			t.Errorf("%s: %s, Retry-After %q", what, a.Status, a.Header.Get("Retry-After"))
		}
		if strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") && a.code(t) != "SERVICE_UNAVAILABLE" {
			t.Errorf("%s: %s", what, a.body)
		}
	}
	b := s.browser(t)
	state := b.begin("/auth/login/op?redirect=https://app.example/welcome")
	d.busy.Store(true)
	wantBusy("starting", b.get("/auth/login/op"))
	wantBusy("starting in a browser", b.get("/auth/login/op", "Accept", acceptHTML))
	wantBusy("signing in at once", b.postJSON("/auth/login/dir", map[string]string{"identifier": "ada", "password": "right"}))
	back := "/auth/login/op/callback?" + url.Values{"code": {"ada"}, "state": {state}}.Encode()
	if a := b.get(back, "Accept", acceptHTML); !strings.Contains(a.body, "reload this page") {
		t.Errorf("coming back: %s", a.body)
	} else {
		wantBusy("coming back", a)
	}
	wantBusy("a logout message", b.postForm("/auth/login/op/logout", url.Values{"logout_token": {"x"}}))
	wantBusy("metadata", b.get("/auth/login/op/metadata"))
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, `"warn"`) || strings.Contains(line, `"error"`) && strings.Contains(line, `"@level":"error"`) {
			t.Errorf("a line that anybody can cause: %s", line)
		}
	}
	d.busy.Store(false)
	if a := b.get(back, "Accept", acceptHTML); a.Header.Get("Location") != "https://app.example/welcome" {
		t.Errorf("the page loaded again: %s to %q", a.Status, a.Header.Get("Location"))
	}
}

func TestProvidersAreAskedOnBehalfOfAnAddress(t *testing.T) {
	s, d := newBusySite(t)
	s.browser(t).begin("/auth/login/op")
	if got := d.client.Load(); got == nil || !got.IsLoopback() {
		t.Errorf("the client is %v", got)
	}
}
