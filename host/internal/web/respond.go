package web

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/web/page"
)

// wantsHTML reports whether a browser navigates, rather than a program asking for data.
func wantsHTML(c echo.Context) bool {
	return strings.Contains(c.Request().Header.Get("Accept"), "text/html")
}

// formAction says where the forms of a page may go.
type formAction string

const (
	formsStay formAction = "'self'"

	// formsLeave is for the pages of a login. Chromium applies form-action to every
	// redirect that follows a form, and those lead to URLs that the provider and the
	// application choose: a policy that names only the first target would stop people half
	// way. The targets themselves are checked before they reach a page.
	formsLeave formAction = "'self' https: http://localhost:* http://127.0.0.1:*"
)

func (f formAction) policy() string {
	return "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; " +
		"style-src 'self'; img-src 'self'; script-src 'self'; form-action " + string(f)
}

// render writes a page. It renders the whole page before it sends the first byte, so that a
// failure can still become an error.
func (s *Server) render(c echo.Context, status int, p page.Page, forms formAction) error {
	var b bytes.Buffer
	if err := s.publicURL(c).pages.Render(&b, p); err != nil {
		return err
	}
	s.preparePage(c, forms)
	return c.HTMLBlob(status, b.Bytes())
}

// stream writes a page with what a client or provider sent. Such a page can be large, so it
// is never held in memory as a whole.
func (s *Server) stream(c echo.Context, p page.Submit, forms formAction) error {
	s.preparePage(c, forms)
	c.Response().Header().Set(echo.HeaderContentType, echo.MIMETextHTMLCharsetUTF8)
	return s.publicURL(c).pages.Render(c.Response(), p)
}

func (s *Server) preparePage(c echo.Context, forms formAction) {
	c.Response().Header().Set("Content-Security-Policy", forms.policy())
	c.Response().Header().Add("Vary", "Accept")
}

// directusJSON writes JSON with the content type that Directus uses: some clients compare
// the whole value.
type directusJSON struct{ echo.DefaultJSONSerializer }

func (j directusJSON) Serialize(c echo.Context, value any, indent string) error {
	if h := c.Response().Header(); h.Get(echo.HeaderContentType) == echo.MIMEApplicationJSON {
		h.Set(echo.HeaderContentType, "application/json; charset=utf-8")
	}
	return j.DefaultJSONSerializer.Serialize(c, value, indent)
}

type data struct {
	Data any `json:"data"`
}

// seeOther redirects a browser: 302 after a GET, as Directus does, and 303
// after a POST, so that no body is ever posted on (RFC 9700 section 4.12).
func seeOther(c echo.Context, target string) error {
	if c.Request().Method == http.MethodPost {
		return c.Redirect(http.StatusSeeOther, target)
	}
	return c.Redirect(http.StatusFound, target)
}

func (s *Server) asset(c echo.Context) error {
	content, contentType, ok := s.publicURL(c).pages.Asset(c.Param("name"))
	if !ok {
		return echo.ErrNotFound
	}
	// The name contains a hash of the content, so the content never changes.
	c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	return c.Blob(http.StatusOK, contentType, content)
}
