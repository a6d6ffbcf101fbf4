package web

import (
	"github.com/labstack/echo/v4"
)

// Sizes of request bodies in bytes.
const (
	maxBody         = 64 << 10
	maxCallbackBody = 1 << 20 // a SAML response in base64, urlencoded
)

// routes is the table of contents of the package.
func (s *Server) routes() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = clientIP(s.config.TrustedProxies)
	e.HTTPErrorHandler = s.answerError
	e.Pre(s.identifyRequest, s.secureHeaders)
	e.Use(s.logRequest, recoverPanic, nameClient)

	e.GET("/", s.home)
	e.GET("/login", s.signIn)

	e.GET("/auth", s.listProviders)
	e.POST("/auth/login", s.passwordLogin)
	e.GET("/auth/login/:provider", s.startLogin)
	e.POST("/auth/login/:provider", s.directLogin, limitBody(maxBody), s.sameOrigin)
	e.GET("/auth/login/:provider/callback", s.callback)
	e.POST("/auth/login/:provider/callback", s.callback, limitBody(maxCallbackBody))
	e.GET("/auth/login/:provider/acs", s.callback) // the seed's name of it
	e.POST("/auth/login/:provider/acs", s.callback, limitBody(maxCallbackBody))
	e.GET("/auth/login/:provider/logout", s.receiveLogout)
	e.POST("/auth/login/:provider/logout", s.receiveLogout, limitBody(maxCallbackBody))
	e.GET("/auth/login/:provider/metadata", s.metadata)
	e.POST("/auth/refresh", s.refresh, limitBody(maxBody))
	e.POST("/auth/logout", s.logout, limitBody(maxBody))
	e.GET("/users/me", s.me)

	e.GET("/.well-known/jwks.json", s.keys)
	e.GET("/server/ping", ping)
	e.HEAD("/server/ping", ping)
	e.GET("/server/health", s.health)
	e.HEAD("/server/health", s.health)
	e.GET("/assets/:name", s.asset)
	return e
}
