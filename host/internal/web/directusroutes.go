package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/web/page"
)

// directusRoutes are the routes of Directus that a login host does not have, by how they begin,
// and what is told of them in place of "no page has this address": whoever points a client
// of Directus to this host learns where to point it. The first that matches counts.
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

// explainNotFound says of a route that there is not what this host is, if Directus has it.
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
