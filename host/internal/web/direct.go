package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/web/page"
	"github.com/doorward/doorward/sdk"
)

// passwordLogin answers POST /auth/login, where Directus checks local passwords. This host
// has none.
func (s *Server) passwordLogin(echo.Context) error { return errNoPasswords }

// directRequest is a login by a program that asks its user for credentials. It has what the
// first prompt asks for, as identifier and password or by the name of each field. If more
// was required, it has an attempt with answers.
type directRequest struct {
	Identifier string            `json:"identifier"`
	Password   string            `json:"password"`
	Mode       string            `json:"mode"`
	Attempt    string            `json:"attempt"`
	Answers    map[string]string `json:"answers"`
}

// directLogin answers POST /auth/login/{provider} for mechanisms that begin with a prompt.
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
	if more, ok := errors.AsType[moreFieldsWanted](err); ok {
		return s.answerMoreFields(c, more.pending)
	}
	if err != nil {
		return s.refuseLogin(c, sso.Attempt{Provider: name}, err)
	}
	out, err := s.tryAnswer(c, answer)
	if err != nil {
		return s.refuseLogin(c, sso.Attempt{Provider: name}, err)
	}
	if out.Pending != nil {
		return s.answerMoreFields(c, *out.Pending)
	}
	s.logSignedIn(c, name, out.SignedIn)
	if out.SignedIn.Mode == sso.ModeJSON {
		return s.answerJSON(c, out.SignedIn)
	}
	s.setSignedInCookie(c, out.SignedIn)
	return c.JSON(http.StatusOK, data{tokenBody(out.SignedIn)})
}

// directAnswer begins the login, unless the client continues an attempt.
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
	mode, err := parseMode(body.Mode)
	if err != nil {
		return answer, err
	}
	if mode == "" {
		mode = sso.ModeJSON
	}
	if err := s.checkLimits(c, name, body.Identifier); err != nil {
		return answer, err
	}
	pending, err := s.begin(c, sso.Start{Provider: name, Mode: mode, Redirect: "/"})
	if errors.Is(err, sso.ErrOnePublicURL) {
		return answer, s.inBrowserOnly(c, name)
	}
	if err != nil {
		return answer, err
	}
	answer.State, answer.Sealed = pending.Attempt.State, pending.Sealed
	prompt, ok := pending.Step.(sdk.Prompt)
	if !ok {
		return answer, s.inBrowserOnly(c, name)
	}
	form, missing, complete := credentials(prompt, body)
	if len(missing) > 0 {
		return answer, payloadError{strings.Join(missing, " and ") + required(missing)}
	}
	if !complete {
		return answer, moreFieldsWanted{pending}
	}
	answer.Response.Form = form
	return answer, nil
}

func (s *Server) inBrowserOnly(c echo.Context, provider string) error {
	return payloadError{"this provider signs people in through a browser: open " + s.path(c, "/auth/login/"+provider) + " in a browser"}
}

// moreFieldsWanted is a login whose first prompt asks for fields that the client may not
// know: the answer lists them.
type moreFieldsWanted struct{ pending sso.Pending }

func (moreFieldsWanted) Error() string { return "more than identifier and password is required" }

func required(names []string) string {
	if len(names) == 1 {
		return " is required"
	}
	return " are required"
}

// credentials puts what the client sent into the fields of the first prompt. An answer goes
// into the field with its name. The identifier goes into the user name, or into the only
// text field if there is no user name, and the password into the only password field.
//
// missing are those of the two that the prompt requires and the client did not send.
// complete is false if something else is missing, or no field takes the identifier. Then
// the mechanism is not called, because a try could count towards a lockout, or sign in
// another user than the client named.
func credentials(prompt sdk.Prompt, body directRequest) (form url.Values, missing []string, complete bool) {
	kinds := map[sdk.FieldKind]int{}
	for _, f := range prompt.Fields {
		kinds[f.Kind]++
	}
	login := sso.LoginField(prompt.Fields)
	form, named, complete := url.Values{}, body.Identifier == "", true
	for _, f := range prompt.Fields {
		value, name := body.Answers[f.Name], ""
		switch {
		case value != "":
		case f.Kind == sdk.FieldPassword && kinds[sdk.FieldPassword] == 1:
			value, name = body.Password, "password"
		case f.Name == login:
			value, name, named = body.Identifier, "identifier", true
		}
		switch {
		case value != "":
			form.Set(f.Name, value)
		case f.Optional:
		case name != "":
			missing = append(missing, strconv.Quote(name))
		default:
			complete = false
		}
	}
	return form, missing, named && complete
}

// answerMoreFields tells the client which other fields are required, with a token to
// continue.
func (s *Server) answerMoreFields(c echo.Context, pending sso.Pending) error {
	prompt, ok := pending.Step.(sdk.Prompt)
	if !ok {
		return payloadError{"this login continues in a browser: open " + s.path(c, "/auth/login/"+pending.Attempt.Provider) + " in a browser"}
	}
	s.logPromptRepeated(c, pending.Attempt.Provider, prompt)
	a := answer{http.StatusUnauthorized, "INVALID_CREDENTIALS", promptMessage(prompt.Reason, page.MessageMoreWanted)}
	body := s.errorBody(c, a, sdk.Denied(prompt.Reason, "more is required"))
	fields := make([]map[string]any, 0, len(prompt.Fields))
	for _, f := range prompt.Fields {
		fields = append(fields, map[string]any{"name": f.Name, "kind": f.Kind, "label": f.Label, "optional": f.Optional})
	}
	body.Errors[0].Extensions["fields"] = fields
	body.Errors[0].Extensions["attempt"] = pending.Attempt.State + "." + pending.Sealed
	return c.JSON(a.status, body)
}
