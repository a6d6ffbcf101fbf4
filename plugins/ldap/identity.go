package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/doorward/doorward/plugins/ldap/internal/account"
	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
)

// identityAttributes are the attributes that make up the identity and its claims.
func (o Options) identityAttributes() []string {
	list := []string{o.UsernameAttribute, o.MailAttribute, o.FirstNameAttribute, o.LastNameAttribute, o.NameAttribute, "cn"}
	return slices.DeleteFunc(append(list, o.Attributes...), func(name string) bool { return name == "" })
}

// identify returns the identity for an entry whose password was right, or whose session is
// refreshed.
func (m *mechanism) identify(e directory.Entry, id account.Subject, groups []string) (sdk.Identity, error) {
	grant, err := json.Marshal(grantContent{Attribute: id.Attribute, Value: id.Text, DN: e.DN})
	if err != nil {
		return sdk.Identity{}, fmt.Errorf("encoding the grant: %w", err)
	}
	name := e.Text(m.options.NameAttribute)
	return sdk.Identity{
		Subject:    id.Text,
		Username:   e.Text(m.options.UsernameAttribute),
		Email:      e.Text(m.options.MailAttribute),
		GivenName:  e.Text(m.options.FirstNameAttribute),
		FamilyName: e.Text(m.options.LastNameAttribute),
		Name:       cmp.Or(name, e.Text("cn")),
		Groups:     groups,
		Aliases:    aliasesOf(e, id),
		Claims:     claimsOf(e, m.options.identityAttributes()),
		Grant:      grant,
	}, nil
}

// aliasesOf returns the DN as the directory writes it, by which Directus identifies users. A
// DN that the host could not look up is omitted; otherwise each login would log a warning.
func aliasesOf(e directory.Entry, id account.Subject) []string {
	if e.DN == id.Text || contract.CheckSubject(e.DN) != nil {
		return nil
	}
	return []string{e.DN}
}

// claimsOf returns the attributes that the operator selected: a text each, or a list if there
// are several values.
func claimsOf(e directory.Entry, names []string) map[string]any {
	claims := map[string]any{}
	if directory.IsPlain([]byte(e.DN)) {
		claims["dn"] = e.DN
	}
	size := len(e.DN)
	for _, name := range names {
		var list []any
		for _, text := range e.Texts(name) {
			if size += len(text) + len(name); size > sdk.MaxClaims/8 { // JSON can encode a byte as six
				return claims
			}
			list = append(list, text)
		}
		switch len(list) {
		case 0:
		case 1:
			claims[name] = list[0]
		default:
			claims[name] = list
		}
	}
	return claims
}

// grantContent finds a user again, on any server.
type grantContent struct {
	Attribute string `json:"attribute"`
	Value     string `json:"value"`
	DN        string `json:"dn"`
}
