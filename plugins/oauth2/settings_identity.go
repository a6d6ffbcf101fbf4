package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/doorward/doorward/plugins/oauth2/internal/preset"
	"github.com/doorward/doorward/sdk/claims"
)

// The roots of paths, in addition to the names of calls: members of the profile are at the
// top and below profile, members of the token response below token.
const (
	tokenRoot   = "token"
	profileRoot = "profile"
)

// identity reads the paths of the parts of the identity.
func (b *settingsBuilder) identity() {
	b.identifier()
	b.s.tokenUser = b.path("token_user_key", cmp.Or(b.o.TokenUserKey, b.p.TokenUser))
	email, name := b.p.Email, b.p.FullName
	if b.o.Preset == "" {
		email, name = "email", "name"
	}
	f := &b.s.fields
	f.username = b.path("username_key", cmp.Or(b.o.UsernameKey, b.p.Username))
	f.email = b.path("email_key", cmp.Or(b.o.EmailKey, email))
	f.name = b.path("name_key", cmp.Or(b.o.NameKey, name))
	f.first = b.path("first_name_key", cmp.Or(b.o.FirstNameKey, b.p.FirstName))
	f.last = b.path("last_name_key", cmp.Or(b.o.LastNameKey, b.p.LastName))
	b.verified()
}

// verified reads how an address is verified. What the preset says about its own address
// does not apply to another one.
func (b *settingsBuilder) verified() {
	f := &b.s.fields
	path := b.o.VerifiedKey
	if b.o.EmailKey == "" || b.o.EmailKey == b.p.Email {
		path = cmp.Or(path, b.p.Verified.Path)
		f.alwaysVerified = b.p.Verified.Always && b.o.VerifiedKey == ""
	}
	f.verified = b.path("email_verified_key", path)
	f.verifiedValues = b.o.VerifiedValues
	if len(f.verifiedValues) == 0 {
		f.verifiedValues = []string{"true"}
	}
	for _, value := range f.verifiedValues {
		if object, err := claims.Decode([]byte(`{"v":` + value + `}`)); err != nil || object["v"] == nil || object["v"] == false || object["v"] == "" {
			b.problems.Addf("email_verified_values", "contains %q: write values as JSON, such as true or \"true\" with quotes", value)
		}
	}
	if len(b.s.allowed.domains) > 0 && f.verified.IsZero() && !f.alwaysVerified {
		b.problems.Addf("allowed_email_domains", "admits nobody, because no address of this provider counts as verified: set email_verified_key if the provider says which addresses are verified")
	}
}

func (b *settingsBuilder) identifier() {
	written := b.o.IdentifierKey
	if b.o.Preset == "" {
		if written == "" {
			b.problems.Addf("identifier_key", "is missing: set it to a field that identifies the user and is never given to another user, such as id; an e-mail address, the default of Directus, can pass to another person")
		}
		b.s.identifier, b.s.identifierType = b.path("identifier_key", written), b.o.IdentifierType
	} else {
		b.presetIdentifier(written)
	}
	if !b.s.identifier.IsZero() && !b.s.identifier.Single() {
		b.problems.Addf("identifier_key", "must be a single path to a single value")
	}
}

// presetIdentifier accepts only the stable identifiers of the preset. In six public
// incidents, an account was renamed, another person took its login name, and signed in to
// the first person's account.
func (b *settingsBuilder) presetIdentifier(written string) {
	var names []string
	for _, id := range b.p.Identifiers {
		names = append(names, id.Path)
		if written == "" || written == id.Path {
			b.s.identifier, b.s.identifierType = b.path("identifier_key", id.Path), id.Type
			if b.o.IdentifierType != "" && b.o.IdentifierType != id.Type {
				b.problems.Addf("identifier_type", "must be %s for %s of the preset %s", id.Type, id.Path, b.p.Name)
			}
			return
		}
	}
	why := "may not be stable"
	if unstable(written) {
		why = "can change, and can then be taken by another person"
	}
	b.problems.Addf("identifier_key", "must be %s for the preset %s: %s %s", strings.Join(names, " or "), b.p.Name, written, why)
}

// unstableNames are names of fields that people choose, change and give up, in lower case
// and without separators between their words.
var unstableNames = []string{
	"nick", "handle", "slug", "userprincipalname", "upn", "name", "realname", "fullname", "displayname", "globalname",
	"emailaddress", "acct", "vanity", "path", "url", "htmlurl",
}

// unstableEndings are endings of such names: preferredUsername, user_login,
// confirmed_email.
var unstableEndings = []string{"login", "loginname", "username", "screenname", "nickname", "email", "mail"}

// unstable reports whether the last name of a path is one of these.
func unstable(path string) bool {
	last := path[strings.LastIndexAny(path, ".]")+1:]
	last = strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(last))
	return slices.Contains(unstableNames, last) ||
		slices.ContainsFunc(unstableEndings, func(ending string) bool { return strings.HasSuffix(last, ending) })
}

// identifierWarning returns a warning if the identifier of a provider without a preset may
// be unstable, otherwise an empty text.
func (s settings) identifierWarning() string {
	if s.preset.Name != "" || !unstable(s.identifier.String()) {
		return ""
	}
	return fmt.Sprintf("identifier_key %s looks like a value that people can change and others can take over: the next owner would sign in as the previous one; use a field such as id", s.identifier)
}

// identifierKind describes identifierType for texts.
func (s settings) identifierKind() string {
	if s.identifierType == preset.Integer {
		return "a whole number"
	}
	if s.identifierType == preset.Text {
		return "a string"
	}
	return "a string or a whole number"
}
