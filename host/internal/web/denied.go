package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/web/page"
)

// denied answers GET /denied: an application does not admit a user. The page says who they
// are, what is missing, and how to sign in as somebody else. It is at our own origin, where
// no application can change it.
func (s *Server) denied(c echo.Context) error {
	query, err := queryOnce(c)
	if err != nil {
		return err
	}
	target := s.appTarget(c, query.Get("redirect"))
	if target == "" {
		return payloadError{"redirect is not a URL of an application"}
	}
	who, ok, err := s.principalIfAny(c)
	if err != nil {
		return err
	}
	if !ok {
		return seeOther(c, s.signInURL(c, target))
	}
	judged, err := s.ports.Apps.Judge(c.Request().Context(), target, who)
	if err != nil {
		return err
	}
	status := http.StatusForbidden
	if judged.Admitted {
		status = http.StatusOK // in the meantime
	}
	view := page.Denied{
		App: judged.App, Admitted: judged.Admitted, Person: s.signedInPage(c, who), ContinueURL: target,
		AgainURL: s.signInURL(c, target, "again=1"),
	}
	for _, lack := range judged.Lacks {
		view.Lacks = append(view.Lacks, page.Lack{What: lack.What, OneOf: s.visibleNames(lack)})
	}
	return s.render(c, status, view, formsLeave)
}

// visibleNames are the names in a rule that a user who does not meet it is allowed to see.
// Names of other users are not.
func (s *Server) visibleNames(lack Lack) (names []string) {
	switch lack.What {
	case "users":
		return nil
	case "providers":
		for _, name := range lack.OneOf {
			names = append(names, s.labelOf(name))
		}
		return names
	default:
		return lack.OneOf
	}
}

// cookieNotSeen is the page for people who are signed in but whom an application does not
// recognize.
func (s *Server) cookieNotSeen(c echo.Context, target string) page.Failure {
	return page.Failure{Message: page.MessageNotSeen, RetryURL: target, HomeURL: s.path(c, "/")}
}
