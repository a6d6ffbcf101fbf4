package web

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// principal returns who makes the request: the holder of the bearer token if there is one,
// otherwise of the session cookie. It returns errNoCredentials if there is neither.
func (s *Server) principal(c echo.Context) (sso.Principal, error) {
	if token, ok := bearerOf(c); ok {
		return s.bearer(c, token)
	}
	found := tokens(c, s.config.SessionCookie)
	if len(found) == 0 {
		return sso.Principal{}, errNoCredentials
	}
	return s.cookieHolder(c, found)
}

// bearerOf returns the bearer token of a request. Another scheme is ignored: it may be
// meant for a proxy in front of us. A client whose token is empty has no token, so its
// cookie counts, with all the checks on cookies.
func bearerOf(c echo.Context) (token string, ok bool) {
	scheme, token, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
	token = strings.TrimSpace(token)
	return token, token != "" && strings.EqualFold(scheme, "Bearer")
}

// bearer authenticates an access token, which is a JWT, or a session token.
func (s *Server) bearer(c echo.Context, token string) (sso.Principal, error) {
	if isJWT(token) {
		return s.ports.Logins.AuthenticateAccess(c.Request().Context(), token)
	}
	return s.ports.Logins.Authenticate(c.Request().Context(), sso.Token(token))
}

// cookieHolder checks all cookies of that name. If two of them are valid, a subdomain has
// planted one, and nobody can tell which (A08).
func (s *Server) cookieHolder(c echo.Context, found []sso.Token) (sso.Principal, error) {
	var who sso.Principal
	good, failure := 0, error(nil)
	for _, token := range found {
		p, err := s.ports.Logins.Authenticate(c.Request().Context(), token)
		if err != nil {
			if failure == nil || !isFinal(err) {
				failure = err
			}
			continue
		}
		who, good = p, good+1
	}
	switch {
	case good == 1:
		return who, nil
	case good > 1:
		return sso.Principal{}, sso.ErrSessionInvalid
	case isFinal(failure):
		s.clearToken(c, s.config.SessionCookie)
	}
	return sso.Principal{}, failure
}

// isJWT reports whether a token is meant to be an access token. As in Directus, any other
// token is looked up as a session token, and found to be unknown.
func isJWT(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	return err == nil && json.Valid(payload)
}
