package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// resolveRedirect answers POST /utils/resolve-redirect: where a login with the provider
// would lead if it were given this redirect. Without a provider, or with an unknown one,
// only our own origin and applications behind forward-auth are allowed.
func (s *Server) resolveRedirect(c echo.Context) error {
	var body struct {
		Redirect string `json:"redirect"`
		Provider string `json:"provider"`
	}
	if err := readBody(c, &body, func(get func(string) string) { body.Redirect, body.Provider = get("redirect"), get("provider") }); err != nil {
		return err
	}
	provider, err := s.ports.Logins.Provider(body.Provider)
	if err != nil && !errors.Is(err, sso.ErrUnknownProvider) {
		return err
	}
	target, err := s.publicURL(c).redirects.resolve(provider, body.Redirect)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, data{target})
}
