package forwardauth

import (
	"slices"
	"strings"
)

// An App is an application behind a proxy and the rules of who may use it.
type App struct {
	Name   string
	Origin Origin

	// Prefix begins and ends with a slash, and is "/" for the whole origin. It contains only
	// letters, digits and punctuation that are not ambiguous.
	Prefix string

	// Subject says who may use the app. The zero Subject admits every signed-in user.
	Subject

	// Allow, if not empty, contains alternatives, one of which must also be met.
	Allow []Subject

	// Public contains the paths below Prefix that need no sign-in.
	Public []PublicPath

	// EmailOf contains the providers whose e-mail addresses identify a user. The same address
	// from another provider belongs to a different user. If there are several providers, an
	// address counts only if its provider has verified it.
	EmailOf []string

	// Preflight allows CORS preflights, which have no credentials (Fetch standard,
	// "CORS-preflight fetch").
	Preflight bool
}

// A Subject describes users: one entry of each non-empty list must match. Entries are
// compared byte for byte, except for the case of ASCII letters in e-mail addresses.
type Subject struct {
	Providers []string // names
	Roles     []string // names or IDs
	Groups    []string // names from the provider
	Users     []string // IDs or e-mail addresses; see App.EmailOf
}

// A PublicPath is a path that needs no sign-in.
type PublicPath struct {
	Path    string   // with a slash at the end, all paths below it; otherwise only this path
	Methods []string // if empty, GET and HEAD; GET includes HEAD
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

// public returns the public path that matches a request, or nil.
func (a *App) public(method, path string) *PublicPath {
	for i := range a.Public {
		if a.Public[i].has(method, path) {
			return &a.Public[i]
		}
	}
	return nil
}

// Missing returns the rules that a user does not meet. It is empty if the app admits the
// user.
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

// A Lack is a list of a rule of which no entry matches.
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

// email returns the address that identifies a user, or an empty text. It is the address of
// the account, which can come from another provider. So it counts only if the provider of the
// session has verified it, or if that is the only provider in EmailOf, has created the
// account, and no other provider has verified the address.
func (a *App) email(p *Person) string {
	alone := len(a.EmailOf) == 1 && p.AccountOf == p.Provider && p.EmailVerifiedBy == ""
	if !slices.Contains(a.EmailOf, p.Provider) || !alone && p.EmailVerifiedBy != p.Provider {
		return ""
	}
	return p.Email
}

// sameAddress does not use strings.EqualFold, for which the Kelvin sign equals k: such an
// address belongs to somebody else.
func sameAddress(a, b string) bool { return lowerASCII(a) == lowerASCII(b) }
