package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// Apps knows the applications behind proxies, which send people here to sign in.
type Apps interface {
	// Places are where the applications are: URLs that end in a slash, below which each
	// has all. They may change while the host runs.
	Places() []string

	// Judge says whether an application admits somebody at a URL, which is at one of the
	// Places.
	Judge(ctx context.Context, url string, who sso.Principal) (Judged, error)
}

// Judged is what an application says of somebody.
type Judged struct {
	App      string // its name
	Admitted bool
	Lacks    []Lack // why not
}

// Lack is a list of a rule of which nothing fits somebody.
type Lack struct {
	What  string // "providers", "roles", "groups", "users", or "name": the app cannot be told who they are
	OneOf []string
}

// noApps is for a host without any.
type noApps struct{}

func (noApps) Places() []string { return nil }

func (noApps) Judge(context.Context, string, sso.Principal) (Judged, error) { return Judged{}, nil }

// leadsToApp reports whether a target that was checked is at an application.
func (s *Server) leadsToApp(target string) bool {
	for _, place := range s.ports.Apps.Places() {
		if strings.HasPrefix(target, place) {
			return true
		}
	}
	return false
}

// principalIfAny returns who makes a request; false for nobody. The error is that nobody can tell.
func (s *Server) principalIfAny(c echo.Context) (who sso.Principal, ok bool, err error) {
	who, err = s.principal(c)
	if err != nil && answerTo(err).status >= http.StatusInternalServerError {
		return sso.Principal{}, false, err
	}
	return who, err == nil, nil
}

// appTarget is where the parameter redirect of a request leads, if that is at an
// application; else empty.
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

// signInURL is our sign-in page, which keeps where somebody wants to go.
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

// signInURLOf is signInURL for a login that was told where to go.
func (s *Server) signInURLOf(c echo.Context, attempt sso.Attempt) string {
	if !attempt.RedirectAsked {
		return s.signInURL(c, "")
	}
	return s.signInURL(c, attempt.Redirect)
}

// refuseForApp ends a login for an application that failed. There nobody would tell why,
// and the person would be sent here again at once: so they are told here, once, and can
// try another way that leads to the same place.
func (s *Server) refuseForApp(c echo.Context, attempt sso.Attempt, err error) error {
	a := answerTo(err)
	logged := s.logRefused(c, attempt.Provider, a, err)
	parameters := append([]string{queryOf("reason", a.code)}, details(c, err, logged)...)
	return seeOther(c, s.signInURL(c, attempt.Redirect, parameters...))
}

// returnToApp sends somebody who is signed in already to the application that asks who they
// are. It does so once: whoever comes again at once has a cookie that does not reach the
// application, and would go round for ever.
func (s *Server) returnToApp(c echo.Context, target string, who sso.Principal) error {
	if s.loops.again(who.Session.ID, target) {
		s.sampled.warn(c, "", "an application does not receive the session cookie: check SESSION_COOKIE_DOMAIN and what the proxy passes on",
			"app", placeOf(target), "session", who.Session.ID)
		return s.render(c, http.StatusConflict, s.cookieNotSeen(c, target), formsStay)
	}
	return seeOther(c, target)
}

// placeOf is a URL without query and fragment, which may hold codes.
func placeOf(target string) string {
	if i := strings.IndexAny(target, "?#"); i >= 0 {
		return target[:i]
	}
	return target
}
