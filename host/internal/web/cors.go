package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// CORS is what pages of other origins are allowed to do here (Fetch standard, section 3.2).
// The zero value allows nothing.
type CORS struct {
	// Origins are allowed to use the shared routes. They are written as browsers write them
	// in the header Origin: https://app.example.org.
	Origins []string

	// Any lets every origin read what needs no cookie. It turns Credentials off.
	Any bool

	// Credentials accepts the cookies that browsers send from Origins.
	Credentials bool

	// Methods, AllowedHeaders and ExposedHeaders are sent to browsers as they are.
	Methods, AllowedHeaders, ExposedHeaders []string

	// MaxAge is how long browsers can cache the answer to a preflight.
	MaxAge time.Duration
}

// shared are the routes, with their methods, that pages of other origins can use: those for
// programs. Pages, their forms, and URLs that a browser must navigate to are not shared.
var shared = map[string][]string{
	"/auth":         readMethods,
	"/auth/login":   {http.MethodPost},
	"/auth/refresh": {http.MethodPost},
	"/auth/logout":  {http.MethodPost},
	"/users/me":     {http.MethodGet, http.MethodHead, http.MethodPatch},
	"/roles/me":     readMethods,

	"/policies/me/globals":    readMethods,
	"/utils/resolve-redirect": {http.MethodPost},

	keysPath:           readMethods,
	issuerMetadataPath: readMethods,
	"/server/ping":     readMethods,
	"/server/health":   readMethods,
	"/server/info":     readMethods,
}

var readMethods = []string{http.MethodGet, http.MethodHead}

// sharedMethods are the methods of a path that pages of other origins can use.
func sharedMethods(path string) []string {
	if methods, ok := shared[path]; ok {
		return methods
	}
	if provider, ok := strings.CutPrefix(path, "/auth/login/"); ok && provider != "" && !strings.Contains(provider, "/") {
		return []string{http.MethodPost} // GET is where a browser begins a login
	}
	if strings.HasPrefix(path, issuerMetadataPath+"/") {
		return readMethods
	}
	return nil
}

// corsRules are a CORS with precomputed header values.
type corsRules struct {
	named       map[string][]string // Access-Control-Allow-Origin by origin
	any         bool
	credentials bool
	answers     http.Header // of shared requests
	preflights  http.Header
}

// vary keeps caches from using the answer to one origin for another.
var vary = []string{"Origin"}

func newCORSRules(c CORS) corsRules {
	r := corsRules{named: map[string][]string{}, any: c.Any, credentials: c.Credentials && !c.Any, answers: http.Header{}, preflights: http.Header{}}
	for _, origin := range c.Origins {
		r.named[origin] = []string{origin}
	}
	if r.credentials {
		r.answers.Set("Access-Control-Allow-Credentials", "true")
		r.preflights.Set("Access-Control-Allow-Credentials", "true")
	}
	for name, list := range map[string][]string{"Access-Control-Allow-Methods": c.Methods, "Access-Control-Allow-Headers": c.AllowedHeaders} {
		if len(list) > 0 {
			r.preflights.Set(name, strings.Join(list, ","))
		}
	}
	r.preflights.Set("Access-Control-Max-Age", strconv.Itoa(int(c.MaxAge/time.Second)))
	if len(c.ExposedHeaders) > 0 {
		r.answers.Set("Access-Control-Expose-Headers", strings.Join(c.ExposedHeaders, ","))
	}
	return r
}

// allowed is the Access-Control-Allow-Origin for a request; nil if its origin is not
// allowed to do anything here. Any document can have the origin "null": sandboxed frames,
// files.
func (r corsRules) allowed(req *http.Request) []string {
	origin := originOf(req)
	if named := r.named[origin]; named != nil {
		return named
	}
	if r.any && origin != "" && origin != "null" {
		return []string{"*"}
	}
	return nil
}

// originOf is the origin that a request names; empty if it names no origin, or several.
func originOf(req *http.Request) string {
	if values := req.Header["Origin"]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// handleCORS tells browsers what pages of other origins are allowed to do, and answers
// their preflights before anything else happens. It does nothing if no origins are
// configured.
func (s *Server) handleCORS(next echo.HandlerFunc) echo.HandlerFunc {
	rules := s.cors
	if len(rules.named) == 0 && !rules.any {
		return next
	}
	return func(c echo.Context) error {
		req, header := c.Request(), c.Response().Header()
		methods := sharedMethods(echo.GetPath(req))
		if methods == nil {
			return next(c)
		}
		header["Vary"] = vary
		origin, asked := rules.allowed(req), req.Method
		preflight := asked == http.MethodOptions && req.Header.Get("Access-Control-Request-Method") != ""
		if preflight {
			asked = req.Header.Get("Access-Control-Request-Method")
		}
		if origin == nil || !slices.Contains(methods, asked) {
			s.logCORSRefused(c)
			return next(c)
		}
		header["Access-Control-Allow-Origin"] = origin
		if preflight {
			copyHeader(header, rules.preflights)
			return c.NoContent(http.StatusNoContent)
		}
		copyHeader(header, rules.answers)
		if !rules.credentials && s.fromAnotherSite(c) {
			req.Header.Del("Cookie")
		}
		return next(c)
	}
}

func copyHeader(to, from http.Header) {
	for name, values := range from {
		to[name] = values
	}
}

// logCORSRefused helps to find out why a browser refuses a request: the browser tells the
// page nothing.
func (s *Server) logCORSRefused(c echo.Context) {
	if origin := originOf(c.Request()); origin != "" && s.logger.IsDebug() && s.fromAnotherSite(c) {
		s.logger.Debug("origin is not in CORS_ORIGIN, or is not allowed to use this route", "origin", origin[:min(len(origin), 256)],
			"method", c.Request().Method, "path", loggedPath(c), "request_id", requestID(c))
	}
}

// fromApplication refuses a request that another site made a browser send, unless CORS
// allows the site.
func (s *Server) fromApplication(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.fromAnotherSite(c) && !s.cors.names(c.Request()) {
			return errCrossSite
		}
		return next(c)
	}
}

// cookiesCount reports whether the cookies of a request can identify its user. Browsers
// attach them whichever site causes the request (A17).
func (s *Server) cookiesCount(c echo.Context) bool {
	return !s.fromAnotherSite(c) || s.cors.credentials && s.cors.names(c.Request())
}

// names reports whether a script at a listed origin sent the request. A form does not
// count: a page that shows content from others can be made to contain one.
func (r corsRules) names(req *http.Request) bool {
	mode, media := req.Header.Get("Sec-Fetch-Mode"), mediaType(req)
	return r.named[originOf(req)] != nil && (mode == "" || mode == "cors") && (media == "" || media == echo.MIMEApplicationJSON)
}
