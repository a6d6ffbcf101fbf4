package sso

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

// Limits of Provider.LoginTimeout.
const (
	MinLoginTimeout = 30 * time.Second
	MaxLoginTimeout = time.Hour
)

// Config is the configuration of a Service.
type Config struct {
	// Secret and SecretPrevious are SECRET and SECRET_PREVIOUS: at least 32 bytes
	// each, the latter nil if there is none.
	Secret, SecretPrevious []byte

	// Clock returns the time, and whether it is reliable enough to remove data.
	*Clock

	// PublicURL is the URL where browsers reach the host, without a trailing slash.
	PublicURL string

	// AllowedPublicURLs are further URLs where browsers may reach the host.
	AllowedPublicURLs []string

	AccessTokenTTL time.Duration

	// AccessTokenGroups adds the groups of the session to access tokens.
	AccessTokenGroups bool

	// AccountLinking allows users to link further identities to their account.
	AccountLinking bool

	// RefreshTokenTTL and SessionTTL are how long a session of each kind lasts without a
	// refresh, and the absolute ones how long it lasts at all.
	RefreshTokenTTL, RefreshTokenAbsoluteTTL time.Duration
	SessionTTL, SessionAbsoluteTTL           time.Duration

	// RefreshGrace is how long after its replacement a token still leads to its
	// successor, so that two tabs can refresh at once; a session token also stays valid
	// for requests in progress. Zero: a replaced token is invalid at once.
	RefreshGrace time.Duration

	// AskEvery is how often Prolong asks a provider. Zero: never.
	AskEvery time.Duration
}

// Ports are the dependencies of a Service.
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

// Service signs people in, and authenticates them later. Its methods may be called
// concurrently.
type Service struct {
	config    Config
	ports     Ports
	name      string  // of this process, shown to other processes
	sealer    *sealer // for logins
	logouts   *sealer
	grants    *grants
	exchanges singleflight[*SignedIn]
	documents metadataCache
	subjects  *SubjectHasher
	spent     *spentSteps
}

// MinSecret is the minimum length of a secret in bytes.
const MinSecret = 32

// New returns a Service.
func New(config Config, ports Ports) (*Service, error) {
	if len(config.Secret) < MinSecret {
		return nil, fmt.Errorf("the secret has %d bytes, at least %d are needed", len(config.Secret), MinSecret)
	}
	if config.Clock == nil {
		return nil, errors.New("the clock is missing")
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

// Subjects returns the hasher of subjects for the audit.
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

// Available returns nil if people can sign in through the provider now, as far as the
// host knows without asking anybody.
func (s *Service) Available(name string) error {
	return s.ports.Providers.Available(name)
}
