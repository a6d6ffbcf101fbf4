package forwardauth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// A Person is the data about a signed-in user that a decision needs. It is comparable.
type Person struct {
	ID       string // of the user
	Provider string // name of the session's provider
	Subject  string // the user's ID there; empty: unknown
	Email    string

	// AccountOf is the provider that created the account.
	AccountOf string

	// EmailVerifiedBy is the provider that verified Email; empty: none did.
	EmailVerifiedBy string

	FirstName, LastName string
	Role                string // the ID of a role; empty: no role
	RoleName            string // empty: unknown
	Groups              sso.Groups
	Session             string    // its ID
	Since               time.Time // of the session
}

// Name is the user's full name; empty: unknown.
func (p *Person) Name() string { return strings.TrimSpace(p.FirstName + " " + p.LastName) }

func (p *Person) hasRole(role string) bool {
	return p.Role != "" && (role == p.Role || role == p.RoleName)
}

// People authenticates users.
type People interface {
	// Authenticate returns the user of a session token: sso.ErrSessionInvalid,
	// sso.ErrSessionNotNow or sso.ErrUserInactive if there is none, or any error of the
	// store.
	Authenticate(ctx context.Context, token sso.Token) (Person, error)

	// AuthenticateAccess returns the user of an access token; the errors also include
	// sso.ErrTokenInvalid and sso.ErrTokenExpired.
	AuthenticateAccess(ctx context.Context, token string) (Person, error)
}

// SignedIn authenticates users with a Service, and adds the names of their roles.
type SignedIn struct {
	Logins *sso.Service
	Roles  Roles

	// Prolonger gets the sessions that are due; nil: sessions end when they are idle.
	Prolonger *Prolonger
}

// Roles returns the names of roles.
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

// Person returns the data about a signed-in user that a decision needs. The error is from
// the store.
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

// PersonOf is Person without the name of the role. If the account has links to several
// providers, the provider of the session counts: the groups come from it, and an app for
// users of one provider must not admit them through another. Without a session, it is the
// provider of the account.
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
