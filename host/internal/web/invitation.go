package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
)

// invitation answers GET /invitation: it shows whose account the link is for, and the ways
// to sign in to claim it. Opening the link does not use it up, because programs that scan
// mail open every link.
func (s *Server) invitation(c echo.Context) error {
	query, err := queryOnce(c)
	if err != nil {
		return err
	}
	token := query.Get(sso.InvitationParameter)
	user, err := s.ports.Logins.Invited(c.Request().Context(), sso.InvitationToken(token))
	if err != nil {
		return err
	}
	view := page.Invitation{
		Name: strings.TrimSpace(user.FirstName + " " + user.LastName), Email: user.Email,
		Action: s.path(c, sso.InvitationPath), TokenField: page.HiddenField{Name: sso.InvitationParameter, Value: token},
	}
	for _, p := range s.ports.Logins.Providers() {
		view.Providers = append(view.Providers, page.Provider{
			Name: p.Name, Label: p.Label, Icon: p.Icon, Unavailable: s.ports.Logins.Available(p.Name) != nil,
		})
	}
	return s.render(c, http.StatusOK, view, formsLeave)
}

// acceptInvitation answers POST /invitation: it begins a login that claims the account. The
// form must come from our own page: otherwise another site could make people claim, without
// their knowledge, an account that the site knows more about than they do.
//
// The token stays here, in the sealed attempt: the page sends no Referer, and a provider
// learns nothing of it.
func (s *Server) acceptInvitation(c echo.Context) error {
	form, err := readForm(c.Request())
	if err != nil {
		return err
	}
	start := sso.Start{
		Provider: form.Get("provider"), Mode: sso.ModeSession, Redirect: s.path(c, "/"),
		Invitation: sso.InvitationToken(form.Get(sso.InvitationParameter)),
	}
	if start.Invitation == "" {
		return sso.ErrInvitation
	}
	if _, err := s.ports.Logins.Provider(start.Provider); err != nil {
		return err
	}
	pending, err := s.begin(c, start)
	if errors.Is(err, sso.ErrOnePublicURL) {
		return seeOther(c, sso.InvitationURL(s.urls.main.text, start.Invitation))
	}
	if err != nil {
		// This must not lead to a login that starts without the invitation.
		return s.answerRefused(c, sso.Attempt{Provider: start.Provider, Invitation: sso.Invitation{Hash: start.Invitation.Claim().Key}}, err)
	}
	return s.showStep(c, pending)
}
