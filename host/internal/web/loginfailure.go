package web

import (
	"errors"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
	"github.com/doorward/doorward/sdk"
)

// refuseLogin ends a login that failed: back to where the client wanted to go
// with the code as reason, or a page if it named no place.
func (s *Server) refuseLogin(c echo.Context, attempt sso.Attempt, err error) error {
	if attempt.RedirectAsked && s.leadsToApp(attempt.Redirect) {
		return s.refuseForApp(c, attempt, err)
	}
	if attempt.RedirectAsked && !s.leadsToAccount(c, attempt.Redirect) {
		a := answerTo(err)
		logged := s.logRefused(c, attempt.Provider, a, err)
		return seeOther(c, s.withDetail(c, withReason(attempt.Redirect, a.code), err, logged))
	}
	return s.answerRefused(c, attempt, err)
}

// answerRefused tells whoever asks that a login failed: people with a page.
func (s *Server) answerRefused(c echo.Context, attempt sso.Attempt, err error) error {
	a := answerTo(err)
	askToRetry(c, err)
	if wantsHTML(c) {
		s.countRefused(attempt.Provider, refusalReason(err))
		failure := page.Failure{Message: a.message, HomeURL: s.signInURLOf(c, attempt)}
		if !errors.Is(err, errLimited) { // a login that starts anew would lose what was entered
			failure.RetryURL = s.restartURL(c, attempt)
		}
		if s.logShown(c, attempt.Provider, "sign-in refused", a, err) {
			failure.ID = requestID(c)
		}
		return s.render(c, a.status, failure, formsStay)
	}
	s.logRefused(c, attempt.Provider, a, err)
	return c.JSON(a.status, s.errorBody(c, a, err))
}

// logRefused counts a refusal, and reports whether the log has the line at the level in
// force.
func (s *Server) logRefused(c echo.Context, provider string, a answer, err error) bool {
	s.countRefused(provider, refusalReason(err))
	log := s.sampled.warn
	switch {
	case isOurFault(a, err):
		log = s.sampled.error
	case a.code == "INVALID_PAYLOAD" || c.Request().Context().Err() != nil:
		log = s.sampled.debug // a client's mistake, or a client that went away
	case errors.Is(err, sso.ErrBusy):
		log = s.sampled.debug // a flood; the operator is told of that, once for all
	}
	return log(c, provider, "sign-in refused", "code", a.code, "reason", string(sdk.ReasonOf(err)), "error", oneLine(err))
}

// withReason replaces query and fragment by the reason, as Directus does.
func withReason(target, code string) string {
	if i := strings.IndexAny(target, "?#"); i >= 0 {
		target = target[:i]
	}
	return target + "?reason=" + code
}

// withDetail tells our own home, which passes it on to the sign-in page, why somebody was
// refused, in a word that they have a message for, and the reference that leads to the
// line in the log. Whoever else is returned to gets the reason alone, as documented.
func (s *Server) withDetail(c echo.Context, target string, err error, logged bool) string {
	path, _, _ := strings.Cut(s.publicURL(c).withoutOrigin(target), "?")
	if path != s.path(c, "/") {
		return target
	}
	for _, parameter := range details(c, err, logged) {
		target = withParameter(target, parameter)
	}
	return target
}

// details are parameters of our sign-in page that say more than the reason does.
func details(c echo.Context, err error, logged bool) (parameters []string) {
	if detail := knownDetail(err); detail != "" {
		parameters = append(parameters, queryOf("detail", detail))
	}
	if logged {
		parameters = append(parameters, queryOf("reference", requestID(c)))
	}
	return parameters
}

// detailNoStore is the detail of a login that failed because of the database.
const detailNoStore = "database"

// detailNoAccount is the detail of a stranger: their provider vouched for them, and its
// word is not what they were refused for.
const detailNoAccount = "no_account"

// knownDetail is why somebody was refused, if there is a message for it; else empty.
func knownDetail(err error) string {
	switch {
	case errors.Is(err, sso.ErrNotRegistered):
		return detailNoAccount
	case errors.Is(err, sso.ErrStoreUnavailable):
		return detailNoStore
	}
	return credentialsReason(err)
}

// messageOfDetail is the message of a word that knownDetail returns, which refines the
// one of a code.
func messageOfDetail(code, detail string) (message page.Message, ok bool) {
	switch code {
	case "INVALID_CREDENTIALS":
		if detail == detailNoAccount {
			return page.MessageNotRegistered, true
		}
		message, ok = deniedMessages[sdk.Reason(detail)]
	case "SERVICE_UNAVAILABLE":
		message, ok = page.MessageNoStore, detail == detailNoStore
	}
	return message, ok
}

// restartURL is where the same login starts anew; empty if it cannot.
func (s *Server) restartURL(c echo.Context, attempt sso.Attempt) string {
	p, err := s.ports.Logins.Provider(attempt.Provider)
	if err != nil || attempt.Invitation.Open() { // which is opened again instead
		return ""
	}
	link := s.startURL(c, p, attempt.Mode)
	if !attempt.RedirectAsked {
		return link
	}
	return withParameter(link, queryOf("redirect", attempt.Redirect))
}
