package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// ping answers /server/ping.
func ping(c echo.Context) error { return c.String(http.StatusOK, "pong") }
