package forwardauth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// A Person is the data of a signed-in user that a decision needs. Values are comparable.
type Person struct {
	ID       string // of the user in Doorward
	Provider string // the name of the provider that they signed in with
	Subject  string // their ID at the provider; empty if not known
	Email    string

	// AccountOf is the provider that created the account.
	AccountOf string

	// EmailVerifiedBy is the provider that verified Email; empty if no provider did.
	EmailVerifiedBy string

	FirstName, LastName string
	Role                string // the ID of the role; empty if there is none
	RoleName            string // empty if not known
	Groups              sso.Groups
	Session             string    // the ID of the session
	Since               time.Time // the start of the session
}

// Name returns the full name; empty if not known.
func (p *Person) Name() string { return strings.TrimSpace(p.FirstName + " " + p.LastName) }

func (p *Person) hasRole(role string) bool {
	return p.Role != "" && (role == p.Role || role == p.RoleName)
}

// People authenticates users.
type People interface {
	// Authenticate returns the user of a session token. The error is sso.ErrSessionInvalid,
	// sso.ErrSessionNotNow or sso.ErrUserInactive, or an error of the store.
	Authenticate(ctx context.Context, token sso.Token) (Person, error)

	// AuthenticateAccess returns the user of an access token. The error can also be
	// sso.ErrTokenInvalid or sso.ErrTokenExpired.
	AuthenticateAccess(ctx context.Context, token string) (Person, error)
}

// SignedIn implements People with a Service, and adds the names of roles.
type SignedIn struct {
	Logins *sso.Service
	Roles  Roles

	// Prolonger prolongs sessions that are due. If nil, sessions end when they are idle.
	Prolonger *Prolonger
}

// Roles lists the roles, for their names.
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

// Person returns the data of a signed-in user for a decision. The error is from the store.
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

// PersonOf returns the data of a user for a decision, without the name of their role. If the
// account has links to several providers, the provider of the session counts: the groups are
// from it, and a rule for one provider must not admit users of another. Without a session, it
// is the provider of the account.
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
