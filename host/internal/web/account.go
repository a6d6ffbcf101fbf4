package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
)

const (
	accountPath = "/account"

	// maxShownGroups is how many groups people can still read.
	maxShownGroups = 20
)

// Anchors on the account page.
const (
	sessionsPart = "#sessions"
	linksPart    = "#links"
)

// account answers GET /account: who is signed in, where, and through which providers.
func (s *Server) account(c echo.Context) error {
	who, err := s.accountHolder(c)
	if err != nil {
		return s.redirectToSignIn(c, err)
	}
	account, err := s.ports.Logins.Account(c.Request().Context(), who)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, s.accountPage(c, who, account), formsLeave) // linking and signing out can lead to a provider
}

// accountHolder returns the holder of the browser's session cookie. No other credentials
// count: the page and its forms are for people.
func (s *Server) accountHolder(c echo.Context) (sso.Principal, error) {
	found := tokens(c, s.config.SessionCookie)
	if len(found) == 0 {
		return sso.Principal{}, errNoCredentials
	}
	return s.cookieHolder(c, found)
}

// redirectToSignIn sends people who are not signed in to the sign-in page, and back
// afterwards. A form that they posted is not carried out.
func (s *Server) redirectToSignIn(c echo.Context, err error) error {
	if !wantsHTML(c) || answerTo(err).status >= http.StatusInternalServerError || errors.Is(err, sso.ErrUserInactive) {
		return err
	}
	return seeOther(c, s.signInURL(c, s.path(c, accountPath)))
}

// leadsToAccount reports whether a checked target is the account page.
func (s *Server) leadsToAccount(c echo.Context, target string) bool {
	path := s.publicURL(c).withoutOrigin(target)
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	return path == s.path(c, accountPath)
}

func (s *Server) accountPage(c echo.Context, who sso.Principal, account sso.Account) page.Account {
	view := page.Account{
		Name: strings.TrimSpace(who.User.FirstName + " " + who.User.LastName), Email: who.User.Email, Username: who.User.Username, Role: account.RoleName,
		MoreSessions: account.More,
		HomeURL:      s.path(c, "/"), LogoutURL: s.path(c, "/auth/logout"),
		EndURL: s.path(c, accountPath+"/end"), EndOthersURL: s.path(c, accountPath+"/end-others"),
		LinkURL: s.path(c, accountPath+"/link"), UnlinkURL: s.path(c, accountPath+"/unlink"),
	}
	view.Groups = who.Session.Groups.List()
	if more := len(view.Groups) - maxShownGroups; more > 0 {
		view.Groups, view.MoreGroups = view.Groups[:maxShownGroups], more
	}
	view.Sessions = append(view.Sessions, s.shownSession(sso.OwnSession{Session: who.Session}, true))
	for _, session := range account.Sessions {
		if session.ID == who.Session.ID {
			view.Sessions[0] = s.shownSession(session, true)
			continue
		}
		view.Sessions = append(view.Sessions, s.shownSession(session, false))
	}
	view.Others = account.More || len(view.Sessions) > 1
	view.Links, view.Linkable = s.shownLinks(who, account), s.linkable(account)
	return view
}

func (s *Server) shownSession(session sso.OwnSession, current bool) page.AccountSession {
	return page.AccountSession{
		ID: session.ID, Current: current, Device: deviceName(session.UserAgent), Address: session.IP, Provider: s.labelOf(session.Provider),
		Program: session.Kind == sso.KindRefresh, Since: session.CreatedAt, Refreshed: session.RefreshedAt, Expires: session.ExpiresAt,
	}
}

// shownLinks lists the linked identities. One can be unlinked if another one can still be
// used to sign in.
func (s *Server) shownLinks(who sso.Principal, account sso.Account) (shown []page.AccountLink) {
	usable := func(link sso.LinkedIdentity) bool {
		_, err := s.ports.Logins.Provider(link.Provider)
		return err == nil
	}
	for i, link := range account.Links {
		sameProvider := func(other sso.LinkedIdentity) bool { return other.Provider == link.Provider }
		others := slices.Delete(slices.Clone(account.Links), i, i+1)
		one := page.AccountLink{
			Label: s.labelOf(link.Provider), Provider: link.Provider, Subject: link.Subject,
			Removable: s.ports.Logins.Linking() && slices.ContainsFunc(others, usable),
		}
		if slices.ContainsFunc(others, sameProvider) {
			one.ShownSubject = link.Subject
		} else {
			one.Current = link.Provider == who.Session.Provider
		}
		shown = append(shown, one)
	}
	return shown
}

// linkable are the providers that can be linked; none if people are not allowed to link.
func (s *Server) linkable(account sso.Account) (list []page.Linkable) {
	if !s.ports.Logins.Linking() {
		return nil
	}
	for _, p := range s.ports.Logins.Providers() {
		list = append(list, page.Linkable{
			Provider: page.Provider{Name: p.Name, Label: p.Label, Icon: p.Icon, Unavailable: s.ports.Logins.Available(p.Name) != nil},
			Again:    slices.ContainsFunc(account.Links, func(link sso.LinkedIdentity) bool { return link.Provider == p.Name }),
		})
	}
	return list
}
