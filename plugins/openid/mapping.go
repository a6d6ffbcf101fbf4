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

// separators split a group claim that is one text.
var separators = map[string]string{"comma": ",", "space": " ", "semicolon": ";"}

// mapping says from which claims the identity is made.
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

// verifiedKey is the claim that says whether the address is verified. email_verified is
// about the claim email, and says nothing about another claim.
func (o Options) verifiedKey() string {
	if o.EmailKey == claimEmail {
		return cmp.Or(o.VerifiedKey, claimVerified)
	}
	return o.VerifiedKey
}

// decisive are the names of the claims that decide something: two spellings of one of them
// are refused. Two spellings of another claim are harmless.
func (o Options) decisive() []string {
	return slices.Concat(protocolClaims, droppedClaims, []string{claimVerified, "_claim_names", "hasgroups"},
		claims.Names(o.IdentifierKey), claims.Names(o.GroupClaimName), claims.Names(o.verifiedKey()))
}

// graphURL is the URL of Microsoft Graph.
func (o Options) graphURL() string {
	cloud, _ := discovery.CloudOf(o.IssuerURL)
	return cmp.Or(o.GraphURL, cloud.Graph)
}
