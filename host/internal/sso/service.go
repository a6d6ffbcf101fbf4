package sso

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// Bounds of Provider.LoginTimeout.
const (
	MinLoginTimeout = 30 * time.Second
	MaxLoginTimeout = time.Hour
)

// Config is what a Service needs to know.
type Config struct {
	// Secret and SecretPrevious are SECRET and SECRET_PREVIOUS: at least 32 bytes
	// each, the latter nil if there is none.
	Secret, SecretPrevious []byte

	// Clock is what the time is told by, and what may be undone because of it.
	*Clock

	// PublicURL is where the browser reaches us, without a slash at the end.
	PublicURL string

	// AllowedPublicURLs are where it may reach us, too.
	AllowedPublicURLs []string

	AccessTokenTTL time.Duration

	// AccessTokenGroups: access tokens tell the groups of the session.
	AccessTokenGroups bool

	// AccountLinking lets people who are signed in link further identities to their account.
	AccountLinking bool

	// RefreshTokenTTL and SessionTTL are for how long a session of either kind goes
	// on without being refreshed, and the absolute ones for how long it goes on at
	// all.
	RefreshTokenTTL, RefreshTokenAbsoluteTTL time.Duration
	SessionTTL, SessionAbsoluteTTL           time.Duration

	// RefreshGrace is for how long after it was replaced a token still leads to the
	// one that replaced it, so that two tabs may refresh at once; a session token
	// also stays good for requests under way. Zero: a replaced token is good for
	// nothing.
	RefreshGrace time.Duration

	// AskEvery is how long after one question Prolong asks a provider again. Zero: never.
	AskEvery time.Duration
}

// Ports is what a Service uses of the world.
type Ports struct {
	Providers   Providers
	Users       Users
	Roles       Roles
	Links       Links
	Claims      Claims
	Accounts    OwnAccounts
	Sessions    Sessions
	AtProviders ProviderSessions
	Once        Once
	Sealed      Sealed
	Tokens      AccessTokens
}

// Service signs people in, and knows who is signed in. Its methods may be
// called concurrently.
type Service struct {
	config    Config
	ports     Ports
	name      string  // of this process, for the others
	sealer    *sealer // of logins
	logouts   *sealer
	grants    *grants
	exchanges flights[*SignedIn]
	documents documents
	subjects  *SubjectHasher
	spent     *spentSteps
}

// MinSecret is how many bytes a secret must have at least.
const MinSecret = 32

// New makes a Service.
func New(config Config, ports Ports) (*Service, error) {
	if len(config.Secret) < MinSecret {
		return nil, fmt.Errorf("secret of %d bytes, at least %d are needed", len(config.Secret), MinSecret)
	}
	if config.Clock == nil {
		return nil, errors.New("a clock is missing")
	}
	logins, err := newSealer(config.Secret, config.SecretPrevious, "attempt")
	if err != nil {
		return nil, err
	}
	logouts, err := newSealer(config.Secret, config.SecretPrevious, "logout")
	if err != nil {
		return nil, err
	}
	grants, err := newGrants(config.Secret, config.SecretPrevious)
	if err != nil {
		return nil, err
	}
	subjects, err := NewSubjectHasher(config.Secret)
	if err != nil {
		return nil, err
	}
	return &Service{
		config: config, subjects: subjects, ports: ports, name: rand.Text(), sealer: logins, logouts: logouts, grants: grants, spent: newSpentSteps(),
	}, nil
}

// Subjects says how the audit calls subjects.
func (s *Service) Subjects() *SubjectHasher { return s.subjects }

// Providers returns the configured providers.
func (s *Service) Providers() []Provider { return s.ports.Providers.List() }

// Provider returns a configured provider, or ErrUnknownProvider.
func (s *Service) Provider(name string) (Provider, error) {
	p, ok := s.ports.Providers.Provider(name)
	if !ok {
		return Provider{}, ErrUnknownProvider
	}
	return p, nil
}

// Available returns nil if one can sign in through the provider now, as far as
// the host knows without asking anybody.
func (s *Service) Available(name string) error {
	return s.ports.Providers.Available(name)
}
