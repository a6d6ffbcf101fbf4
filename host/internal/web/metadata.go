package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// metadata answers GET /auth/login/{provider}/metadata: what the provider's
// operator needs to know of us. Anybody may ask.
func (s *Server) metadata(c echo.Context) error {
	document, err := s.ports.Logins.Metadata(c.Request().Context(), c.Param("provider"))
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, document.ContentType, document.Content)
}
