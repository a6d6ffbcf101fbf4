package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"
)

// ping answers /server/ping.
func ping(c echo.Context) error { return c.String(http.StatusOK, "pong") }

func queryOf(name, value string) string { return url.Values{name: {value}}.Encode() }
