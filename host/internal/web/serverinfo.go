package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// serverInfo answers GET /server/info with what clients of Directus read before somebody
// has signed in. Nobody registers here by a form: a first login at a provider makes the
// account, if anything does. What Directus tells of itself to who is signed in (limits,
// version) is not for everybody who has an account.
func serverInfo(c echo.Context) error {
	return c.JSON(http.StatusOK, data{map[string]any{"project": map[string]any{
		"project_name": "Doorward", "project_descriptor": nil, "project_logo": nil, "project_color": nil,
		"default_language": "en-US", "default_appearance": "auto",
		"public_registration": false, "public_registration_verify_email": false,
	}}})
}
