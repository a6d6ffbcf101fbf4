package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// tokenRequest is the body of /auth/refresh and /auth/logout.
type tokenRequest struct {
	Mode         string `json:"mode"`
	RefreshToken string `json:"refresh_token"`

	// Everywhere makes a logout end all sessions of the user.
	Everywhere bool `json:"everywhere"`
}

// readTokenRequest finds the mode and the token. The mode is the one in the body; otherwise
// json if the body has a token, and cookie if not.
func (s *Server) readTokenRequest(c echo.Context) (body tokenRequest, found []sso.Token, err error) {
	if err := readBody(c, &body, func(get func(string) string) {
		body.Mode, body.RefreshToken, body.Everywhere = get("mode"), get("refresh_token"), get("everywhere") == "true"
	}); err != nil {
		return body, nil, err
	}
	mode, err := parseMode(body.Mode)
	if err != nil {
		return body, nil, err
	}
	if mode == "" {
		mode = sso.ModeCookie
		if body.RefreshToken != "" {
			mode = sso.ModeJSON
		}
	}
	body.Mode = string(mode)
	switch {
	case mode == sso.ModeSession:
		found = tokens(c, s.config.SessionCookie)
	case mode == sso.ModeCookie:
		found = tokens(c, s.config.RefreshCookie)
	case body.RefreshToken != "":
		found = []sso.Token{sso.Token(body.RefreshToken)}
	}
	// Browsers attach cookies whichever site causes the request. Clients with the token
	// itself can ask from anywhere.
	if mode != sso.ModeJSON && !s.cookiesCount(c) {
		return body, nil, errCrossSite
	}
	if len(found) == 0 {
		return body, nil, payloadError{"the refresh token is required in either the payload or the cookie"}
	}
	return body, found, nil
}

// refresh answers POST /auth/refresh.
func (s *Server) refresh(c echo.Context) error {
	body, found, err := s.readTokenRequest(c)
	if err != nil {
		return err
	}
	mode := sso.Mode(body.Mode)
	done, err := s.refreshOne(c, found, mode)
	s.config.Tally.Refreshed(refreshOutcome(done, err))
	if err != nil {
		s.logNotRefreshed(c, err)
		s.clearStale(c, mode, err)
		return err
	}
	if done.Unasked != nil {
		s.sampled.warnSeldom(c, done.Session.Provider, "provider cannot confirm that a session is still valid; the session continues until it expires",
			string(sdk.ReasonOf(done.Unasked)), "session", done.Session.ID, "error", oneLine(done.Unasked))
	}
	if mode != sso.ModeJSON {
		s.setToken(c, s.cookieOf(mode), done.Token, done.TokenTTL)
	}
	return c.JSON(http.StatusOK, data{tokenBody(done)})
}

// logNotRefreshed tells the operator what a refused refresh has ended. Mistakes of clients
// are logged at debug.
func (s *Server) logNotRefreshed(c echo.Context, err error) {
	what := ""
	answered := errors.Is(err, sdk.ErrDenied) || errors.Is(err, sso.ErrPluginFault)
	switch {
	case errors.Is(err, sso.ErrTokenReused):
		what = "a replaced token was used again; its session has ended"
	case errors.Is(err, sso.ErrSessionNotNow) && answered:
		what = "provider refused a session, but a clock was changed; the session continues"
	case answered:
		what = "session ended because of the provider's answer"
	case errors.Is(err, sso.ErrSealed):
		what = "session ended because its provider can no longer be asked about it"
	default:
		return
	}
	s.sampled.warn(c, "", what, "reason", string(sdk.ReasonOf(err)), "error", oneLine(err))
}

// refreshOne refreshes the only valid token among those found. A subdomain may have planted
// others with the same name. If more than one is valid, nobody can tell whose session the
// browser should get, and it gets none (A08).
func (s *Server) refreshOne(c echo.Context, found []sso.Token, mode sso.Mode) (*sso.SignedIn, error) {
	ctx := c.Request().Context()
	if len(found) == 1 {
		return s.ports.Logins.Refresh(ctx, found[0], mode)
	}
	var good []sso.Token
	var failure error
	for _, token := range found {
		err := s.ports.Logins.Refreshable(ctx, token, mode)
		switch {
		case err == nil:
			good = append(good, token)
		case errors.Is(err, sso.ErrSessionInvalid):
		case errors.Is(err, sso.ErrSessionNotNow):
			failure = err
		default:
			return nil, err
		}
	}
	switch {
	case len(good) == 1:
		return s.ports.Logins.Refresh(ctx, good[0], mode)
	case len(good) == 0 && failure != nil:
		return nil, failure
	}
	return nil, sso.ErrSessionInvalid
}

// isFinal reports whether a token that was refused with this error will never be valid
// again. Only then is its cookie removed: if it were removed because a provider is briefly
// missing, or a clock is wrong, it would be gone when they are back.
func isFinal(err error) bool {
	return errors.Is(err, sso.ErrSessionInvalid) || errors.Is(err, sso.ErrUserInactive)
}

// clearStale removes a cookie that can never be used again.
func (s *Server) clearStale(c echo.Context, mode sso.Mode, err error) {
	if mode != sso.ModeJSON && isFinal(err) {
		s.clearToken(c, s.cookieOf(mode))
	}
}
