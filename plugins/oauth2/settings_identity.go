package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/doorward/doorward/plugins/oauth2/internal/preset"
	"github.com/doorward/doorward/sdk/claims"
)

// The roots of paths besides the names of calls: members of the profile stand at the
// top, or below profile; those of the token response below token.
const (
	tokenRoot   = "token"
	profileRoot = "profile"
)

// identity reads where the parts of the identity stand.
func (t *settler) identity() {
	t.identifier()
	t.s.tokenUser = t.path("token_user_key", cmp.Or(t.o.TokenUserKey, t.p.TokenUser))
	email, name := t.p.Email, t.p.FullName
	if t.o.Preset == "" {
		email, name = "email", "name"
	}
	f := &t.s.fields
	f.username = t.path("username_key", cmp.Or(t.o.UsernameKey, t.p.Username))
	f.email = t.path("email_key", cmp.Or(t.o.EmailKey, email))
	f.name = t.path("name_key", cmp.Or(t.o.NameKey, name))
	f.first = t.path("first_name_key", cmp.Or(t.o.FirstNameKey, t.p.FirstName))
	f.last = t.path("last_name_key", cmp.Or(t.o.LastNameKey, t.p.LastName))
	t.verified()
}

// verified belongs to an address: with another address, the preset's word about its
// own means nothing.
func (t *settler) verified() {
	f := &t.s.fields
	path := t.o.VerifiedKey
	if t.o.EmailKey == "" || t.o.EmailKey == t.p.Email {
		path = cmp.Or(path, t.p.Verified.Path)
		f.alwaysVerified = t.p.Verified.Always && t.o.VerifiedKey == ""
	}
	f.verified = t.path("email_verified_key", path)
	f.verifiedValues = t.o.VerifiedValues
	if len(f.verifiedValues) == 0 {
		f.verifiedValues = []string{"true"}
	}
	for _, value := range f.verifiedValues {
		if object, err := claims.Decode([]byte(`{"v":` + value + `}`)); err != nil || object["v"] == nil || object["v"] == false || object["v"] == "" {
			t.problems.Addf("email_verified_values", "has %q: write values as JSON, such as true or \"true\" with its quotes", value)
		}
	}
	if len(t.s.allowed.domains) > 0 && f.verified.IsZero() && !f.alwaysVerified {
		t.problems.Addf("allowed_email_domains", "lets in nobody: no address of this provider counts as verified; set email_verified_key if it says which one is")
	}
}

func (t *settler) identifier() {
	written := t.o.IdentifierKey
	if t.o.Preset == "" {
		if written == "" {
			t.problems.Addf("identifier_key", "is missing: name the field that identifies an end user and is never given to anybody else, such as id; an e-mail address, which Directus takes by default, changes hands")
		}
		t.s.identifier, t.s.identifierType = t.path("identifier_key", written), t.o.IdentifierType
	} else {
		t.presetIdentifier(written)
	}
	if !t.s.identifier.IsZero() && !t.s.identifier.Single() {
		t.problems.Addf("identifier_key", "must be one path, to one value")
	}
}

// presetIdentifier accepts the stable identifiers of the preset only. Six public
// incidents are known in which a renamed account's login, taken by somebody else,
// opened the account of the first.
func (t *settler) presetIdentifier(written string) {
	var names []string
	for _, id := range t.p.Identifiers {
		names = append(names, id.Path)
		if written == "" || written == id.Path {
			t.s.identifier, t.s.identifierType = t.path("identifier_key", id.Path), id.Type
			if t.o.IdentifierType != "" && t.o.IdentifierType != id.Type {
				t.problems.Addf("identifier_type", "must be %s for %s of the preset %s", id.Type, id.Path, t.p.Name)
			}
			return
		}
	}
	why := "is not known to be stable"
	if unstable(written) {
		why = "can be changed, and then belongs to whoever takes it next"
	}
	t.problems.Addf("identifier_key", "must be %s for the preset %s: %s %s", strings.Join(names, " or "), t.p.Name, written, why)
}

// unstableNames are names of fields that people choose, change and give up, without
// what separates their words.
var unstableNames = []string{
	"nick", "handle", "slug", "userprincipalname", "upn", "name", "realname", "fullname", "displayname", "globalname",
	"emailaddress", "acct", "vanity", "path", "url", "htmlurl",
}

// unstableEndings are those of more such names: preferredUsername, user_login,
// confirmed_email.
var unstableEndings = []string{"login", "loginname", "username", "screenname", "nickname", "email", "mail"}

// unstable reports whether a path ends in such a name.
func unstable(path string) bool {
	last := path[strings.LastIndexAny(path, ".]")+1:]
	last = strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(last))
	return slices.Contains(unstableNames, last) ||
		slices.ContainsFunc(unstableEndings, func(ending string) bool { return strings.HasSuffix(last, ending) })
}

// identifierWarning says why a generic provider's identifier is doubtful, if it is.
func (s settings) identifierWarning() string {
	if s.preset.Name != "" || !unstable(s.identifier.String()) {
		return ""
	}
	return fmt.Sprintf("identifier_key %s looks like something that people change and others take over: whoever has it next signs in as who had it before; use a field such as id", s.identifier)
}

// identifierKind is for texts.
func (s settings) identifierKind() string {
	if s.identifierType == preset.Integer {
		return "a whole number"
	}
	if s.identifierType == preset.Text {
		return "a string"
	}
	return "a string or a whole number"
}
