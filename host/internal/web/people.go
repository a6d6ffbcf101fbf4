package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
)

// principal returns who makes the request: by the bearer token if there is one,
// else by the session cookie. errNoCredentials if there is neither.
func (s *Server) principal(c echo.Context) (sso.Principal, error) {
	if token, ok := bearerOf(c); ok {
		return s.bearer(c, token)
	}
	found := tokens(c, s.config.SessionCookie)
	if len(found) == 0 {
		return sso.Principal{}, errNoCredentials
	}
	return s.cookieHolder(c, found)
}

// bearerOf returns the bearer token of a request. Another scheme is not ours: it may be for
// a proxy in front of us. A client whose token is empty has none, and so the cookie counts,
// with all that guards it.
func bearerOf(c echo.Context) (token string, ok bool) {
	scheme, token, _ := strings.Cut(c.Request().Header.Get(echo.HeaderAuthorization), " ")
	token = strings.TrimSpace(token)
	return token, token != "" && strings.EqualFold(scheme, "Bearer")
}

// bearer tells an access token, which is a JWT, from a session token.
func (s *Server) bearer(c echo.Context, token string) (sso.Principal, error) {
	if isJWT(token) {
		return s.ports.Logins.AuthenticateAccess(c.Request().Context(), token)
	}
	return s.ports.Logins.Authenticate(c.Request().Context(), sso.Token(token))
}

// cookieHolder looks at all cookies of the name. If two of them are good, a
// sub-domain has planted one, and nobody can tell which (A08).
func (s *Server) cookieHolder(c echo.Context, found []sso.Token) (sso.Principal, error) {
	var who sso.Principal
	good, failure := 0, error(nil)
	for _, token := range found {
		p, err := s.ports.Logins.Authenticate(c.Request().Context(), token)
		if err != nil {
			if failure == nil || !isFinal(err) {
				failure = err
			}
			continue
		}
		who, good = p, good+1
	}
	switch {
	case good == 1:
		return who, nil
	case good > 1:
		return sso.Principal{}, sso.ErrSessionInvalid
	case isFinal(failure):
		s.clearToken(c, s.config.SessionCookie)
	}
	return sso.Principal{}, failure
}

// userBody is a user as Directus shows one.
type userBody struct {
	ID                 string  `json:"id"`
	FirstName          *string `json:"first_name"`
	LastName           *string `json:"last_name"`
	Email              *string `json:"email"`
	Language           *string `json:"language"`
	Username           *string `json:"username"`
	Role               *string `json:"role"`
	Status             string  `json:"status"`
	Provider           string  `json:"provider"`
	ExternalIdentifier string  `json:"external_identifier"`
	LastAccess         string  `json:"last_access"`

	// Groups are those of the session; null: they are not known.
	Groups []string `json:"groups"`
}

func bodyOf(who sso.Principal) userBody {
	u := who.User
	body := userBody{
		ID: u.ID, FirstName: orNull(u.FirstName), LastName: orNull(u.LastName), Email: orNull(u.Email), Language: orNull(u.Language), Role: orNull(u.Role), Username: orNull(u.Username),
		Status: string(u.Status), Provider: u.Provider, ExternalIdentifier: u.Subject,
		LastAccess: lastAccess(who).UTC().Format("2006-01-02T15:04:05.000Z"),
	}
	if groups := who.Session.Groups; groups.Known() {
		body.Groups = append([]string{}, groups.List()...)
	}
	return body
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// home answers GET /: who am I, or the way to sign in.
func (s *Server) home(c echo.Context) error {
	who, err := s.principal(c)
	if !wantsHTML(c) {
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, data{bodyOf(who)})
	}
	if err != nil {
		if answerTo(err).status >= http.StatusInternalServerError {
			return err
		}
		return seeOther(c, s.path(c, "/login")+reasonQuery(c))
	}
	return s.render(c, http.StatusOK, s.signedInPage(c, who), formsLeave) // signing out may lead to the provider
}

func (s *Server) signedInPage(c echo.Context, who sso.Principal) page.SignedIn {
	return page.SignedIn{
		Name: strings.TrimSpace(who.User.FirstName + " " + who.User.LastName), Email: who.User.Email, Role: who.User.Role,
		Provider: s.labelOf(who.Session.Provider), Since: who.Session.CreatedAt, Expires: who.Session.ExpiresAt, LogoutURL: s.path(c, "/auth/logout"), AccountURL: s.path(c, accountPath),
	}
}

func (s *Server) labelOf(provider string) string {
	if p, err := s.ports.Logins.Provider(provider); err == nil {
		return p.Label
	}
	return provider
}

// reasonMessages are the reasons with which a failed login came back here, told
// to people.
var reasonMessages = map[string]page.Message{
	"INVALID_CREDENTIALS":     page.MessageDenied,
	"INVALID_PAYLOAD":         page.MessageNotAccepted,
	"USER_SUSPENDED":          page.MessageAccountDisabled,
	"SERVICE_UNAVAILABLE":     page.MessageUnavailable,
	"INVALID_PROVIDER_CONFIG": page.MessageMisconfigured,
	"INTERNAL_SERVER_ERROR":   page.MessageInternal,
}

// reasonQuery passes a reason that we know on.
func reasonQuery(c echo.Context) string {
	values, err := query(c)
	if err != nil {
		return "" // the reason is a courtesy
	}
	reason := values.Get("reason")
	if _, ok := reasonMessages[reason]; !ok {
		return ""
	}
	query := "?" + queryOf("reason", reason)
	if detail := values.Get("detail"); detail != "" {
		if _, ok := messageOfDetail(reason, detail); ok {
			query += "&" + queryOf("detail", detail)
		}
	}
	if id := referenceOf(values); id != "" {
		query += "&" + queryOf("reference", id)
	}
	return query
}

// problemOf is what a failed login tells on our sign-in page.
func problemOf(query url.Values) page.Message {
	reason := query.Get("reason")
	if message, ok := messageOfDetail(reason, query.Get("detail")); ok {
		return message
	}
	return reasonMessages[reason]
}

var requestIDForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

// referenceOf is the reference that a failed login came back with. Anybody can make one up,
// and it looks like one then, and says nothing.
func referenceOf(query url.Values) string {
	if id := query.Get("reference"); requestIDForm.MatchString(id) && problemOf(query) != (page.Message{}) {
		return id
	}
	return ""
}

// signIn answers GET /login: choose a provider. Nobody is told that they are signed out
// while they are not: anybody can link to these words, and whoever believes them leaves
// a shared computer.
func (s *Server) signIn(c echo.Context) error {
	query, err := queryOnce(c)
	if err != nil {
		return err
	}
	if query.Has("signed_out") {
		if _, err := s.principal(c); err == nil {
			return seeOther(c, s.path(c, "/"))
		}
	}
	target := query.Get("redirect")
	app := s.appTarget(c, target)
	if app != "" && !query.Has("reason") && !query.Has("again") {
		if who, err := s.principal(c); err == nil {
			return s.goBack(c, app, who)
		}
	}
	resolve := s.at(c).redirects.resolver(target)
	var refused error
	view := page.SignIn{SignedOut: query.Has("signed_out"), Elsewhere: query.Get("signed_out") == "partial", Problem: problemOf(query), ID: referenceOf(query)}
	for _, p := range s.ports.Logins.Providers() {
		// Whoever chooses on our own page comes back to our own page, and that
		// knows people by their session cookie.
		link := s.startURL(c, p, sso.ModeSession)
		if target != "" {
			checked, err := resolve(p)
			if err != nil {
				refused = err
				continue // this provider may not return there
			}
			if app == "" && !s.leadsToAccount(c, checked) {
				link = s.startURL(c, p, "")
			}
			link = withParameter(link, queryOf("redirect", checked))
		}
		view.Providers = append(view.Providers, page.Provider{
			Label: p.Label, Icon: p.Icon, URL: link, Unavailable: s.ports.Logins.Available(p.Name) != nil,
		})
	}
	if refused != nil && len(view.Providers) == 0 {
		return refused
	}
	return s.render(c, http.StatusOK, view, formsStay)
}

// providerBody is a provider as Directus lists one.
type providerBody struct {
	Name      string `json:"name"`
	Label     string `json:"label,omitempty"`
	Driver    string `json:"driver"`
	Icon      string `json:"icon,omitempty"`
	Available *bool  `json:"available,omitempty"` // only ever false
}

// listProviders answers GET /auth.
func (s *Server) listProviders(c echo.Context) error {
	values, err := query(c)
	if err != nil {
		return err
	}
	sessionOnly := values.Has("sessionOnly")
	list, no := []providerBody{}, false
	for _, p := range s.ports.Logins.Providers() {
		if sessionOnly && !maySignInToSession(p) {
			continue
		}
		body := providerBody{Name: p.Name, Label: p.Label, Driver: p.Driver, Icon: p.Icon}
		if s.ports.Logins.Available(p.Name) != nil {
			body.Available = &no
		}
		list = append(list, body)
	}
	return c.JSON(http.StatusOK, struct {
		Data           []providerBody `json:"data"`
		DisableDefault bool           `json:"disableDefault"`
	}{list, true})
}
