package web

import (
	"errors"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
)

// startLink answers POST /account/link: it sends the browser to a provider to sign in there
// once. The identity that the provider confirms is linked to the account.
func (s *Server) startLink(c echo.Context, who sso.Principal, form url.Values) error {
	start := sso.Start{
		Provider: form.Get("provider"), Mode: sso.ModeSession, Redirect: s.path(c, accountPath), RedirectAsked: true, LinkTo: who.Session.ID,
	}
	pending, err := s.begin(c, start)
	if err != nil {
		return s.refuseLink(c, start.Provider, err)
	}
	return s.showStep(c, pending)
}

// continueLink continues an attempt to link after an answer to it.
func (s *Server) continueLink(c echo.Context, out sso.Outcome) error {
	if out.Pending != nil {
		return s.showStep(c, *out.Pending)
	}
	user := ""
	if who, err := s.accountHolder(c); err == nil {
		user = who.User.ID
	}
	s.logger.Info("user linked another identity to their account", "provider", out.Attempt.Provider, "user", user, "by_session", out.Attempt.LinkTo, "ip", c.RealIP(), "request_id", requestID(c))
	return seeOther(c, s.path(c, accountPath)+linksPart)
}

// staleLinkCallback answers people who return to an attempt to link that cannot continue.
// If it is over, the account page shows the result.
func (s *Server) staleLinkCallback(c echo.Context, attempt sso.Attempt, err error) error {
	if errors.Is(err, sso.ErrAttemptOver) {
		return seeOther(c, s.path(c, accountPath)+linksPart)
	}
	return s.refuseLink(c, attempt.Provider, err)
}

// refuseLink tells people why nothing was linked. It never leads to a sign-in.
func (s *Server) refuseLink(c echo.Context, provider string, err error) error {
	a := answerTo(err)
	setRetryAfter(c, err)
	if !wantsHTML(c) {
		return err
	}
	failure := page.Failure{Message: a.message, BackURL: s.path(c, accountPath)}
	if errors.Is(err, sso.ErrOnePublicURL) {
		failure.BackURL = s.urls.main.text + accountPath
	}
	if _, unknown := s.ports.Logins.Provider(provider); unknown != nil {
		provider = "" // not a configured provider, so not one for the log
	}
	if s.logShown(c, provider, "linking refused", a, err) {
		failure.ID = requestID(c)
	}
	return s.render(c, a.status, failure, formsStay)
}

// unlink answers POST /account/unlink. Sessions that were signed in by that link alone end
// with it.
func (s *Server) unlink(c echo.Context, who sso.Principal, form url.Values) error {
	link := sso.LinkedIdentity{Provider: form.Get("provider"), Subject: form.Get("subject")}
	ended, err := s.ports.Logins.Unlink(c.Request().Context(), who, link)
	switch {
	case errors.Is(err, sso.ErrNotFound): // the link is gone, as requested
	case errors.Is(err, sso.ErrLastLink) || errors.Is(err, sso.ErrLinkingOff):
		return s.refuseLink(c, link.Provider, err)
	case err != nil:
		return err
	default:
		s.logger.Info("user removed a link from their account", "provider", link.Provider, "user", who.User.ID, "sessions", ended, "ip", c.RealIP(), "request_id", requestID(c))
	}
	return seeOther(c, s.path(c, accountPath)+linksPart)
}
