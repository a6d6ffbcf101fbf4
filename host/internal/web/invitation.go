package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
)

// invitation answers GET /invitation: it tells whose account the link is for, and how one
// can sign in to take it. Opening it uses nothing up, since programs that look at mail
// open every link.
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

// acceptInvitation answers POST /invitation: a login begins that takes the account. It
// comes from our own page only: else another site could have somebody, without a word,
// take an account that it knows more of than they do.
// The token stays with us, in the sealed attempt: the page sends no Referer, and a
// provider is told nothing of it.
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
		// Not to where the same would start without the invitation.
		return s.answerRefused(c, sso.Attempt{Provider: start.Provider, Invitation: sso.Invitation{Hash: start.Invitation.Claim().Key}}, err)
	}
	return s.showStep(c, pending)
}
