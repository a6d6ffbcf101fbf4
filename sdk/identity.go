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

	// Aliases are what else the provider itself calls the end user and nobody else at this
	// moment, such as the DN of an LDAP entry: another system may have known them by that.
	// A host that has [FeatureAliases] finds an account by it that was imported from there
	// and that nobody has claimed; it never knows anybody by it afterwards. What the end
	// user chooses, and an e-mail address, is none.
	Aliases []string

	Username      string
	Email         string
	EmailVerified bool // true only if the provider said so
	GivenName     string
	FamilyName    string
	Name          string
	Groups        []string

	// GroupsUnknown says that the provider did not tell the groups, or not all of
	// them, or in a form that cannot be read: that Groups is empty then means nothing.
	// A host whose rules need groups refuses such a login. One that lacks
	// [FeatureGroupsUnknown] takes the end user for somebody without groups.
	GroupsUnknown bool

	// AuthTime, AMR and ACR say when and how the end user authenticated, as in
	// OpenID Connect Core section 2. The zero value means not told.
	AuthTime time.Time
	AMR      []string
	ACR      string

	// Claims is everything that the provider released, for mapping and for the
	// login trace: strings, bools, json.Number, []any and map[string]any. It
	// crosses the wire as JSON. A float64 is exact up to 2^53 only: decode with
	// UseNumber.
	Claims map[string]any

	// Grant is opaque material for Refresh and BeginLogout, such as a refresh
	// token. The host stores it encrypted; only the mechanism reads it.
	Grant []byte

	// SessionID names the end user's session at the provider as its logout
	// messages do: sid in OpenID Connect, SessionIndex in SAML 2.0.
	SessionID string

	// LogoutSubject is how logout messages name the end user where that is not
	// Subject: the NameID, when an attribute serves as Subject.
	LogoutSubject string

	// PasswordExpiresAt, if set, has the host warn the end user, once for this
	// login, that their password expires then. Set it only when it is soon.
	PasswordExpiresAt time.Time

	// ExpiresAt bounds the session that this identity starts. The zero value
	// leaves it to the host.
	ExpiresAt time.Time

	// OnceID names a message that must be accepted only once, such as a SAML
	// assertion; the host refuses a second login with the same provider and
	// OnceID until OnceUntil, which is at most MaxOnce away.
	OnceID    string
	OnceUntil time.Time

	// Warnings name what of the released claims was left out, and why, without
	// its value. The SDK puts them into the log; they do not cross the wire.
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
	MaxAMR        = 64                 // values of AMR, of MaxAttribute bytes together
	MaxOnce       = 7 * 24 * time.Hour // how far away OnceUntil may be
)
