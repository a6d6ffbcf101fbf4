package web

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// tokenBody is the data in the answer to a login or refresh, by mode.
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

// setSignedInCookie sets the cookie of the mode and removes the other one: a login replaces
// all sessions that the browser had.
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

// cookieTokens are the tokens in the session and refresh cookies.
func (s *Server) cookieTokens(c echo.Context) []sso.Token {
	return append(tokens(c, s.config.SessionCookie), tokens(c, s.config.RefreshCookie)...)
}

// clearTokens removes the session and refresh cookies that the browser sent, except the one
// named, because their sessions have ended.
func (s *Server) clearTokens(c echo.Context, keep string) {
	for _, cookie := range []Cookie{s.config.SessionCookie, s.config.RefreshCookie} {
		if cookie.Name != keep && len(tokens(c, cookie)) > 0 {
			s.clearToken(c, cookie)
		}
	}
}
