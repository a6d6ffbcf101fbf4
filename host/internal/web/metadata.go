package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// metadata answers GET /auth/login/{provider}/metadata: our metadata, for mechanisms that
// publish any. It needs no authentication.
func (s *Server) metadata(c echo.Context) error {
	document, err := s.ports.Logins.Metadata(c.Request().Context(), c.Param("provider"))
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, document.ContentType, document.Content)
}
