package forwardauth

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// Header values, shared by all responses. They are never modified.
var (
	noStore    = []string{"no-store"}
	varyBy     = []string{"Cookie, Authorization"}
	noReferrer = []string{"no-referrer"}
	jsonType   = []string{"application/json"}
	challenge  = []string{`Bearer realm="doorward"`}
	noSniff    = []string{"nosniff"}
)

// headerBearer tells a proxy that Authorization contains a token of Doorward. The operator of
// the app could use it, so the proxy removes it.
const headerBearer = "X-Doorward-Bearer"

var headerTrue = []string{"1"}

// pass lets a request pass to the app.
func (s *Server) pass(w http.ResponseWriter, r *http.Request, f *family, id *identity) {
	h := w.Header()
	id.set(h)
	bearer := len(r.Header["Authorization"]) > 0 && s.hasBearer(r)
	switch {
	case f.removes:
		h["X-Envoy-Auth-Headers-To-Remove"] = toRemove(id, bearer)
	case bearer:
		h[headerBearer] = headerTrue
	}
	w.WriteHeader(http.StatusOK)
}

// toRemove lists the identity headers without a value, and Authorization if it is not for the
// app.
func toRemove(id *identity, bearer bool) []string {
	var empty []string
	if bearer {
		empty = append(empty, "authorization")
	}
	for n, name := range identityHeaders {
		if id[n][0] == "" {
			empty = append(empty, strings.ToLower(name))
		}
	}
	return []string{strings.Join(empty, ", ")}
}

// problem is the body of an error response for programs.
type problem struct {
	Errors []problemEntry `json:"errors"`
}

type problemEntry struct {
	Message    string         `json:"message"`
	Extensions map[string]any `json:"extensions"`
}

// refuse sends an error to a program, or to a browser that cannot be redirected.
func refuse(w http.ResponseWriter, status int, code, message string, more map[string]any) {
	extensions := map[string]any{"code": code}
	for name, value := range more {
		extensions[name] = value
	}
	body, err := json.Marshal(problem{[]problemEntry{{message, extensions}}})
	if err != nil {
		status = http.StatusInternalServerError
	}
	h := w.Header()
	h["Content-Type"], h["X-Content-Type-Options"] = jsonType, noSniff
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// Limits for the URL that a login returns to. The second applies to a Location for a proxy
// that makes the redirect itself: nginx has 4 KiB for the header of a response, and sends 500
// for a longer header.
const (
	maxReturn         = 2 << 10
	maxReturnInHeader = maxHeaderBlock
)

// signIn redirects a person to the sign-in page, from which they return to this URL.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request, f *family, app *App, request *Request) {
	navigation := isNavigation(r.Header)
	login := s.config.PublicURL + "/login?redirect=" + returnURL(f, navigation, app, request)
	if navigation {
		s.sendTo(w, f, request.Method, http.StatusUnauthorized, login)
		return
	}
	w.Header()["Www-Authenticate"] = challenge
	refuse(w, http.StatusUnauthorized, "INVALID_CREDENTIALS", "You are not signed in.", map[string]any{"login_url": login})
}

// returnURL returns the escaped URL to which a browser returns: the requested URL if it is a
// page that the browser can request again and that is below the app's prefix, otherwise the
// root of the app.
func returnURL(f *family, navigation bool, app *App, request *Request) string {
	root := url.QueryEscape(app.Root())
	if !navigation || !isSafe(request.Method) || !strings.HasPrefix(request.Target, app.Prefix) ||
		len(request.Origin.String())+len(request.Target) > maxReturn {
		return root
	}
	escaped := url.QueryEscape(request.URL())
	if !f.redirects && len(escaped) > maxReturnInHeader {
		return root
	}
	return escaped
}

// deny tells a person that they are not allowed to use the app, on a page of the host: the
// app could change a page at its own origin.
func (s *Server) deny(w http.ResponseWriter, r *http.Request, f *family, app *App, request *Request) {
	navigation := isNavigation(r.Header)
	page := s.config.PublicURL + "/denied?redirect=" + returnURL(f, navigation, app, request)
	if navigation {
		s.sendTo(w, f, request.Method, http.StatusForbidden, page)
		return
	}
	refuse(w, http.StatusForbidden, "FORBIDDEN", "You are not allowed to use this application.", map[string]any{"denied_url": page})
}

// sendTo redirects a browser to a page of the host, directly or through a proxy that does not
// support redirects. A POST becomes a GET, because its body must not be sent there (RFC 9700
// section 4.12).
func (s *Server) sendTo(w http.ResponseWriter, f *family, method string, status int, target string) {
	h := w.Header()
	h["Location"], h["Referrer-Policy"] = []string{target}, noReferrer
	switch {
	case !f.redirects:
		if status == http.StatusUnauthorized {
			h["Www-Authenticate"] = challenge
		}
		w.WriteHeader(status)
	case isSafe(method):
		w.WriteHeader(http.StatusFound)
	default:
		w.WriteHeader(http.StatusSeeOther)
	}
}

func isSafe(method string) bool { return method == http.MethodGet || method == http.MethodHead }
