package main

import (
	"strings"

	"github.com/doorward/doorward/plugins/saml/internal/wall"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// attribute is one of the end user's (core section 2.7.3.1).
type attribute struct {
	name, format, friendly string
	values                 []string
}

// attributes in the order of the assertion. The name is the key, byte by byte. The
// friendly name is for people, and anybody may call anything by it.
type attributes []attribute

// readAttributes joins what is told of one name in several elements, as Keycloak
// does for roles.
func readAttributes(assertion *wall.Element) (attributes, error) {
	var all attributes
	index := map[string]int{}
	for _, statement := range assertion.All(nsAssertion, "AttributeStatement") {
		for _, e := range statement.All(nsAssertion, "Attribute") {
			a := attribute{name: e.Value("Name"), format: e.Value("NameFormat"), friendly: e.Value("FriendlyName")}
			a.values = readValues(e)
			at, known := index[a.name]
			switch {
			case a.name == "":
				return nil, sdk.InvalidResponse(reasonAttributes, "an attribute without a name")
			case !known:
				index[a.name] = len(all)
				all = append(all, a)
			case all[at].format != a.format:
				return nil, sdk.InvalidResponse(reasonAttributes, "two attributes with the name %q, which differ in NameFormat", upstream.Shown(a.name))
			default:
				all[at].values = append(all[at].values, a.values...)
			}
		}
	}
	return all, nil
}

// readValues takes text only. What an xsi:type calls it makes no difference. A
// NameID inside of a value is its text: eduPersonTargetedID is written so.
func readValues(e *wall.Element) []string {
	var values []string
	for _, value := range e.All(nsAssertion, "AttributeValue") {
		if isNil(value) {
			continue
		}
		if inside := value.Children(); len(inside) == 1 && inside[0].Is(nsAssertion, "NameID") {
			value = inside[0]
		}
		if text, ok := value.Text(); ok {
			values = append(values, text)
		}
	}
	return values
}

func isNil(e *wall.Element) bool {
	for _, a := range e.Attrs {
		if a.Space == nsInstance && a.Local == "nil" {
			return isTrue(a.Value)
		}
	}
	return false
}

// named returns the attribute with that name.
func (all attributes) named(name string) (attribute, bool) {
	for _, a := range all {
		if a.name == name {
			return a, true
		}
	}
	return attribute{}, false
}

// display returns the attribute with that name or, for what is only shown to
// people, that friendly name.
func (all attributes) display(name string) (attribute, bool) {
	if a, ok := all.named(name); ok {
		return a, true
	}
	for _, a := range all {
		if a.friendly == name {
			return a, true
		}
	}
	return attribute{}, false
}

// first returns the first value that is not empty of the first attribute that has
// one. A key of the operator's is the only one that counts.
func (all attributes) first(find func(string) (attribute, bool), key string, known []string) string {
	if key != "" {
		known = []string{key}
	}
	for _, name := range known {
		a, _ := find(name)
		for _, value := range a.values {
			if value = strings.TrimSpace(value); value != "" {
				return value
			}
		}
	}
	return ""
}

// claims is all that was released, for mapping and for the login trace.
func (all attributes) claims() map[string]any {
	claims := map[string]any{}
	for _, a := range all {
		if len(a.values) == 1 {
			claims[a.name] = a.values[0]
			continue
		}
		list := make([]any, len(a.values))
		for i, value := range a.values {
			list[i] = value
		}
		claims[a.name] = list
	}
	return claims
}

const (
	soapClaims      = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
	microsoftClaims = "http://schemas.microsoft.com/ws/2008/06/identity/claims/"
)

// What the known providers call things: Microsoft, Shibboleth and eduGAIN (as OID),
// Okta, Google, Keycloak, authentik, JumpCloud. The first that is there counts.
var (
	knownEmail = []string{
		soapClaims + "emailaddress", "urn:oid:0.9.2342.19200300.100.1.3", "urn:oid:1.2.840.113549.1.9.1",
		"email", "mail", "emailAddress", "Email", "User.email",
	}
	knownGivenName = []string{
		soapClaims + "givenname", "urn:oid:2.5.4.42", "givenName", "firstName", "first_name", "FirstName", "User.FirstName", "firstname",
	}
	knownFamilyName = []string{
		soapClaims + "surname", "urn:oid:2.5.4.4", "sn", "lastName", "last_name", "LastName", "surname", "User.LastName", "lastname",
	}
	knownName = []string{
		"http://schemas.microsoft.com/identity/claims/displayname", "urn:oid:2.16.840.1.113730.3.1.241", "displayName", "urn:oid:2.5.4.3", "cn",
	}
	knownUsername = []string{
		"http://schemas.goauthentik.io/2021/02/saml/username", "urn:oid:0.9.2342.19200300.100.1.1", "uid", "username",
		"urn:oid:1.3.6.1.4.1.5923.1.1.1.6", soapClaims + "upn", soapClaims + "name",
	}
	knownGroups = []string{
		"groups", microsoftClaims + "groups", "http://schemas.xmlsoap.org/claims/Group", "memberOf",
		"urn:oid:1.3.6.1.4.1.5923.1.5.1.1", microsoftClaims + "role", "Role",
	}
)

// groupsLink is what Microsoft Entra ID sends in place of more than 150 groups.
const groupsLink = "http://schemas.microsoft.com/claims/groups.link"
