package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/doorward/doorward/sdk"
)

// identityAttributes are those that become an identity and its claims.
func (o Options) identityAttributes() []string {
	list := []string{o.UsernameAttribute, o.MailAttribute, o.FirstNameAttribute, o.LastNameAttribute, o.NameAttribute, "cn"}
	return slices.DeleteFunc(append(list, o.Attributes...), func(name string) bool { return name == "" })
}

// identify makes an identity of an entry whose password was right, or whose session
// goes on.
func (m *mechanism) identify(e entry, id subject, groups []string) (sdk.Identity, error) {
	grant, err := json.Marshal(grantContent{Attribute: id.attribute, Value: id.text, DN: e.dn})
	if err != nil {
		return sdk.Identity{}, fmt.Errorf("encoding the grant: %w", err)
	}
	name := e.text(m.options.NameAttribute)
	return sdk.Identity{
		Subject:    id.text,
		Username:   e.text(m.options.UsernameAttribute),
		Email:      e.text(m.options.MailAttribute),
		GivenName:  e.text(m.options.FirstNameAttribute),
		FamilyName: e.text(m.options.LastNameAttribute),
		Name:       cmp.Or(name, e.text("cn")),
		Groups:     groups,
		Claims:     claimsOf(e, m.options.identityAttributes()),
		Grant:      grant,
	}, nil
}

// claims are the attributes that the operator asked for, each a text, or a list if it
// has several values.
func claimsOf(e entry, names []string) map[string]any {
	claims := map[string]any{}
	if isPlain([]byte(e.dn)) {
		claims["dn"] = e.dn
	}
	size := len(e.dn)
	for _, name := range names {
		var list []any
		for _, text := range e.texts(name) {
			if size += len(text) + len(name); size > sdk.MaxClaims/8 { // JSON may write a byte as six
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

// grantContent finds an end user again, at whichever server.
type grantContent struct {
	Attribute string `json:"attribute"`
	Value     string `json:"value"`
	DN        string `json:"dn"`
}
