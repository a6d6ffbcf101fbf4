package forwardauth

import (
	"net/http"
	"strings"
)

// A family is a group of proxies with the same contract: where they send each value, and
// which statuses they support.
type family struct {
	name string

	// read returns the request that the proxy describes. It returns false if a value is
	// missing, duplicate or ambiguous.
	read func(r *http.Request) (Request, bool)

	// redirects: the proxy passes a response with 302 or 303 to the browser. Otherwise the
	// response is 401 or 403 with the same Location, and the configuration of the proxy makes
	// the redirect.
	redirects bool

	// unread is the status if read returns false.
	unread int

	// removes: the proxy keeps headers of a request that the response does not list for
	// removal.
	removes bool
}

const (
	pathForward = "/forward-auth"
	pathNginx   = "/forward-auth/nginx"
	pathEnvoy   = "/forward-auth/envoy"
)

// Traefik 3 (ForwardAuth), Caddy 2 (forward_auth) and HAProxy (a Lua action) pass all
// responses other than 2xx to the browser.
var forwardFamily = family{name: "forward", read: readForwarded, redirects: true, unread: http.StatusBadRequest}

// nginx (auth_request) supports 2xx, 401 and 403; other statuses become 500.
var nginxFamily = family{name: "nginx", read: readNginx, unread: http.StatusForbidden}

// Envoy (ext_authz, HTTP service) lets a request pass only with 200. It sends the original
// method and Host, and the target after a prefix. It keeps headers of the client that the
// response does not contain.
var envoyFamily = family{name: "envoy", read: readEnvoy, redirects: true, unread: http.StatusBadRequest, removes: true}

// familyOf determines the endpoint from the unchanged request target. A target in absolute
// form has no endpoint (RFC 9112 section 3.2.2).
func familyOf(target string) *family {
	if strings.HasPrefix(target, pathEnvoy+"/") {
		return &envoyFamily
	}
	path, _, _ := strings.Cut(target, "?")
	switch path {
	case pathForward:
		return &forwardFamily
	case pathNginx:
		return &nginxFamily
	}
	return nil
}

func readForwarded(r *http.Request) (Request, bool) {
	return requestOf(r, once(r, "X-Forwarded-Method"), once(r, "X-Forwarded-Proto"), once(r, "X-Forwarded-Host"), once(r, "X-Forwarded-Uri"))
}

func readNginx(r *http.Request) (Request, bool) {
	scheme, rest, ok := strings.Cut(once(r, "X-Original-Url"), "://")
	slash := strings.IndexByte(rest, '/')
	if !ok || slash < 0 {
		return Request{}, false
	}
	return requestOf(r, once(r, "X-Original-Method"), scheme, rest[:slash], rest[slash:])
}

func readEnvoy(r *http.Request) (Request, bool) {
	return requestOf(r, r.Method, once(r, "X-Forwarded-Proto"), r.Host, strings.TrimPrefix(r.RequestURI, pathEnvoy))
}

// once returns the value of a header that appears exactly once, otherwise an empty text. The
// name must be in canonical form.
func once(r *http.Request, name string) string {
	if lines := r.Header[name]; len(lines) == 1 {
		return lines[0]
	}
	return ""
}

func requestOf(r *http.Request, method, scheme, host, target string) (Request, bool) {
	origin, ok := originOf(scheme, host)
	if !ok || !isMethod(method) || !isTarget(target) {
		return Request{}, false
	}
	request := Request{Method: method, Origin: origin, Target: target}
	if method == http.MethodOptions {
		request.Preflight = r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
	}
	return request, true
}

// isNavigation reports whether a browser navigates to a page, so that it can be redirected to
// the sign-in page. Programs get a status.
func isNavigation(h http.Header) bool {
	if len(h["Upgrade"]) > 0 {
		return false
	}
	if mode := h["Sec-Fetch-Mode"]; len(mode) > 0 {
		return mode[0] == "navigate"
	}
	return len(h["X-Requested-With"]) == 0 && strings.Contains(h.Get("Accept"), "text/html")
}
