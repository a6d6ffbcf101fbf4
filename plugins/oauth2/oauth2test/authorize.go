package oauth2test

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is the data of the template.
type page struct {
	Provider, Client, Asks string
	Action                 string
	People                 []Person
	Error                  string
}

// sessionCookie is the name of the cookie that stores who is signed in, so that the second
// login shows no page. It contains the port, because cookies are shared between ports.
func (s *Server) sessionCookie() string {
	return "oauth2test_" + s.web.url[strings.LastIndexByte(s.web.url, ':')+1:]
}

// authorize handles authorization requests (RFC 6749 section 4.1.1) and the form of the
// sign-in page.
func (s *Server) authorize(r *http.Request) *Reply {
	if err := r.ParseForm(); err != nil {
		return s.page(http.StatusBadRequest, page{Error: "the request cannot be read"})
	}
	query := r.URL.Query()
	client, ok := s.client(query.Get(s.flavour.clientParam()))
	if !ok {
		return s.page(http.StatusNotFound, page{Error: "there is no such application"})
	}
	target := query.Get("redirect_uri")
	if !slices.ContainsFunc(client.RedirectURIs, func(registered string) bool { return s.flavour.fits(registered, target) }) {
		if s.flavour.mismatch && len(client.RedirectURIs) > 0 {
			return back(client.RedirectURIs[0], url.Values{"error": {"redirect_uri_mismatch"}, "error_description": {"The redirect_uri MUST match the registered callback URL for this application."}, "state": {query.Get("state")}})
		}
		return s.page(http.StatusBadRequest, page{Error: "redirect_uri is not registered"})
	}
	if problem := s.badRequest(query); problem != "" {
		return back(target, url.Values{"error": {"invalid_request"}, "error_description": {problem}, "state": {query.Get("state")}})
	}
	if r.Method == http.MethodPost {
		return s.chosen(r, client, query)
	}
	if person, ok := s.silent(r, query); ok {
		return s.approve(client, person, query)
	}
	return s.page(http.StatusOK, page{
		Client: client.ID, Asks: query.Get("scope"), Action: r.URL.Path + "?" + r.URL.RawQuery, People: s.everybody(),
	})
}

// badRequest describes an error in the parameters.
func (s *Server) badRequest(query url.Values) string {
	for name, values := range query {
		if len(values) > 1 {
			return name + " appears twice"
		}
	}
	method, challenge := query.Get("code_challenge_method"), query.Get("code_challenge")
	switch {
	case query.Get("response_type") != "code":
		return "response_type must be code"
	case len(query.Get("state")) > s.flavour.stateMax && s.flavour.stateMax > 0:
		return "state is too long"
	case challenge != "" && method != "S256" && (method != "plain" || !s.flavour.plain):
		return "code_challenge_method must be S256"
	case challenge == "" && s.flavour.pkce:
		return "code_challenge is missing"
	}
	for name, value := range s.flavour.wants {
		if query.Get(name) != value {
			return name + " must be " + value
		}
	}
	return ""
}

// silent returns the person who signs in without a page: the person of the hint, of the
// session, or the first person.
func (s *Server) silent(r *http.Request, query url.Values) (Person, bool) {
	prompt := query.Get("prompt")
	if s.config.AutoApprove {
		if hint := query.Get("login_hint"); hint != "" {
			return s.byLogin(hint)
		}
		everybody := s.everybody()
		return everybody[0], true
	}
	cookie, err := r.Cookie(s.sessionCookie())
	if err != nil || prompt == "consent" && s.config.Kind != Atlassian || prompt == "select_account" {
		return Person{}, false
	}
	return s.byLogin(cookie.Value)
}

// chosen handles the form of the sign-in page.
func (s *Server) chosen(r *http.Request, client Client, query url.Values) *Reply {
	if r.PostForm.Has("refuse") {
		return back(query.Get("redirect_uri"), url.Values{
			"error": {"access_denied"}, "error_description": {"The user has denied your application access."}, "state": {query.Get("state")},
		})
	}
	person, ok := s.byLogin(r.PostForm.Get("person"))
	if !ok {
		return s.page(http.StatusBadRequest, page{Error: "there is no person with this name"})
	}
	reply := s.approve(client, person, query)
	cookie := http.Cookie{Name: s.sessionCookie(), Value: person.Login, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	reply.Header.Add("Set-Cookie", cookie.String())
	return reply
}

// approve redirects the browser to the client with a code.
func (s *Server) approve(client Client, person Person, query url.Values) *Reply {
	scopes := strings.FieldsFunc(query.Get("scope"), func(r rune) bool { return r == ' ' || r == ',' })
	if client.Granted != nil {
		scopes = client.Granted
	}
	code := randomText()
	s.grants.put(&s.grants.codes, code, grant{
		client: client.ID, person: person.ID, redirectURI: query.Get("redirect_uri"), scopes: scopes,
		challenge: query.Get("code_challenge"), method: query.Get("code_challenge_method"),
		expires: s.config.Now().Add(CodeLifetime),
	})
	params := url.Values{"code": {code}}
	if query.Has("state") {
		params.Set("state", query.Get("state"))
	}
	if s.config.Issuer {
		params.Set("iss", s.web.url)
	}
	return back(query.Get("redirect_uri"), params)
}

// back redirects to the client.
func back(target string, params url.Values) *Reply {
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	return &Reply{Status: http.StatusFound, Header: http.Header{"Location": {target + separator + params.Encode()}}}
}

func (s *Server) page(status int, data page) *Reply {
	data.Provider = s.config.Name
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, data); err != nil {
		return text(http.StatusInternalServerError, err.Error())
	}
	header := http.Header{"Content-Type": {"text/html; charset=utf-8"}}
	// No form-action: browsers also apply it to the redirect after the form.
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "strict-origin")
	return &Reply{Status: status, Header: header, Body: body.String()}
}
