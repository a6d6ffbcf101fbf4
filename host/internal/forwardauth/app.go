package forwardauth

import (
	"slices"
	"strings"
)

// An App is an application behind a proxy, and who may use it.
type App struct {
	Name   string
	Origin Origin

	// Prefix begins and ends with a slash, and is "/" for the whole origin. It consists
	// of letters, digits and punctuation that all servers read in the same way.
	Prefix string

	// Subject is who the app admits; the zero Subject admits every signed-in user.
	Subject

	// Allow are alternatives. If there are any, one of them must match as well.
	Allow []Subject

	// Public are paths that are open to everybody, below Prefix.
	Public []PublicPath

	// EmailOf are the providers whose e-mail addresses identify users. The same address
	// from another provider is another user. If there are several, an address counts only
	// if its provider has verified it.
	EmailOf []string

	// Preflight lets CORS preflights pass, which carry no credentials (Fetch standard,
	// "CORS-preflight fetch").
	Preflight bool
}

// A Subject selects users: of each list that is not empty, one entry must match. Entries
// are compared byte for byte, except for the case of ASCII letters in e-mail addresses.
type Subject struct {
	Providers []string // names
	Roles     []string // names or IDs
	Groups    []string // as the provider names them
	Users     []string // IDs, or e-mail addresses; see App.EmailOf
}

// A PublicPath is open to everybody.
type PublicPath struct {
	Path    string   // everything below it if it ends in a slash, otherwise exactly this path
	Methods []string // none: GET and HEAD; GET includes HEAD
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

// Missing returns what a user lacks, in the words of the rules; nothing if the app admits
// them.
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

// A Lack is a list of a rule in which no entry matches.
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

// email returns the address that identifies a user; empty if their address does not.
// Another provider may have reported the account's address: so it counts if the session's
// provider has verified it, or, if EmailOf has only that provider, if it created the
// account and no other provider has verified the address.
func (a *App) email(p *Person) string {
	alone := len(a.EmailOf) == 1 && p.AccountOf == p.Provider && p.EmailVerifiedBy == ""
	if !slices.Contains(a.EmailOf, p.Provider) || !alone && p.EmailVerifiedBy != p.Provider {
		return ""
	}
	return p.Email
}

// sameAddress does not use strings.EqualFold, which treats the Kelvin sign as a k: such
// an address is another user's.
func sameAddress(a, b string) bool { return lowerASCII(a) == lowerASCII(b) }
