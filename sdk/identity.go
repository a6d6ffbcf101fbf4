package sdk

import "time"

// Identity is what a provider asserted about an end user.
//
// The host knows a person as (provider, Subject), and names the provider
// itself: a mechanism cannot speak for another provider.
type Identity struct {
	// Subject is the provider's stable, never reassigned identifier: sub in
	// OpenID Connect, NameID in SAML 2.0, entryUUID or objectGUID in LDAP.
	// It is compared byte for byte. Never use what the end user typed.
	Subject string

	Username      string
	Email         string
	EmailVerified bool // true only if the provider said so
	GivenName     string
	FamilyName    string
	Name          string
	Groups        []string

	// AuthTime, AMR and ACR say when and how the end user authenticated, as in
	// OpenID Connect Core section 2. The zero value means not told.
	AuthTime time.Time
	AMR      []string
	ACR      string

	// Claims is everything that the provider released, for mapping and for the
	// login trace: strings, bools, json.Number, []any and map[string]any.
	Claims map[string]any

	// Grant is opaque material for Refresh and BeginLogout, such as a refresh
	// token. The host stores it encrypted; only the mechanism reads it.
	Grant []byte

	// ExpiresAt bounds the session that this identity starts. The zero value
	// leaves it to the host.
	ExpiresAt time.Time

	// OnceID names a message that must be accepted only once, such as a SAML
	// assertion; the host refuses a second login with the same provider and
	// OnceID until OnceUntil.
	OnceID    string
	OnceUntil time.Time
}

// Limits that the host enforces on every identity.
const (
	MaxSubject    = 255 // bytes
	MaxAttribute  = 1024
	MaxGroups     = 10_000
	MaxGroupBytes = 512 << 10
	MaxClaims     = 512 << 10 // bytes of Claims as JSON
	MaxGrant      = 64 << 10
)
