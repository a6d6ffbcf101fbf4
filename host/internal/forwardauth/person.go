package forwardauth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// A Person is what a decision needs to know of somebody who is signed in. It can be
// compared.
type Person struct {
	ID       string // of our user
	Provider string // name of the one that they came through
	Subject  string // their ID there; empty: not known
	Email    string

	// AccountOf is the provider that their account was made by.
	AccountOf string

	// EmailVerifiedBy is the provider that said that Email is theirs; empty: none did.
	EmailVerifiedBy string

	FirstName, LastName string
	Role                string // the ID of a role; empty: none
	RoleName            string // empty: not known
	Groups              sso.Groups
	Session             string    // its ID
	Since               time.Time // of the session
}

// Name is what people call them; empty: not known.
func (p *Person) Name() string { return strings.TrimSpace(p.FirstName + " " + p.LastName) }

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

// SignedIn are the people of a Service, with the names of their roles.
type SignedIn struct {
	Logins *sso.Service
	Roles  Roles

	// Prolonger is offered the sessions that are due; nil: they end when they are idle.
	Prolonger *Prolonger
}

// Roles knows the names of roles.
type Roles interface {
	Roles(ctx context.Context) ([]sso.Role, error)
}

// Authenticate implements People.
func (s SignedIn) Authenticate(ctx context.Context, token sso.Token) (Person, error) {
	who, err := s.Logins.Authenticate(ctx, token)
	if err != nil {
		return Person{}, err
	}
	if who.Due && s.Prolonger != nil {
		s.Prolonger.Offer(who.Session, token)
	}
	return s.Person(ctx, &who)
}

// AuthenticateAccess implements People.
func (s SignedIn) AuthenticateAccess(ctx context.Context, token string) (Person, error) {
	who, err := s.Logins.AuthenticateAccess(ctx, token)
	if err != nil {
		return Person{}, err
	}
	return s.Person(ctx, &who)
}

// Person is somebody who is signed in, as a decision sees them. The error is of the store.
func (s SignedIn) Person(ctx context.Context, who *sso.Principal) (Person, error) {
	p := PersonOf(who)
	if p.Role == "" {
		return p, nil
	}
	roles, err := s.Roles.Roles(ctx)
	if err != nil {
		return Person{}, fmt.Errorf("looking up the name of a role: %w", err)
	}
	for _, role := range roles {
		if role.ID == p.Role {
			p.RoleName = role.Name
		}
	}
	return p, nil
}

// PersonOf is a person as a decision sees them, without the name of their role. Of several
// providers that an account has links to, the one counts that the session came through: its
// groups are there, and what is for people of one must not open through another. Without a
// session it is that of the account.
func PersonOf(who *sso.Principal) Person {
	u := &who.User
	provider, subject := who.Session.Provider, u.Subject
	if provider == "" {
		provider = u.Provider
	}
	if provider != u.Provider {
		subject = ""
	}
	return Person{
		ID: u.ID, Provider: provider, Subject: subject, AccountOf: u.Provider, Email: u.Email, EmailVerifiedBy: u.EmailVerifiedBy, FirstName: u.FirstName, LastName: u.LastName,
		Role: u.Role, Groups: who.Session.Groups, Session: who.Session.ID, Since: who.Session.CreatedAt,
	}
}
