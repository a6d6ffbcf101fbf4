package openidtest

import (
	"net/http"
	"net/url"
	"strings"
)

// Misbehaviours of the authorization response.
const (
	ResponseIssOther   Misbehaviour = "response-iss-other"
	ResponseIssSlash   Misbehaviour = "response-iss-slash"
	ResponseIssMissing Misbehaviour = "response-iss-missing"
	ResponseIssEmpty   Misbehaviour = "response-iss-empty"
	ResponseIssTwice   Misbehaviour = "response-iss-twice"

	StateOther         Misbehaviour = "state-other"
	StateOfAnotherFlow Misbehaviour = "state-of-another-flow"
	StateMissing       Misbehaviour = "state-missing"
	StateEmpty         Misbehaviour = "state-empty"
	StateTwice         Misbehaviour = "state-twice"
	StateHuge          Misbehaviour = "state-huge"

	AccessDenied           Misbehaviour = "access-denied"
	TemporarilyUnavailable Misbehaviour = "temporarily-unavailable"
	ErrorWithCode          Misbehaviour = "error-with-code"
	ErrorWithoutState      Misbehaviour = "error-without-state"
	ErrorWithMarkup        Misbehaviour = "error-with-markup"

	CodeMissing     Misbehaviour = "code-missing"
	CodeEmpty       Misbehaviour = "code-empty"
	CodeTwice       Misbehaviour = "code-twice"
	CodeForged      Misbehaviour = "code-forged"
	CodeHuge        Misbehaviour = "code-huge"
	CodeControl     Misbehaviour = "code-control-characters"
	CodeInvalidUTF8 Misbehaviour = "code-invalid-utf8"

	ResponseInFragment Misbehaviour = "response-in-fragment"
	ResponseByPost     Misbehaviour = "response-by-post"
	ResponseByGet      Misbehaviour = "response-by-get"
	ResponseNever      Misbehaviour = "response-never"
)

func responseBehaviours() []behaviour {
	const markup = `<script>alert(1)</script>"'&`
	return []behaviour{
		{name: ResponseIssOther, rows: "E04", text: "iss is another provider's: a mix-up",
			response: answerWith("iss", "https://other.example")},
		{name: ResponseIssSlash, rows: "E04 F02", text: "iss has a trailing slash too many, or too few",
			response: func(r *response) { r.params.Set("iss", toggleSlash(r.login.issuer)) }},
		{name: ResponseIssMissing, rows: "E04", text: "iss is left out though announced (RFC 9207 section 2.4)",
			response: answerWith("iss")},
		{name: ResponseIssEmpty, rows: "E04", text: "iss is empty",
			response: answerWith("iss", "")},
		{name: ResponseIssTwice, rows: "E04 A14", text: "iss is there twice: the right one, then another's",
			response: func(r *response) { r.params.Add("iss", "https://other.example") }},

		{name: StateOther, rows: "A10 A12", text: "state is none that anybody sent",
			response: func(r *response) { r.params.Set("state", randomText(32)) }},
		{name: StateOfAnotherFlow, rows: "A11 A12 A13", text: "state is that of the client's authentication request before this one, or invented if there was none",
			response: func(r *response) { r.params.Set("state", r.login.other.state) }},
		{name: StateMissing, rows: "A14", text: "state is left out", response: answerWith("state")},
		{name: StateEmpty, rows: "A14", text: "state is empty", response: answerWith("state", "")},
		{name: StateTwice, rows: "A14", text: "state is there twice: the right one, then another",
			response: func(r *response) { r.params.Add("state", randomText(32)) }},
		{name: StateHuge, rows: "A14", text: "state is the right one and 10 KiB more",
			response: func(r *response) { r.params.Set("state", r.params.Get("state")+strings.Repeat("a", 10<<10)) }},

		{name: AccessDenied, rows: "E05", text: "error=access_denied: the end user refuses, which is legal; the login ends as cancelled, without a token request",
			response: answerError("access_denied", "the end user refused")},
		{name: TemporarilyUnavailable, rows: "E05", text: "error=temporarily_unavailable, which is legal; the login ends",
			response: answerError("temporarily_unavailable", "come back later")},
		{name: ErrorWithCode, rows: "E05", text: "error and a good code together",
			response: answerWith("error", "access_denied")},
		{name: ErrorWithoutState, rows: "E05 A14", text: "error=access_denied without state",
			response: func(r *response) {
				answerError("access_denied", "the end user refused")(r)
				r.params.Del("state")
			}},
		{name: ErrorWithMarkup, rows: "A19 E05", text: "error, error_description and error_uri hold a script; no page may run it",
			response: func(r *response) {
				answerError(markup, markup)(r)
				r.params.Set("error_uri", "javascript:alert(1)")
			}},

		{name: CodeMissing, rows: "E05 E17", text: "neither code nor error", response: answerWith("code")},
		{name: CodeEmpty, rows: "E05", text: "code is empty", response: answerWith("code", "")},
		{name: CodeTwice, rows: "A14 E18", text: "code is there twice: the good one, then another",
			response: func(r *response) { r.params.Add("code", randomText(32)) }},
		{name: CodeForged, rows: "A10 E02", text: "code is not one that the provider issued",
			response: func(r *response) { r.params.Set("code", randomText(32)) }},
		{name: CodeHuge, rows: "E18", text: "code has 64 KiB; the token endpoint takes it",
			login: func(l *login) { l.code += strings.Repeat("a", 64<<10) }},
		{name: CodeControl, rows: "E18", text: "code holds a NUL and a line break; the token endpoint takes it",
			login: func(l *login) { l.code += "\x00\r\nX-Injected: yes" }},
		{name: CodeInvalidUTF8, rows: "E18", text: "code is not UTF-8; the token endpoint takes it",
			login: func(l *login) { l.code += "\xff\xfe" }},

		{name: ResponseInFragment, rows: "E17", text: "the response is in the fragment, so that the callback gets none",
			response: answerBy(modeFragment)},
		{name: ResponseByPost, rows: "E17", text: "the response is posted though a query was asked for",
			response: answerBy(modeFormPost)},
		{name: ResponseByGet, rows: "E17", needs: Needs{ResponseMode: modeFormPost}, text: "the response is in the query though form_post was asked for",
			response: answerBy(modeQuery)},
		{name: ResponseNever, rows: "A15", text: "the provider shows its own error page and never sends the browser back",
			reply: becomes(http.StatusInternalServerError, "text/html", htmlPage)},
	}
}

// answerWith sets a parameter, or removes it if there is no value.
func answerWith(name string, values ...string) func(*response) {
	return func(r *response) {
		r.params.Del(name)
		for _, value := range values {
			r.params.Add(name, value)
		}
	}
}

// answerError replaces the code.
func answerError(code, text string) func(*response) {
	return func(r *response) {
		kept := url.Values{"error": {code}, "error_description": {text}}
		for _, name := range []string{"state", "iss"} {
			if r.params.Has(name) {
				kept[name] = r.params[name]
			}
		}
		r.params = kept
	}
}

func answerBy(mode string) func(*response) {
	return func(r *response) { r.mode = mode }
}
