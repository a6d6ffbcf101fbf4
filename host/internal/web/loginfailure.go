package web

import (
	"errors"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
	"github.com/doorward/doorward/sdk"
)

// refuseLogin ends a failed login: it returns to where the client wanted to go, with the
// code as reason, or shows a page if the client named no target.
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

// answerRefused answers a failed login: people get a page, programs get JSON.
func (s *Server) answerRefused(c echo.Context, attempt sso.Attempt, err error) error {
	a := answerTo(err)
	setRetryAfter(c, err)
	if wantsHTML(c) {
		s.countRefused(attempt.Provider, refusalReason(err))
		failure := page.Failure{Message: a.message, HomeURL: s.signInURLOf(c, attempt)}
		if !errors.Is(err, errLimited) { // starting again would lose what was entered
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

// logRefused counts a refusal, and reports whether the line was written at the level in
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
		log = s.sampled.debug // a flood, which has its own line in the log
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

// withDetail adds to a redirect to our own home page, which passes it on to the sign-in
// page, why the login was refused, as a word for which there is a message, and the
// reference that leads to the line in the log. Other targets get the reason only, as
// documented.
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

// details are parameters of our sign-in page that say more than the reason.
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

// detailNoAccount is the detail of a login without an account: the provider confirmed who
// the person is, so the provider is not the reason.
const detailNoAccount = "no_account"

// knownDetail is why a login was refused, if there is a message for it; otherwise empty.
func knownDetail(err error) string {
	switch {
	case errors.Is(err, sso.ErrNotRegistered):
		return detailNoAccount
	case errors.Is(err, sso.ErrStoreUnavailable):
		return detailNoStore
	}
	return credentialsReason(err)
}

// messageOfDetail is the message of a word returned by knownDetail; it is more specific
// than the message of the code.
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

// restartURL is where the same login starts again; empty if it cannot.
func (s *Server) restartURL(c echo.Context, attempt sso.Attempt) string {
	p, err := s.ports.Logins.Provider(attempt.Provider)
	if err != nil || attempt.Invitation.Open() { // people open the invitation again instead
		return ""
	}
	link := s.startURL(c, p, attempt.Mode)
	if !attempt.RedirectAsked {
		return link
	}
	return withParameter(link, queryOf("redirect", attempt.Redirect))
}
