package forwardauth

import (
	"net/http"
	"strings"
)

// A family is a group of proxies with the same contract: where each value is found, and
// which statuses they accept.
type family struct {
	name string

	// read returns the request as the proxy reports it; false if a value is missing,
	// repeated or ambiguous.
	read func(r *http.Request) (Request, bool)

	// redirects: an answer of 302 or 303 reaches the browser. Otherwise the answer is 401
	// or 403 with the same Location, which the proxy's configuration turns into a
	// redirect.
	redirects bool

	// unread is the status for a request that cannot be read.
	unread int

	// removes: the proxy keeps headers of a request unless the answer names them for
	// removal.
	removes bool
}

const (
	pathForward = "/forward-auth"
	pathNginx   = "/forward-auth/nginx"
	pathEnvoy   = "/forward-auth/envoy"
)

// Traefik 3 (ForwardAuth), Caddy 2 (forward_auth) and HAProxy (through a Lua action)
// return every answer other than 2xx to the browser.
var forwardFamily = family{name: "forward", read: readForwarded, redirects: true, unread: http.StatusBadRequest}

// nginx (auth_request) accepts 2xx, 401 and 403, and turns everything else into 500.
var nginxFamily = family{name: "nginx", read: readNginx, unread: http.StatusForbidden}

// Envoy (ext_authz, HTTP service) lets a request pass on 200 only, and sends the original
// method and Host, and the target behind a prefix. Headers that are not in the answer
// stay as the client sent them.
var envoyFamily = family{name: "envoy", read: readEnvoy, redirects: true, unread: http.StatusBadRequest, removes: true}

// familyOf finds the endpoint in the request target as it was sent: an absolute-form
// target has none (RFC 9112 section 3.2.2).
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

// once returns the value of a header that occurs exactly once; otherwise it is empty. The
// name is in canonical form.
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

// isNavigation reports whether a user opens a page and can be redirected to sign in. A
// program gets a status.
func isNavigation(h http.Header) bool {
	if len(h["Upgrade"]) > 0 {
		return false
	}
	if mode := h["Sec-Fetch-Mode"]; len(mode) > 0 {
		return mode[0] == "navigate"
	}
	return len(h["X-Requested-With"]) == 0 && strings.Contains(h.Get("Accept"), "text/html")
}
