package main

import (
	"cmp"
	"slices"

	"github.com/doorward/doorward/plugins/openid/internal/discovery"
	"github.com/doorward/doorward/sdk/claims"
)

// The standard claims about an address (OpenID Connect Core section 5.1).
const (
	claimEmail    = "email"
	claimVerified = "email_verified"
)

// separators of a group claim that is one text.
var separators = map[string]string{"comma": ",", "space": " ", "semicolon": ";"}

// mapping says which claims make the identity.
func (o Options) mapping() claims.Mapping {
	mapping := claims.OpenID()
	mapping.Subject = o.IdentifierKey
	mapping.Username = o.UsernameKey
	mapping.Email = o.EmailKey
	mapping.EmailVerified = o.verifiedKey()
	mapping.TextVerified = o.TextVerified
	mapping.Name = o.NameKey
	mapping.GivenName = o.FirstNameKey
	mapping.FamilyName = o.LastNameKey
	mapping.Groups = o.GroupClaimName
	mapping.GroupMember = o.GroupClaimMember
	mapping.GroupSeparator = separators[o.GroupClaimSeparator]
	return mapping
}

// verifiedKey belongs to an address: the standard word is about the standard claim, and
// says nothing about another.
func (o Options) verifiedKey() string {
	if o.EmailKey == claimEmail {
		return cmp.Or(o.VerifiedKey, claimVerified)
	}
	return o.VerifiedKey
}

// decisive are the names of claims on which something hangs: two spellings of one of
// them are refused. Of other claims the one that is meant is read.
func (o Options) decisive() []string {
	return slices.Concat(protocolClaims, spentClaims, []string{claimVerified, "_claim_names", "hasgroups"},
		claims.Names(o.IdentifierKey), claims.Names(o.GroupClaimName), claims.Names(o.verifiedKey()))
}

// graphURL is where Microsoft Graph is.
func (o Options) graphURL() string {
	cloud, _ := discovery.CloudOf(o.IssuerURL)
	return cmp.Or(o.GraphURL, cloud.Graph)
}
