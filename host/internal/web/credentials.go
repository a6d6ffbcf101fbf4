package web

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// principal returns who makes the request: by the bearer token if there is one,
// else by the session cookie. errNoCredentials if there is neither.
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

// bearerOf returns the bearer token of a request. Another scheme is not ours: it may be for
// a proxy in front of us. A client whose token is empty has none, and so the cookie counts,
// with all that guards it.
func bearerOf(c echo.Context) (token string, ok bool) {
	scheme, token, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
	token = strings.TrimSpace(token)
	return token, token != "" && strings.EqualFold(scheme, "Bearer")
}

// bearer tells an access token, which is a JWT, from a session token.
func (s *Server) bearer(c echo.Context, token string) (sso.Principal, error) {
	if isJWT(token) {
		return s.ports.Logins.AuthenticateAccess(c.Request().Context(), token)
	}
	return s.ports.Logins.Authenticate(c.Request().Context(), sso.Token(token))
}

// cookieHolder looks at all cookies of the name. If two of them are good, a
// sub-domain has planted one, and nobody can tell which (A08).
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
