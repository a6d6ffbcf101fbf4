package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// Apps are the applications behind proxies that send people here to sign in.
type Apps interface {
	// Places are the URLs of the applications. Each ends in a slash, and everything below
	// it belongs to the application. They can change while the host runs.
	Places() []string

	// Judge says whether an application admits a user at a URL, which is below one of the
	// Places.
	Judge(ctx context.Context, url string, who sso.Principal) (Judged, error)
}

// Judged is an application's decision about a user.
type Judged struct {
	App      string // its name
	Admitted bool
	Lacks    []Lack // if not admitted, why
}

// Lack is a list in a rule of which the user meets no entry.
type Lack struct {
	What  string // "providers", "roles", "groups", "users", or "name": the user has no name to give to the app
	OneOf []string
}

// noApps is for a host without applications.
type noApps struct{}

func (noApps) Places() []string { return nil }

func (noApps) Judge(context.Context, string, sso.Principal) (Judged, error) { return Judged{}, nil }

// leadsToApp reports whether a checked target is at an application.
func (s *Server) leadsToApp(target string) bool {
	for _, place := range s.ports.Apps.Places() {
		if strings.HasPrefix(target, place) {
			return true
		}
	}
	return false
}

// principalIfAny returns who makes a request; ok is false if nobody is signed in. The error
// means that this cannot be determined.
func (s *Server) principalIfAny(c echo.Context) (who sso.Principal, ok bool, err error) {
	who, err = s.principal(c)
	if err != nil && answerTo(err).status >= http.StatusInternalServerError {
		return sso.Principal{}, false, err
	}
	return who, err == nil, nil
}

// appTarget is the target of the parameter redirect if it is at an application; otherwise
// empty.
func (s *Server) appTarget(c echo.Context, target string) string {
	if target == "" || len(s.ports.Apps.Places()) == 0 {
		return "" // reading a long URL takes 100 µs
	}
	checked, err := s.publicURL(c).redirects.resolve(sso.Provider{}, target)
	if err != nil || !s.leadsToApp(checked) {
		return ""
	}
	return checked
}

// signInURL is our sign-in page with the place to go to afterwards.
func (s *Server) signInURL(c echo.Context, target string, more ...string) string {
	link := s.path(c, "/login")
	for _, parameter := range more {
		link = withParameter(link, parameter)
	}
	if target == "" {
		return link
	}
	return withParameter(link, queryOf("redirect", target))
}

func withParameter(link, parameter string) string {
	if strings.Contains(link, "?") {
		return link + "&" + parameter
	}
	return link + "?" + parameter
}

// signInURLOf is signInURL for a login, with its redirect if it was given one.
func (s *Server) signInURLOf(c echo.Context, attempt sso.Attempt) string {
	if !attempt.RedirectAsked {
		return s.signInURL(c, "")
	}
	return s.signInURL(c, attempt.Redirect)
}

// refuseForApp ends a failed login for an application. The application would not say why,
// and would send the person here again at once. So our own page says it, once, and offers
// other ways to sign in that lead to the same place.
func (s *Server) refuseForApp(c echo.Context, attempt sso.Attempt, err error) error {
	a := answerTo(err)
	logged := s.logRefused(c, attempt.Provider, a, err)
	parameters := append([]string{queryOf("reason", a.code)}, details(c, err, logged)...)
	return seeOther(c, s.signInURL(c, attempt.Redirect, parameters...))
}

// returnToApp sends people who are already signed in to the application that asks who they
// are. It does so once: if they return at once, their cookie does not reach the
// application, and they would be redirected in a loop.
func (s *Server) returnToApp(c echo.Context, target string, who sso.Principal) error {
	if s.loops.again(who.Session.ID, target) {
		s.sampled.warn(c, "", "an application does not receive the session cookie: check SESSION_COOKIE_DOMAIN and what the proxy passes on",
			"app", placeOf(target), "session", who.Session.ID)
		return s.render(c, http.StatusConflict, s.cookieNotSeen(c, target), formsStay)
	}
	return seeOther(c, target)
}

// placeOf is a URL without query and fragment, which can contain codes.
func placeOf(target string) string {
	if i := strings.IndexAny(target, "?#"); i >= 0 {
		return target[:i]
	}
	return target
}
