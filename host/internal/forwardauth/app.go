package forwardauth

import (
	"slices"
	"strings"
)

// An App is an application behind a proxy, and who may use it.
type App struct {
	Name   string
	Origin Origin

	// Prefix begins and ends with a slash, and is "/" for the whole origin. It has
	// letters, digits and punctuation that no server reads in two ways.
	Prefix string

	// Subject is whom the app admits; the zero Subject is everybody who is signed in.
	Subject

	// Allow, unless it is empty, are alternatives of which one must be met as well.
	Allow []Subject

	// Public are paths for everybody, below Prefix.
	Public []PublicPath

	// EmailOf are the providers whose e-mail addresses say who somebody is. Whoever gets
	// the same address from another one is somebody else. If there are several, an address
	// counts only if its provider has verified it.
	EmailOf []string

	// Preflight lets CORS preflights pass, which carry no credentials (Fetch standard,
	// "CORS-preflight fetch").
	Preflight bool
}

// A Subject says who: of each list that is not empty, one entry must fit. All are
// compared byte for byte, but for the case of ASCII letters in e-mail addresses.
type Subject struct {
	Providers []string // names
	Roles     []string // names or IDs
	Groups    []string // as the provider names them
	Users     []string // IDs, or e-mail addresses, of which see App.EmailOf
}

// A PublicPath is for everybody.
type PublicPath struct {
	Path    string   // all below it if it ends in a slash, else exactly this
	Methods []string // none: GET and HEAD; GET stands for HEAD, too
}

// Root is the URL of the app.
func (a *App) Root() string { return a.Origin.String() + a.Prefix }

func (p PublicPath) has(method, path string) bool {
	if path != p.Path && !(strings.HasSuffix(p.Path, "/") && strings.HasPrefix(path, p.Path)) {
		return false
	}
	if len(p.Methods) == 0 {
		return method == "GET" || method == "HEAD"
	}
	return slices.Contains(p.Methods, method) || method == "HEAD" && slices.Contains(p.Methods, "GET")
}

// public returns the public path that a request is at, or nil.
func (a *App) public(method, path string) *PublicPath {
	for i := range a.Public {
		if a.Public[i].has(method, path) {
			return &a.Public[i]
		}
	}
	return nil
}

// Missing says what a person lacks, in the words of the rules; nothing if the app
// admits them.
func (a *App) Missing(p *Person) []Lack {
	lacks := a.lacks(&a.Subject, p)
	if len(a.Allow) == 0 {
		return lacks
	}
	var alternatives []Lack
	for i := range a.Allow {
		more := a.lacks(&a.Allow[i], p)
		if len(more) == 0 {
			return lacks
		}
		alternatives = append(alternatives, more...)
	}
	return append(lacks, alternatives...)
}

// A Lack is a list of a rule that no entry fits of.
type Lack struct {
	What  string // "providers", "roles", "groups", "users"; "name": see Server.Missing
	OneOf []string
}

func (a *App) lacks(s *Subject, p *Person) (lacks []Lack) {
	if len(s.Providers) > 0 && !slices.Contains(s.Providers, p.Provider) {
		lacks = append(lacks, Lack{"providers", s.Providers})
	}
	if len(s.Roles) > 0 && !slices.ContainsFunc(s.Roles, p.hasRole) {
		lacks = append(lacks, Lack{"roles", s.Roles})
	}
	if len(s.Groups) > 0 && !slices.ContainsFunc(s.Groups, p.Groups.Has) {
		lacks = append(lacks, Lack{"groups", s.Groups})
	}
	if len(s.Users) > 0 && !slices.ContainsFunc(s.Users, func(user string) bool { return a.names(user, p) }) {
		lacks = append(lacks, Lack{"users", s.Users})
	}
	return lacks
}

func (a *App) names(user string, p *Person) bool {
	if !strings.Contains(user, "@") {
		return user == p.ID
	}
	return sameAddress(user, a.email(p))
}

// email is the address that says who somebody is; empty if theirs does not. It is that of
// the account, which another provider can have told: so it counts if that of the session
// has verified it, or, if there is only this one, has made the account, and no other has
// verified the address.
func (a *App) email(p *Person) string {
	alone := len(a.EmailOf) == 1 && p.AccountOf == p.Provider && p.EmailVerifiedBy == ""
	if !slices.Contains(a.EmailOf, p.Provider) || !alone && p.EmailVerifiedBy != p.Provider {
		return ""
	}
	return p.Email
}

// sameAddress does not go by strings.EqualFold, to which the Kelvin sign is a k: whoever
// has such an address is somebody else.
func sameAddress(a, b string) bool { return lowerASCII(a) == lowerASCII(b) }
