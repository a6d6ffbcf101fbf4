package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
	"github.com/doorward/doorward/sdk"
)

// passwordLogin answers POST /auth/login, where the seed checks local
// passwords. There are none.
func (s *Server) passwordLogin(echo.Context) error { return errNoPasswords }

// directRequest is a login by a program that asks its user itself: identifier
// and password at once or, when more was asked for, an attempt with answers.
type directRequest struct {
	Identifier string            `json:"identifier"`
	Password   string            `json:"password"`
	Mode       string            `json:"mode"`
	Attempt    string            `json:"attempt"`
	Answers    map[string]string `json:"answers"`
}

// directLogin answers POST /auth/login/{provider} for mechanisms that begin
// with a prompt.
func (s *Server) directLogin(c echo.Context) error {
	name := c.Param("provider")
	if _, err := s.ports.Logins.Provider(name); err != nil {
		return err
	}
	body := directRequest{Mode: string(sso.ModeJSON)}
	if err := readBody(c, &body, func(get func(string) string) {
		body.Identifier, body.Password, body.Mode = get("identifier"), get("password"), get("mode")
	}); err != nil {
		return err
	}
	answer, err := s.directAnswer(c, name, body)
	if more, ok := errors.AsType[moreWanted](err); ok {
		return s.askAgain(c, more.pending)
	}
	if err != nil {
		return s.refuseLogin(c, sso.Attempt{Provider: name}, err)
	}
	out, err := s.ports.Logins.Continue(c.Request().Context(), answer)
	if err != nil {
		return s.refuseLogin(c, sso.Attempt{Provider: name}, err)
	}
	if out.Pending != nil {
		return s.askAgain(c, *out.Pending)
	}
	s.logSignedIn(c, name, out.SignedIn)
	if out.SignedIn.Mode == sso.ModeJSON {
		return s.answerJSON(c, out.SignedIn)
	}
	s.setSignedInCookie(c, out.SignedIn)
	return c.JSON(http.StatusOK, data{tokenBody(out.SignedIn)})
}

// directAnswer begins the login, unless the client goes on with an attempt.
func (s *Server) directAnswer(c echo.Context, name string, body directRequest) (sso.Answer, error) {
	answer := sso.Answer{Provider: name, Client: client(c), Replaces: s.cookieTokens(c)}
	answer.Response.Method = http.MethodPost
	if body.Attempt != "" {
		var ok bool
		if answer.State, answer.Sealed, ok = strings.Cut(body.Attempt, "."); !ok {
			return answer, sso.ErrAttemptInvalid
		}
		answer.Response.Form = url.Values{}
		for field, value := range body.Answers {
			answer.Response.Form.Set(field, value)
		}
		return answer, nil
	}
	if body.Identifier == "" || body.Password == "" {
		return answer, payloadError{"identifier and password are required"}
	}
	mode, err := parseMode(body.Mode)
	if err != nil {
		return answer, err
	}
	if mode == "" {
		mode = sso.ModeJSON
	}
	pending, err := s.ports.Logins.Begin(c.Request().Context(), sso.Start{Provider: name, Mode: mode, Redirect: "/"})
	if err != nil {
		return answer, err
	}
	answer.State, answer.Sealed = pending.Attempt.State, pending.Sealed
	prompt, ok := pending.Step.(sdk.Prompt)
	if !ok {
		return answer, payloadError{"this provider signs in through a browser: open " + s.path("/auth/login/"+name) + " there"}
	}
	if answer.Response.Form, ok = credentials(prompt, body); !ok {
		return answer, moreWanted{pending}
	}
	return answer, nil
}

// moreWanted is a login that asks for more than a name and a password.
type moreWanted struct{ pending sso.Pending }

func (moreWanted) Error() string { return "more than identifier and password is wanted" }

// credentials puts identifier and password into the fields that are meant for
// them: the identifier into the user name, or into the only text field if there
// is none. It reports whether the identifier found a field and all that must be
// filled is; if not, the mechanism is not bothered, because a try could count
// towards a lock, or sign in somebody other than the client named.
func credentials(prompt sdk.Prompt, body directRequest) (url.Values, bool) {
	kinds := map[sdk.FieldKind]int{}
	for _, f := range prompt.Fields {
		kinds[f.Kind]++
	}
	form, named, complete := url.Values{}, false, true
	for _, f := range prompt.Fields {
		switch {
		case f.Kind == sdk.FieldPassword && kinds[sdk.FieldPassword] == 1:
			form.Set(f.Name, body.Password)
		case f.Kind == sdk.FieldUsername && kinds[sdk.FieldUsername] == 1,
			f.Kind == sdk.FieldText && kinds[sdk.FieldText] == 1 && kinds[sdk.FieldUsername] == 0:
			form.Set(f.Name, body.Identifier)
			named = true
		case !f.Optional:
			complete = false
		}
	}
	return form, named && complete
}

// askAgain tells the client what else is wanted, with a token to go on with.
func (s *Server) askAgain(c echo.Context, pending sso.Pending) error {
	prompt, ok := pending.Step.(sdk.Prompt)
	if !ok {
		return payloadError{"this login goes on in a browser: open " + s.path("/auth/login/"+pending.Attempt.Provider) + " there"}
	}
	s.logAskedAgain(c, pending.Attempt.Provider, prompt)
	a := answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", promptMessage(prompt.Reason, page.MessageMoreWanted)}
	body := errorBody(c, a, sdk.Denied(prompt.Reason, "more is wanted"))
	fields := make([]map[string]any, 0, len(prompt.Fields))
	for _, f := range prompt.Fields {
		fields = append(fields, map[string]any{"name": f.Name, "kind": f.Kind, "label": f.Label, "optional": f.Optional})
	}
	body.Errors[0].Extensions["fields"] = fields
	body.Errors[0].Extensions["attempt"] = pending.Attempt.State + "." + pending.Sealed
	return c.JSON(a.status, body)
}
