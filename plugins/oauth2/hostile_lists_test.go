package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/oauth2/internal/profile"
	"github.com/doorward/doorward/plugins/oauth2/oauth2test"
	"github.com/doorward/doorward/sdk"
)

// The tests in this file are attacks with redirects, links to other servers, and lists.

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, at := range []oauth2test.Endpoint{oauth2test.Token, oauth2test.Profile, oauth2test.Emails, oauth2test.Orgs, oauth2test.Revocation} {
			t.Run(fmt.Sprintf("OS18 %d from %s", status, at), func(t *testing.T) {
				r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, map[string]any{"read_groups": true})
				as.Alter(at, func(s *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
					*reply = oauth2test.Reply{Status: status, Header: http.Header{"Location": {s.Trap() + "/?x=secret"}, "Refresh": {"0; url=" + s.Trap()}}}
				})
				identity, err := r.login("alice")
				if at == oauth2test.Revocation {
					_, err = r.Mechanism.(sdk.LogoutBeginner).BeginLogout(t.Context(), sdk.LogoutRequest{Grant: identity.Grant})
					if err != nil || as.Hits(oauth2test.Revocation) != 1 {
						t.Error(err)
					}
				} else if !errors.Is(err, sdk.ErrInvalidResponse) || !strings.Contains(err.Error(), as.Trap()) || strings.Contains(err.Error(), "x=secret") {
					t.Errorf("%v", err)
				}
				if n := as.Hits(oauth2test.Elsewhere); n != 0 {
					t.Errorf("%d requests elsewhere", n)
				}
			})
		}
	}
}

func TestPagesElsewhere(t *testing.T) {
	link := func(target func(*oauth2test.Server, *http.Request) string) oauth2test.Alteration {
		return func(s *oauth2test.Server, r *http.Request, reply *oauth2test.Reply) {
			reply.Header.Set("Link", "<"+target(s, r)+`>; rel="next"`)
		}
	}
	for name, target := range map[string]func(*oauth2test.Server, *http.Request) string{
		"OS19 metadata service":  func(*oauth2test.Server, *http.Request) string { return "http://169.254.169.254/latest/meta-data" },
		"OS19 OA22 another host": func(s *oauth2test.Server, _ *http.Request) string { return s.Trap() + "/user/orgs?page=2" },
		"OS19 another port":      func(s *oauth2test.Server, _ *http.Request) string { return s.Base() + "/user/orgs?page=2" },
		"OS19 another folder":    func(s *oauth2test.Server, _ *http.Request) string { return s.API() + "/admin/orgs?page=2" },
		"OS19 out of the folder": func(s *oauth2test.Server, _ *http.Request) string { return s.API() + "/user/../admin?page=2" },
		"OS19 encoded dots":      func(s *oauth2test.Server, _ *http.Request) string { return s.API() + "/user/%2e%2e/admin?page=2" },
		"OS19 a user in the URL": func(_ *oauth2test.Server, r *http.Request) string { return "http://a@" + r.Host + "/user/orgs?page=2" },
		"OS19 another scheme":    func(_ *oauth2test.Server, r *http.Request) string { return "https://" + r.Host + "/user/orgs?page=2" },
		"OS19 its own next page": func(s *oauth2test.Server, r *http.Request) string { return s.API() + r.URL.RequestURI() },
		"OS19 a page that never ends": func(s *oauth2test.Server, _ *http.Request) string {
			return fmt.Sprintf("%s/user/orgs?page=%d", s.API(), s.Hits(oauth2test.Orgs)+1)
		},
		"OS19 cannot be read": func(*oauth2test.Server, *http.Request) string { return "x" },
	} {
		t.Run(name, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, map[string]any{"read_groups": true})
			as.Alter(oauth2test.Orgs, link(target))
			if name == "OS19 cannot be read" {
				as.Alter(oauth2test.Orgs, func(_ *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
					reply.Header.Set("Link", `<x; rel="next"`)
				})
			}
			_, err := r.login("alice")
			checkReason(t, err, sdk.ErrInvalidResponse, profile.ReasonPages)
			if n := as.Hits(oauth2test.Elsewhere); n != 0 || as.Hits(oauth2test.Orgs) > profile.MaxPages {
				t.Errorf("%d requests elsewhere, %d pages", n, as.Hits(oauth2test.Orgs))
			}
		})
	}
	t.Run("OS19 next of Bitbucket", func(t *testing.T) {
		r, as := startRig(t, oauth2test.Config{Kind: oauth2test.Bitbucket}, nil)
		as.Alter(oauth2test.Emails, func(s *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
			reply.Members["next"] = s.Trap() + "/2.0/user/emails"
		})
		_, err := r.login("alice")
		checkReason(t, err, sdk.ErrInvalidResponse, profile.ReasonPages)
		if as.Hits(oauth2test.Elsewhere) != 0 {
			t.Error("a token went elsewhere")
		}
	})
	t.Run("OS15 OS19 too many pages", func(t *testing.T) {
		r, _ := startRig(t, people(crowded(profile.MaxItems+1)), map[string]any{"read_groups": true})
		_, err := r.login("jane")
		checkReason(t, err, sdk.ErrInvalidResponse, profile.ReasonPages)
		checkSays(t, err.Error(), "pages")
	})
	for _, more := range []int{0, 1} {
		t.Run(fmt.Sprintf("OS15 OS19 %d items more than are read", more), func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, nil)
			as.Alter(oauth2test.Emails, answer(200, "application/json", "["+strings.Repeat("1,", profile.MaxItems+more-1)+"1]"))
			_, err := r.login("alice")
			if more == 0 && err != nil {
				t.Error(err)
			} else if more > 0 {
				checkReason(t, err, sdk.ErrInvalidResponse, profile.ReasonPages)
				checkSays(t, err.Error(), "items")
			}
		})
	}
	t.Run("OS20 the second page of an optional call is not optional", func(t *testing.T) {
		r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, nil)
		as.Alter(oauth2test.Emails, func(s *oauth2test.Server, req *http.Request, reply *oauth2test.Reply) {
			if req.URL.Query().Get("page") == "2" {
				*reply = oauth2test.Reply{Status: 403, Header: http.Header{}, Members: map[string]any{"message": "no"}}
				return
			}
			reply.Header.Set("Link", "<"+s.API()+`/user/emails?page=2>; rel="next"`)
		})
		_, err := r.login("alice")
		checkReason(t, err, sdk.ErrDenied, profile.ReasonForbidden)
	})
}

func TestGroupCallsThatFail(t *testing.T) {
	headers := func(status int, header ...string) oauth2test.Alteration {
		return func(_ *oauth2test.Server, _ *http.Request, reply *oauth2test.Reply) {
			*reply = oauth2test.Reply{Status: status, Header: http.Header{}, Members: map[string]any{"message": "no"}}
			for i := 0; i < len(header); i += 2 {
				reply.Header.Set(header[i], header[i+1])
			}
		}
	}
	for name, test := range map[string]struct {
		alter  oauth2test.Alteration
		kind   error
		reason sdk.Reason
	}{
		"OS20 403":                  {headers(403), sdk.ErrDenied, profile.ReasonForbidden},
		"OS20 404":                  {headers(404), sdk.ErrUnavailable, profile.ReasonStatus},
		"OS20 500":                  {headers(500), sdk.ErrUnavailable, profile.ReasonStatus},
		"OS20 429":                  {headers(429, "Retry-After", "60"), sdk.ErrUnavailable, profile.ReasonRateLimited},
		"OS20 403 of a limit":       {headers(403, "X-RateLimit-Remaining", "0"), sdk.ErrUnavailable, profile.ReasonRateLimited},
		"OS20 403 of another limit": {headers(403, "Retry-After", "60"), sdk.ErrUnavailable, profile.ReasonRateLimited},
		"OS20 204":                  {headers(204), sdk.ErrInvalidResponse, profile.ReasonStatus},
		"OS20 object for a list":    {headers(200), sdk.ErrInvalidResponse, profile.ReasonMalformed},
		"OS20 breaks off":           {func(*oauth2test.Server, *http.Request, *oauth2test.Reply) { panic(http.ErrAbortHandler) }, sdk.ErrUnavailable, profile.ReasonUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, map[string]any{"allowed_organizations": "acme"})
			r.mustLogin("alice")
			as.Alter(oauth2test.Orgs, test.alter)
			_, err := r.login("alice")
			checkReason(t, err, test.kind, test.reason)
		})
	}
	t.Run("OS20 a limit on the addresses is no absence of them", func(t *testing.T) {
		r, as := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, nil)
		as.Alter(oauth2test.Emails, headers(403, "X-RateLimit-Remaining", "0"))
		_, err := r.login("alice")
		checkReason(t, err, sdk.ErrUnavailable, profile.ReasonRateLimited)
		as.Behave()
		as.Alter(oauth2test.Emails, headers(404)) // OS21: the user has not granted the scope
		if got := r.mustLogin("alice"); got.Email != "" {
			t.Errorf("%q", got.Email)
		}
	})
	t.Run("OS32 whoever is in no group and whoever is in others", func(t *testing.T) {
		r, _ := startRig(t, oauth2test.Config{Kind: oauth2test.GitHub}, map[string]any{"allowed_organizations": "umbrella"})
		for _, who := range []string{"alice", "bob"} {
			_, err := r.login(who)
			checkReason(t, err, sdk.ErrDenied, sdk.ReasonNotAllowed)
		}
	})
}
