package web

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
)

// routes is the table of contents of the package.
func (s *Server) routes() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = clientIP(s.config.TrustedProxies)
	e.HTTPErrorHandler = s.answerError
	e.JSONSerializer = directusJSON{}
	e.Pre(s.identifyRequest, s.secureHeaders, dropSlash, s.handleCORS)
	e.Use(s.logRequest, recoverPanic, nameRequest, s.filterCookies)

	// get answers HEAD like GET; net/http leaves the body out. It is not for routes where
	// GET begins or ends something.
	get := func(path string, handler echo.HandlerFunc) {
		e.Match([]string{http.MethodGet, http.MethodHead}, path, handler)
	}

	get("/", s.home)
	get("/login", s.signIn)
	get("/logout", s.signOut)
	get("/denied", s.denied)
	get(sso.InvitationPath, s.invitation)
	e.POST(sso.InvitationPath, s.acceptInvitation, limitBody(maxBody), s.sameOrigin)

	get(accountPath, s.account)
	for name, do := range map[string]func(echo.Context, sso.Principal, url.Values) error{
		"/end": s.endSession, "/end-others": s.endOtherSessions, "/link": s.startLink, "/unlink": s.unlink,
	} {
		e.POST(accountPath+name, s.accountFormHandler(do), limitBody(maxAccountForm), s.requireOwnPage)
	}

	get("/auth", s.listProviders)
	e.POST("/auth/login", s.passwordLogin)
	e.GET("/auth/login/:provider", s.startLogin)
	e.HEAD("/auth/login/:provider", s.headLogin)
	e.POST("/auth/login/:provider", s.directLogin, limitBody(maxBody), s.fromApplication)
	for path, receive := range map[string]echo.HandlerFunc{
		"/auth/login/:provider/callback": s.callback,
		"/auth/login/:provider/acs":      s.callback, // the name in Directus
		"/auth/login/:provider/logout":   s.receiveLogout,
	} {
		e.Match([]string{http.MethodGet, http.MethodPost}, path, receive, s.fromProvider)
		e.HEAD(path, s.headCallback)
	}
	get("/auth/login/:provider/metadata", s.metadata)
	e.POST("/auth/refresh", s.refresh, limitBody(maxBody))
	e.POST("/auth/logout", s.logout, limitBody(maxBody))
	get("/users/me", s.me)
	e.PATCH("/users/me", s.changeMe, limitBody(maxBody))
	get("/roles/me", s.ownRoles)
	get("/policies/me/globals", s.ownPolicies)
	e.POST("/utils/resolve-redirect", s.resolveRedirect, limitBody(maxBody))

	get(keysPath, s.keys)
	get(issuerMetadataPath, s.issuerMetadata)
	get(issuerMetadataPath+"/*", s.issuerMetadataBeforePath)
	get("/server/ping", ping)
	get("/server/health", s.health)
	get("/server/info", serverInfo)
	get("/assets/:name", s.asset)
	return e
}
