package sdk

import "time"

// Identity is what a provider asserted about an end user.
//
// The host identifies a person by (provider, Subject). It fills in the provider
// itself, so that a mechanism cannot speak for another provider.
type Identity struct {
	// Subject is the provider's stable, never reassigned identifier: sub in
	// OpenID Connect, NameID in SAML 2.0, entryUUID or objectGUID in LDAP.
	// It is compared byte for byte. Never use what the end user typed.
	Subject string

	// Aliases are other names that the provider itself gives to this end user, and to
	// nobody else at this moment, such as the DN of an LDAP entry. Another system may have
	// identified them by such a name. A host that has [FeatureAliases] uses them to find an
	// account that was imported from there and that nobody has claimed, and for nothing
	// else. Names that the end user can choose, and e-mail addresses, are not aliases.
	Aliases []string

	Username      string
	Email         string
	EmailVerified bool // true only if the provider said so
	GivenName     string
	FamilyName    string
	Name          string
	Groups        []string

	// GroupsUnknown says that the provider did not tell the groups, or not all of
	// them, or in a form that cannot be read. An empty Groups then means nothing.
	// A host whose rules need groups refuses such a login. A host that lacks
	// [FeatureGroupsUnknown] treats the end user as somebody without groups.
	GroupsUnknown bool

	// AuthTime, AMR and ACR say when and how the end user authenticated, as in
	// OpenID Connect Core section 2. The zero value means that the provider did not
	// tell.
	AuthTime time.Time
	AMR      []string
	ACR      string

	// Claims is everything that the provider released, for mapping and for the
	// login trace: strings, bools, json.Number, []any and map[string]any. It
	// crosses the wire as JSON. A float64 is exact only up to 2^53, so decode with
	// UseNumber.
	Claims map[string]any

	// Grant is opaque material for Refresh and BeginLogout, such as a refresh
	// token. The host stores it encrypted; only the mechanism reads it.
	Grant []byte

	// SessionID is the name of the end user's session at the provider, as in its
	// logout messages: sid in OpenID Connect, SessionIndex in SAML 2.0.
	SessionID string

	// LogoutSubject is the name of the end user in logout messages, if it is not
	// Subject: the NameID, when an attribute serves as Subject.
	LogoutSubject string

	// PasswordExpiresAt, if set, makes the host warn the end user, once for this
	// login, that their password expires then. Set it only when that is soon.
	PasswordExpiresAt time.Time

	// ExpiresAt limits the session that this identity starts. With the zero value,
	// the host decides.
	ExpiresAt time.Time

	// OnceID names a message that must be accepted only once, such as a SAML
	// assertion. Until OnceUntil, which is at most MaxOnce away, the host refuses a
	// second login with the same provider and OnceID.
	OnceID    string
	OnceUntil time.Time

	// Warnings name the released claims that were left out, and why, without
	// their values. The SDK writes them to the log; they do not cross the wire.
	Warnings []string
}

// Limits that the host enforces on every identity.
const (
	MaxSubject    = 255 // bytes, also of each alias
	MaxAliases    = 4
	MaxAttribute  = 1024 // bytes of any other text, and of each group
	MaxGroups     = 10_000
	MaxGroupBytes = 512 << 10
	MaxClaims     = 512 << 10 // bytes of Claims as JSON
	MaxClaimDepth = 32        // of lists and objects in Claims
	MaxGrant      = 64 << 10
	MaxAMR        = 64                 // values of AMR, together at most MaxAttribute bytes
	MaxOnce       = 7 * 24 * time.Hour // how far away OnceUntil may be
)
