package forwardauth

import (
	"strings"
)

// A Request is the request to an app, as the proxy reports it.
type Request struct {
	Method string
	Origin Origin
	Target string // path and query as sent

	// Preflight: the request has the headers that make OPTIONS a CORS preflight.
	Preflight bool
}

// URL returns the URL of the request.
func (r *Request) URL() string { return r.Origin.String() + r.Target }

// A Verdict is the decision about a request.
type Verdict int

// The verdicts. The zero value denies.
const (
	Denied    Verdict = iota // signed in, but not admitted
	Unknown                  // there is no such app
	Ambiguous                // the path is ambiguous, and a rule depends on it
	SignIn                   // nobody is signed in
	Public                   // open to everybody
	Preflight                // a preflight that the app lets pass
	Admitted                 // signed in, and admitted
)

var verdicts = [...]string{
	Denied: "denied", Unknown: "unknown_app", Ambiguous: "ambiguous", SignIn: "sign_in", Public: "public", Preflight: "preflight", Admitted: "admitted",
}

func (v Verdict) String() string { return verdicts[v] }

// Pass reports whether the request may pass to the app.
func (v Verdict) Pass() bool { return v == Public || v == Preflight || v == Admitted }

// A Decision is a verdict with its reasons.
type Decision struct {
	Verdict Verdict
	App     *App        // nil: none
	Public  *PublicPath // the matching public path
	Missing []Lack      // what the user lacks
	Err     error       // why there is no app
}

// withoutPerson is the part of a decision that does not depend on the user. Its verdict
// is SignIn if the user matters.
func (r *Rules) withoutPerson(request *Request) Decision {
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

// forPerson completes a decision of withoutPerson for a signed-in user.
func (d Decision) forPerson(p *Person) Decision {
	d.Verdict, d.Missing = Admitted, d.App.Missing(p)
	if len(d.Missing) > 0 {
		d.Verdict = Denied
	}
	return d
}

// Decide returns the decision about a request; p is nil if nobody is signed in.
func (r *Rules) Decide(request *Request, p *Person) Decision {
	d := r.withoutPerson(request)
	if d.Verdict != SignIn || p == nil {
		return d
	}
	return d.forPerson(p)
}

const maxMethod = 32

// isMethod accepts methods in capitals only: apps may treat "get" differently.
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
