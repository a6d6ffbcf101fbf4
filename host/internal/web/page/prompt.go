package page

import (
	"fmt"
	"strings"

	"github.com/doorward/doorward/sdk"
)

// Prompt asks for something: a password, a code, a new password.
type Prompt struct {
	Provider string        // its label
	Action   string        // the form posts to it
	Hidden   []HiddenField // posted with the answers
	Message  Message       // why the prompt is shown again; zero the first time
	Fields   []Field

	SignInURL string // where to choose another way to sign in; empty: the sign-in page
	BackURL   string // the account page, if the prompt is for linking; empty: it is for signing in
}

// Field is one thing that a prompt asks for.
type Field struct {
	Name     string
	Kind     sdk.FieldKind
	Label    string // plain text; empty: the label of the kind
	Optional bool
}

func (Prompt) file() string      { return "prompt.html" }
func (p Prompt) links() []string { return []string{p.Action, p.SignInURL, p.BackURL} }

// Heading says what the page is for. It depends on the kinds of the fields.
func (p Prompt) Heading() string {
	switch {
	case p.asksFor(sdk.FieldNewPassword):
		return "Choose a new password"
	case p.asksFor(sdk.FieldOneTimeCode) && !p.asksFor(sdk.FieldPassword):
		return "Enter your code"
	case p.Provider != "":
		return "Sign in with " + p.Provider
	}
	return "Sign in"
}

// Button is the text of the button.
func (p Prompt) Button() string {
	if p.asksFor(sdk.FieldPassword) && !p.asksFor(sdk.FieldNewPassword) {
		return "Sign in"
	}
	return "Continue"
}

func (p Prompt) asksFor(kind sdk.FieldKind) bool {
	for _, f := range p.Fields {
		if f.Kind == kind {
			return true
		}
	}
	return false
}

// input describes the input element for a kind of field. The autocomplete tokens are those
// of the HTML Standard section 4.10.18.7; password managers rely on them.
type input struct {
	Type, Autocomplete, Mode string
	Verbatim                 bool // the keyboard must not capitalize or correct the text
	label                    string
}

var inputs = map[sdk.FieldKind]input{
	sdk.FieldText:        {Type: "text"},
	sdk.FieldUsername:    {Type: "text", Autocomplete: "username", Verbatim: true, label: "User name"},
	sdk.FieldPassword:    {Type: "password", Autocomplete: "current-password", label: "Password"},
	sdk.FieldNewPassword: {Type: "password", Autocomplete: "new-password", label: "New password"},
	sdk.FieldOneTimeCode: {Type: "text", Autocomplete: "one-time-code", Mode: "numeric", Verbatim: true, label: "One-time code"},
}

// Input returns the input element for the field. An unknown kind is an error: shown as
// text, it could put a password on the screen.
func (f Field) Input() (input, error) {
	in, ok := inputs[f.Kind]
	if !ok {
		return input{}, fmt.Errorf("a field of unknown kind %q", f.Kind)
	}
	return in, nil
}

// Text is the visible label of the field.
func (f Field) Text() string {
	if f.Label != "" {
		return f.Label
	}
	if own := inputs[f.Kind].label; own != "" {
		return own
	}
	words := strings.TrimSpace(strings.ReplaceAll(f.Name, "_", " "))
	if words == "" {
		return "Answer"
	}
	return strings.ToUpper(words[:1]) + words[1:]
}
