package forwardauth

import (
	"strings"
)

// A Request is what a proxy says that somebody asks an app for.
type Request struct {
	Method string
	Origin Origin
	Target string // path and query, as they were sent

	// Preflight: it has what makes OPTIONS a CORS preflight.
	Preflight bool
}

// URL is where the request goes.
func (r *Request) URL() string { return r.Origin.String() + r.Target }

// A Verdict is what becomes of a request.
type Verdict int

// The verdicts. The zero value denies.
const (
	Denied    Verdict = iota // signed in, and not admitted
	Unknown                  // there is no such app
	Ambiguous                // the path can be read in two ways, and a rule looks at it
	SignIn                   // nobody is signed in
	Public                   // everybody may
	Preflight                // a preflight, which the app lets pass
	Admitted                 // signed in, and admitted
)

var verdicts = [...]string{
	Denied: "denied", Unknown: "unknown_app", Ambiguous: "ambiguous", SignIn: "sign_in", Public: "public", Preflight: "preflight", Admitted: "admitted",
}

func (v Verdict) String() string { return verdicts[v] }

// Pass reports whether the request may go on to the app.
func (v Verdict) Pass() bool { return v == Public || v == Preflight || v == Admitted }

// A Decision is a verdict, and why.
type Decision struct {
	Verdict Verdict
	App     *App        // nil: none
	Public  *PublicPath // by which it is public
	Missing []Lack      // what the person lacks
	Err     error       // why there is no app
}

// place is the part of a decision that does not depend on who asks. Its verdict is
// SignIn if that decides.
func (r *Rules) place(request *Request) Decision {
	app, path, err := r.find(request.Origin, request.Target)
	switch {
	case err == ErrUnknownApp: //nolint:errorlint // find returns it as it is
		return Decision{Verdict: Unknown, Err: err}
	case err != nil:
		return Decision{Verdict: Ambiguous, Err: err}
	}
	if len(app.Public) > 0 {
		if public := app.public(request.Method, path); public != nil {
			return Decision{Verdict: Public, App: app, Public: public}
		}
	}
	if app.Preflight && request.Preflight && request.Method == "OPTIONS" {
		return Decision{Verdict: Preflight, App: app}
	}
	return Decision{Verdict: SignIn, App: app}
}

// who goes on with a decision of place that is SignIn, for somebody who is signed in.
func (d Decision) who(p *Person) Decision {
	d.Verdict, d.Missing = Admitted, d.App.Missing(p)
	if len(d.Missing) > 0 {
		d.Verdict = Denied
	}
	return d
}

// Decide says what becomes of a request; a nil person is not signed in.
func (r *Rules) Decide(request *Request, p *Person) Decision {
	d := r.place(request)
	if d.Verdict != SignIn || p == nil {
		return d
	}
	return d.who(p)
}

const maxMethod = 32

// isMethod accepts methods in capitals only: what an app makes of "get" nobody knows.
func isMethod(text string) bool {
	if text == "" || len(text) > maxMethod {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < 'A' || c > 'Z') && (c != '-' || i == 0) {
			return false
		}
	}
	return true
}

const maxTarget = 16 << 10

// isTarget accepts the origin-form of a request target (RFC 9112 section 3.2.1).
func isTarget(text string) bool {
	if text == "" || text[0] != '/' || len(text) > maxTarget {
		return false
	}
	return strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) < 0
}
