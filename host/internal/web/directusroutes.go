package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/web/page"
)

// directusRoutes are the routes of Directus that a login host does not have, by prefix,
// with the message that replaces "no page has this address": people who point a Directus
// client to this host learn where to point it. The first match counts.
var directusRoutes = []struct {
	message  page.Message
	prefixes []string
}{
	{page.MessageNoPasswords, []string{
		"/auth/password", "/users/me/tfa", "/users/register", "/users/invite", "/shares/auth", "/utils/hash", "/utils/random",
	}},
	{page.MessageNoAccounts, []string{"/users", "/roles", "/policies", "/permissions", "/access"}},
	{page.MessageNoStudio, []string{"/admin"}},
	{page.MessageNoData, []string{
		"/activity", "/ai", "/assets", "/collections", "/comments", "/dashboards", "/deployments", "/extensions", "/fields", "/files", "/flows", "/folders", "/graphql", "/items",
		"/license", "/mcp", "/metrics", "/notifications", "/operations", "/panels", "/presets", "/relations", "/revisions", "/schema", "/server", "/settings", "/shares",
		"/translations", "/utils", "/versions", "/webhooks", "/websocket",
	}},
}

// explainNotFound replaces the message of a 404 if Directus has the route: it says why this
// host does not.
func explainNotFound(c echo.Context, a answer) answer {
	if a.status != http.StatusNotFound || a.message != page.MessageNotFound {
		return a
	}
	path := c.Request().URL.Path
	for _, group := range directusRoutes {
		if slices.ContainsFunc(group.prefixes, func(prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }) {
			a.message = group.message
			return a
		}
	}
	return a
}

func isDirectusRoute(message page.Message) bool {
	for _, group := range directusRoutes {
		if group.message == message {
			return true
		}
	}
	return false
}
