package web

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// tokenBody is the data of a login or refresh, by mode.
func tokenBody(done *sso.SignedIn) map[string]any {
	body := map[string]any{"expires": done.ExpiresIn.Milliseconds()}
	if done.Mode != sso.ModeSession {
		body["access_token"] = done.Access
	}
	if done.Mode == sso.ModeJSON {
		body["refresh_token"] = string(done.Token)
	}
	if !done.PasswordExpiresAt.IsZero() {
		body["password_expires_at"] = done.PasswordExpiresAt.UTC().Format(time.RFC3339)
	}
	return body
}

// setSignedInCookie sets the cookie of the mode. It is the only one of ours that
// the browser keeps: a login replaces all sessions that the browser had.
func (s *Server) setSignedInCookie(c echo.Context, done *sso.SignedIn) {
	cookie := s.cookieOf(done.Mode)
	s.clearTokens(c, cookie.Name)
	s.setToken(c, cookie, done.Token, done.TokenTTL)
}

func (s *Server) cookieOf(mode sso.Mode) Cookie {
	if mode == sso.ModeSession {
		return s.config.SessionCookie
	}
	return s.config.RefreshCookie
}

// cookieTokens are those of all cookies of ours.
func (s *Server) cookieTokens(c echo.Context) []sso.Token {
	return append(tokens(c, s.config.SessionCookie), tokens(c, s.config.RefreshCookie)...)
}

// clearTokens removes the cookies that the browser sent, but for the one named,
// because their sessions have ended.
func (s *Server) clearTokens(c echo.Context, keep string) {
	for _, cookie := range []Cookie{s.config.SessionCookie, s.config.RefreshCookie} {
		if cookie.Name != keep && len(tokens(c, cookie)) > 0 {
			s.clearToken(c, cookie)
		}
	}
}

// lastAccess is when somebody signed in last, or refreshed this session, as Directus has
// it of any session.
func lastAccess(who sso.Principal) time.Time {
	if asked := who.Session.AskedAt; asked.After(who.User.LastAccess) {
		return asked
	}
	return who.User.LastAccess
}

// isJWT tells an access token, or what may be meant to be one, from a session token. As
// with Directus, whatever is no JWT is looked up, and is unknown then.
func isJWT(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	return err == nil && json.Valid(payload)
}

// maySignInToSession reports whether a client that wants a session cookie gets one by
// this provider. By a directory it does: such a client says so itself when it logs in.
func maySignInToSession(p sso.Provider) bool {
	return p.Mode == sso.ModeSession || p.Driver == "ldap"
}

// tokenRequest is the body of /auth/refresh and /auth/logout.
type tokenRequest struct {
	Mode         string `json:"mode"`
	RefreshToken string `json:"refresh_token"`

	// Everywhere, of a logout, ends all sessions of the user.
	Everywhere bool `json:"everywhere"`
}

// readTokenRequest finds mode and token: as named by the body, else json if the
// body brings a token, else cookie.
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
	// Cookies come along whoever makes the browser ask. Whoever has the token
	// itself may ask from anywhere.
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
		s.sampled.warnSeldom(c, done.Session.Provider, "provider cannot say whether a session is still good, it goes on until its end",
			string(sdk.ReasonOf(done.Unasked)), "session", done.Session.ID, "error", oneLine(done.Unasked))
	}
	if mode != sso.ModeJSON {
		s.setToken(c, s.cookieOf(mode), done.Token, done.TokenTTL)
	}
	return c.JSON(http.StatusOK, data{tokenBody(done)})
}

// logNotRefreshed tells the operator what a refresh that was refused has ended. What
// clients get wrong by themselves is debug.
func (s *Server) logNotRefreshed(c echo.Context, err error) {
	what := ""
	answered := errors.Is(err, sdk.ErrDenied) || errors.Is(err, sso.ErrPluginFault)
	switch {
	case errors.Is(err, sso.ErrTokenReused):
		what = "a replaced token was used again, its session ended"
	case errors.Is(err, sso.ErrSessionNotNow) && answered:
		what = "provider says no by a clock that was set, the session stays"
	case answered:
		what = "session ended by the provider's answer"
	case errors.Is(err, sso.ErrSealed):
		what = "session ended, its provider can be asked about it no more"
	default:
		return
	}
	s.sampled.warn(c, "", what, "reason", string(sdk.ReasonOf(err)), "error", oneLine(err))
}

// refreshOne refreshes the one good token among those found. A sub-domain may
// have planted others of the same name; if more than one is good, nobody can
// tell whose session the browser should get, and it gets none (A08).
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

// isFinal reports whether a token that was refused so will never be good again. Only
// then is its cookie removed: a cookie that was removed because of a provider that
// is missing for a moment, or of a clock that is wrong, is gone when they are back.
func isFinal(err error) bool {
	return errors.Is(err, sso.ErrSessionInvalid) || errors.Is(err, sso.ErrUserInactive)
}

// clearStale removes a cookie that is of no more use.
func (s *Server) clearStale(c echo.Context, mode sso.Mode, err error) {
	if mode != sso.ModeJSON && isFinal(err) {
		s.clearToken(c, s.cookieOf(mode))
	}
}
