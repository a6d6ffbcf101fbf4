package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// providerBody is a provider as Directus lists one.
type providerBody struct {
	Name      string `json:"name"`
	Label     string `json:"label,omitempty"`
	Driver    string `json:"driver"`
	Icon      string `json:"icon,omitempty"`
	Available *bool  `json:"available,omitempty"` // false or absent
}

// listProviders answers GET /auth.
func (s *Server) listProviders(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	sessionOnly := values.Has("sessionOnly")
	list, no := []providerBody{}, false
	for _, p := range s.ports.Logins.Providers() {
		if sessionOnly && !maySignInToSession(p) {
			continue
		}
		body := providerBody{Name: p.Name, Label: p.Label, Driver: p.Driver, Icon: p.Icon}
		if s.ports.Logins.Available(p.Name) != nil {
			body.Available = &no
		}
		list = append(list, body)
	}
	return c.JSON(http.StatusOK, struct {
		Data           []providerBody `json:"data"`
		DisableDefault bool           `json:"disableDefault"`
	}{list, true})
}

// maySignInToSession reports whether a client that wants a session cookie can get one from
// this provider. A directory always gives one: such a client chooses the mode itself when
// it logs in.
func maySignInToSession(p sso.Provider) bool {
	return p.Mode == sso.ModeSession || p.Driver == "ldap"
}
