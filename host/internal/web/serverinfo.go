package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// serverInfo answers GET /server/info with what Directus clients read before anyone has
// signed in. Nobody can register here with a form: accounts are made at the first login
// with a provider, if at all. What Directus shows to signed-in users (limits, version) is
// left out: not everyone with an account should see it.
func serverInfo(c echo.Context) error {
	return c.JSON(http.StatusOK, data{map[string]any{"project": map[string]any{
		"project_name": "Doorward", "project_descriptor": nil, "project_logo": nil, "project_color": nil,
		"default_language": "en-US", "default_appearance": "auto",
		"public_registration": false, "public_registration_verify_email": false,
	}}})
}
