package forwardauth

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// Header values that every answer has. Nothing changes them.
var (
	noStore    = []string{"no-store"}
	varyBy     = []string{"Cookie, Authorization"}
	noReferrer = []string{"no-referrer"}
	jsonType   = []string{"application/json"}
	challenge  = []string{`Bearer realm="doorward"`}
	noSniff    = []string{"nosniff"}
)

// headerBearer tells a proxy that Authorization contains one of the host's tokens: the
// operator of the app could use it, so the proxy removes it.
const headerBearer = "X-Doorward-Bearer"

var isOurs = []string{"1"}

// pass lets a request through to the app.
func (s *Server) pass(w http.ResponseWriter, r *http.Request, f *family, told *identity) {
	h := w.Header()
	told.set(h)
	bearer := len(r.Header["Authorization"]) > 0 && s.hasBearer(r)
	switch {
	case f.removes:
		h["X-Envoy-Auth-Headers-To-Remove"] = toRemove(told, bearer)
	case bearer:
		h[headerBearer] = isOurs
	}
	w.WriteHeader(http.StatusOK)
}

// toRemove returns the headers without a value, and Authorization if it is not for the
// app.
func toRemove(told *identity, bearer bool) []string {
	var empty []string
	if bearer {
		empty = append(empty, "authorization")
	}
	for n, name := range identityHeaders {
		if told[n][0] == "" {
			empty = append(empty, strings.ToLower(name))
		}
	}
	return []string{strings.Join(empty, ", ")}
}

// problem is the answer for programs.
type problem struct {
	Errors []problemEntry `json:"errors"`
}

type problemEntry struct {
	Message    string         `json:"message"`
	Extensions map[string]any `json:"extensions"`
}

// refuse answers a program, or a request that cannot be redirected.
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

// The longest URL that a login returns to, and the longest in a Location for a proxy that
// makes the redirect itself: nginx reads the header of an answer into 4 KiB, and turns a
// longer one into 500.
const (
	maxReturn         = 2 << 10
	maxReturnInHeader = maxHeaderBlock
)

// signIn sends a user to sign in, and back to where they were.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request, f *family, app *App, request *Request) {
	navigation := isNavigation(r.Header)
	login := s.config.PublicURL + "/login?redirect=" + backTo(f, navigation, app, request)
	if navigation {
		s.sendTo(w, f, request.Method, http.StatusUnauthorized, login)
		return
	}
	w.Header()["Www-Authenticate"] = challenge
	refuse(w, http.StatusUnauthorized, "INVALID_CREDENTIALS", "Nobody is signed in.", map[string]any{"login_url": login})
}

// backTo returns where a browser goes after signing in, escaped: to the requested page if
// it can be requested again, otherwise to the app's prefix.
func backTo(f *family, navigation bool, app *App, request *Request) string {
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

// deny tells a user that the app does not admit them, on a page of the host: at the app's
// origin, the app could change the page.
func (s *Server) deny(w http.ResponseWriter, r *http.Request, f *family, app *App, request *Request) {
	navigation := isNavigation(r.Header)
	page := s.config.PublicURL + "/denied?redirect=" + backTo(f, navigation, app, request)
	if navigation {
		s.sendTo(w, f, request.Method, http.StatusForbidden, page)
		return
	}
	refuse(w, http.StatusForbidden, "FORBIDDEN", "You may not use this application.", map[string]any{"denied_url": page})
}

// sendTo redirects a browser to a page of the host, or makes the proxy do so if it does
// not pass redirects on. A POST becomes a GET: its body must not go there (RFC 9700
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
