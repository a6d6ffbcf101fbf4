package forwardauth

import (
	"context"
	"strings"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// A Person is what a decision needs to know of somebody who is signed in. It can be
// compared.
type Person struct {
	ID       string // of our user
	Provider string // name of the one that they came through
	Subject  string // their ID there
	Email    string
	Name     string
	Role     string // the ID of a role; empty: none
	RoleName string // its name, if it differs
	Groups   Groups
	Session  string    // its ID; empty for a program's token
	Since    time.Time // of the session; zero for a program's token
}

func (p *Person) hasRole(role string) bool {
	return p.Role != "" && (role == p.Role || role == p.RoleName)
}

// People knows who is signed in.
type People interface {
	// Authenticate returns who holds a session token: sso.ErrSessionInvalid,
	// sso.ErrSessionNotNow or sso.ErrUserInactive if nobody does, or whatever the store
	// returns.
	Authenticate(ctx context.Context, token sso.Token) (Person, error)

	// AuthenticateAccess returns who holds an access token, with sso.ErrTokenInvalid and
	// sso.ErrTokenExpired besides.
	AuthenticateAccess(ctx context.Context, token string) (Person, error)
}

// Signed are the people of a Service.
type Signed struct{ Logins *sso.Service }

// Authenticate implements People.
func (s Signed) Authenticate(ctx context.Context, token sso.Token) (Person, error) {
	who, err := s.Logins.Authenticate(ctx, token)
	return PersonOf(who), err
}

// AuthenticateAccess implements People.
func (s Signed) AuthenticateAccess(ctx context.Context, token string) (Person, error) {
	who, err := s.Logins.AuthenticateAccess(ctx, token)
	return PersonOf(who), err
}

// PersonOf is a person as a decision sees them.
func PersonOf(who sso.Principal) Person {
	u := &who.User
	p := Person{
		ID: u.ID, Provider: u.Provider, Subject: u.Subject, Email: u.Email, Role: u.Role,
		Session: who.Session.ID, Since: who.Session.CreatedAt,
	}
	switch {
	case u.FirstName == "":
		p.Name = u.LastName
	case u.LastName == "":
		p.Name = u.FirstName
	default:
		p.Name = u.FirstName + " " + u.LastName
	}
	return p
}

// Groups are the groups of a person, each between line breaks.
type Groups string

// NewGroups makes Groups of a list.
func NewGroups(list ...string) Groups { return Groups("\n" + strings.Join(list, "\n") + "\n") }

// Has reports whether the person is in a group.
func (g Groups) Has(group string) bool {
	return group != "" && !strings.Contains(group, "\n") && strings.Contains(string(g), "\n"+group+"\n")
}

// List returns the groups.
func (g Groups) List() []string {
	if len(g) < 3 {
		return nil
	}
	return strings.Split(string(g[1:len(g)-1]), "\n")
}
