package web

import (
	"net/http"
	"net/url"
	"regexp"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
)

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
			return s.returnToApp(c, app, who)
		}
	}
	resolve := s.publicURL(c).redirects.resolver(target)
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
