package web

import (
	"errors"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// maxAccountForm is more than the account forms need: a provider and a subject.
const maxAccountForm = 4 << 10

// requireOwnPage accepts a form only from one of our own pages (A17). Unlike sameOrigin it
// requires proof of that: these forms are for browsers, and every browser says where a form
// comes from (Fetch standard, "append a request Origin header").
func (s *Server) requireOwnPage(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Request().Header
		if s.fromAnotherSite(c) || h.Get("Sec-Fetch-Site") == "" && h.Get("Origin") == "" {
			return errCrossSite
		}
		return next(c)
	}
}

// accountForm reads a form of the account page, and who posts it.
func (s *Server) accountForm(c echo.Context) (who sso.Principal, form url.Values, err error) {
	if mediaType(c.Request()) != echo.MIMEApplicationForm {
		return sso.Principal{}, nil, notOfType(echo.MIMEApplicationForm)
	}
	if form, err = readForm(c.Request()); err != nil {
		return sso.Principal{}, nil, err
	}
	who, err = s.accountHolder(c)
	return who, form, err
}

// accountFormHandler makes the handler for a form of the account page.
func (s *Server) accountFormHandler(do func(c echo.Context, who sso.Principal, form url.Values) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, form, err := s.accountForm(c)
		switch {
		case err == nil:
			return do(c, who, form)
		case form != nil:
			return s.redirectToSignIn(c, err)
		}
		return err
	}
}

// endSession answers POST /account/end. A session that does not exist counts as ended, as
// does one of another user, so that nobody learns which sessions exist.
func (s *Server) endSession(c echo.Context, who sso.Principal, form url.Values) error {
	id := form.Get("session")
	err := s.ports.Logins.EndOwnSession(c.Request().Context(), who, id)
	if err != nil && !errors.Is(err, sso.ErrNotFound) {
		return err
	}
	if err == nil {
		s.logger.Info("session ended by its user", "user", who.User.ID, "session", id, "by_session", who.Session.ID, "ip", c.RealIP(), "request_id", requestID(c))
	}
	return seeOther(c, s.path(c, accountPath)+sessionsPart)
}

// endOtherSessions answers POST /account/end-others.
func (s *Server) endOtherSessions(c echo.Context, who sso.Principal, _ url.Values) error {
	ended, err := s.ports.Logins.EndOtherSessions(c.Request().Context(), who)
	if err != nil {
		return err
	}
	s.logger.Info("user ended all their other sessions", "user", who.User.ID, "by_session", who.Session.ID, "sessions", ended, "ip", c.RealIP(), "request_id", requestID(c))
	return seeOther(c, s.path(c, accountPath)+sessionsPart)
}
