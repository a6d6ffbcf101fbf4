package web

import (
	"net/http"
	"net/url"
	"regexp"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
)

// reasonMessages are the messages shown to people for the reasons with which a failed login
// returns here.
var reasonMessages = map[string]page.Message{
	"INVALID_CREDENTIALS":     page.MessageDenied,
	"INVALID_PAYLOAD":         page.MessageNotAccepted,
	"USER_SUSPENDED":          page.MessageAccountDisabled,
	"SERVICE_UNAVAILABLE":     page.MessageUnavailable,
	"INVALID_PROVIDER_CONFIG": page.MessageMisconfigured,
	"INTERNAL_SERVER_ERROR":   page.MessageInternal,
}

// reasonQuery passes on the reason of a failed login, if it is a known one.
func reasonQuery(c echo.Context) string {
	values, err := query(c)
	if err != nil {
		return "" // the reason is optional
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

// problemOf is the message that our sign-in page shows after a failed login.
func problemOf(query url.Values) page.Message {
	reason := query.Get("reason")
	if message, ok := messageOfDetail(reason, query.Get("detail")); ok {
		return message
	}
	return reasonMessages[reason]
}

var requestIDForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

// referenceOf is the reference that a failed login returned with. Anyone can make one up;
// it only has to look like one, and does no harm.
func referenceOf(query url.Values) string {
	if id := query.Get("reference"); requestIDForm.MatchString(id) && problemOf(query) != (page.Message{}) {
		return id
	}
	return ""
}

// signIn answers GET /login: the page to choose a provider. It never says that people are
// signed out while they are signed in: anyone can link to that message, and people who
// believe it leave a shared computer.
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
		// People who choose on our own page come back to our own page, which knows them by
		// their session cookie.
		link := s.startURL(c, p, sso.ModeSession)
		if target != "" {
			checked, err := resolve(p)
			if err != nil {
				refused = err
				continue // logins with this provider are not allowed to return there
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
