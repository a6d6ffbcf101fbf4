package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
	"github.com/doorward/doorward/sdk"
)

// startLogin answers GET /auth/login/{provider}: it sends the browser to the provider, or
// shows the form that the mechanism asks for.
func (s *Server) startLogin(c echo.Context) error {
	start, err := s.readStart(c)
	if err != nil {
		return err
	}
	pending, err := s.begin(c, start)
	if errors.Is(err, errLimited) {
		// This does not lead back to the application, which might start again at once.
		return s.answerRefused(c, sso.Attempt{Provider: start.Provider}, err)
	}
	if errors.Is(err, sso.ErrOnePublicURL) {
		return s.startAtPublicURL(c, start)
	}
	if err != nil {
		return s.refuseLogin(c, sso.Attempt{
			Provider: start.Provider, Mode: start.Mode, Redirect: start.Redirect, RedirectAsked: start.RedirectAsked,
		}, err)
	}
	return s.showStep(c, pending)
}

func (s *Server) readStart(c echo.Context) (sso.Start, error) {
	query, err := queryOnce(c)
	start := sso.Start{
		Provider: c.Param("provider"), RedirectAsked: query.Get("redirect") != "",
		LoginHint: usableHint(query.Get("login_hint")), Consent: query.Get("prompt") != "",
	}
	provider, providerErr := s.ports.Logins.Provider(start.Provider)
	if providerErr != nil {
		return start, providerErr
	}
	if err != nil {
		return start, err
	}
	if isInBrackets(query, "redirect") {
		return start, payloadError{`"redirect" must be a string`}
	}
	if start.Redirect, err = s.publicURL(c).redirects.resolve(provider, query.Get("redirect")); err != nil {
		return start, err
	}
	if !start.RedirectAsked {
		start.Redirect = s.path(c, "/")
	}
	start.Mode, err = parseMode(query.Get("mode"))
	if start.Mode == "" && start.RedirectAsked && (s.leadsToApp(start.Redirect) || s.leadsToAccount(c, start.Redirect)) {
		start.Mode = sso.ModeSession // applications and our own pages identify people by their session cookie
	}
	return start, err
}

func parseMode(name string) (sso.Mode, error) {
	switch mode := sso.Mode(name); mode {
	case "", sso.ModeJSON, sso.ModeCookie, sso.ModeSession:
		return mode, nil
	default:
		return "", payloadError{`"mode" must be "json", "cookie" or "session"`}
	}
}

// usableHint drops a login hint that no provider could use.
func usableHint(hint string) string {
	if len(hint) > 320 || strings.ContainsFunc(hint, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return ""
	}
	return hint
}

// startURL is where a login with p starts. It has the mode only if that differs from p's
// own.
func (s *Server) startURL(c echo.Context, p sso.Provider, mode sso.Mode) string {
	link := s.path(c, "/auth/login/"+p.Name)
	if mode == "" || mode == p.Mode {
		return link
	}
	return link + "?" + queryOf("mode", string(mode))
}

// showStep takes a pending login to its next step in the browser.
func (s *Server) showStep(c echo.Context, pending sso.Pending) error {
	p, err := s.ports.Logins.Provider(pending.Attempt.Provider)
	if err != nil {
		return err
	}
	s.keepAttempt(c, pending.Attempt.State, pending.Sealed, p.LoginTimeout+attemptCookieExtra)
	switch step := pending.Step.(type) {
	case sdk.Redirect:
		return seeOther(c, step.URL)
	case sdk.FormPost:
		return s.stream(c, page.Submit{Provider: p.Label, Action: step.URL, Fields: hiddenFields(step.Fields)}, formsLeave)
	case sdk.Prompt:
		return s.prompt(c, p, pending.Attempt, step)
	default:
		return sso.ErrPluginFault
	}
}

func (s *Server) prompt(c echo.Context, p sso.Provider, attempt sso.Attempt, prompt sdk.Prompt) error {
	fields := make([]page.Field, 0, len(prompt.Fields))
	for _, f := range prompt.Fields {
		fields = append(fields, page.Field{Name: f.Name, Kind: f.Kind, Label: f.Label, Optional: f.Optional})
	}
	status := http.StatusOK
	if prompt.Reason != "" {
		status = http.StatusUnauthorized
	}
	s.logPromptRepeated(c, p.Name, prompt)
	view := page.Prompt{
		Provider: p.Label, Action: s.path(c, "/auth/login/"+p.Name+"/callback"),
		Hidden:  []page.HiddenField{{Name: "state", Value: attempt.State}, {Name: repostedField, Value: "1"}},
		Message: promptMessage(prompt.Reason, page.Message{}), Fields: fields, SignInURL: s.signInURLOf(c, attempt),
	}
	if attempt.LinkTo != "" {
		view.BackURL = s.path(c, accountPath)
	}
	return s.render(c, status, view, formsLeave)
}

// promptMessage says why a prompt is shown again; first is the message for the first time.
func promptMessage(reason sdk.Reason, first page.Message) page.Message {
	if reason == "" {
		return first
	}
	if message, ok := deniedMessages[reason]; ok {
		return message
	}
	return page.MessageNotAccepted
}

// logPromptRepeated lets operators count wrong passwords. A prompt without a reason is a
// step of a login without errors.
func (s *Server) logPromptRepeated(c echo.Context, provider string, prompt sdk.Prompt) {
	if prompt.Reason == "" {
		return
	}
	s.countRefused(provider, knownReason(prompt.Reason))
	s.sampled.warn(c, provider, "sign-in refused, asking again", "code", "INVALID_CREDENTIALS", "reason", string(prompt.Reason))
}
