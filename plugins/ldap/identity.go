package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

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
		Name:       orDefault(name, e.text("cn")),
		Groups:     groups,
		Claims:     m.claims(e),
		Grant:      grant,
	}, nil
}

// claims are the attributes that the operator asked for, each a text, or a list if it
// has several values.
func (m *mechanism) claims(e entry) map[string]any {
	claims := map[string]any{}
	if isPlain([]byte(e.dn)) {
		claims["dn"] = e.dn
	}
	size := len(e.dn)
	for _, name := range m.options.identityAttributes() {
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

// subject is what identifies an end user, and by which attribute.
type subject struct {
	attribute string // idIsDN: the DN
	text      string
}

// subjectAttributes are unique, kept for ever and never given to another entry: RFC
// 4530, MS-ADA3, 389 Directory Server, FreeIPA.
var subjectAttributes = []string{"entryUUID", "objectGUID", "nsUniqueId", "ipaUniqueID"}

// subjectOf is never what was typed: names are changed, and given to others.
func (m *mechanism) subjectOf(e entry) (subject, error) {
	if m.options.IDAttribute == idIsDN {
		return subjectByDN(e)
	}
	if m.options.IDAttribute != "" {
		if s, ok := subjectBy(e, m.options.IDAttribute); ok {
			return s, nil
		}
		return subject{}, sdk.Misconfigured(reasonNoSubject, "%s has no usable %s with one value, or bind_dn may not read it: look at id_attribute", e.dn, m.options.IDAttribute)
	}
	for _, name := range subjectAttributes {
		if s, ok := subjectBy(e, name); ok {
			return s, nil
		}
	}
	return subjectByDN(e)
}

func subjectBy(e entry, name string) (subject, bool) {
	values := e.raw(name)
	if len(values) != 1 {
		return subject{}, false
	}
	text, ok := canonicalID(name, values[0])
	return subject{attribute: name, text: text}, ok
}

// canonicalID writes an identifier in one way: UUIDs in lower case, objectGUID as
// Microsoft writes it.
func canonicalID(name string, value []byte) (string, bool) {
	if strings.EqualFold(name, "objectGUID") {
		if len(value) != 16 {
			return "", false
		}
		return guidText(value), true
	}
	if len(value) > sdk.MaxSubject || !isPlain(value) {
		return "", false
	}
	text := string(value)
	if slices.ContainsFunc(subjectAttributes, func(known string) bool { return strings.EqualFold(known, name) }) {
		text = strings.ToLower(text)
	}
	return text, true
}

// idFilterValue escapes an identifier for a filter that finds it again.
func idFilterValue(s subject) (string, error) {
	if !strings.EqualFold(s.attribute, "objectGUID") {
		return escapeBytes([]byte(s.text)), nil
	}
	value, err := guidBytes(s.text)
	return escapeBytes(value), err
}

// guidText writes the 16 bytes of an objectGUID: the first three parts are
// little-endian (MS-DTYP section 2.3.4).
func guidText(b []byte) string {
	s := hex.EncodeToString([]byte{
		b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6],
		b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15],
	})
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

func guidBytes(text string) ([]byte, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(b) != 16 {
		return nil, fmt.Errorf("reading a GUID: it is none")
	}
	return []byte{
		b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6],
		b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15],
	}, nil
}

// subjectByDN takes the DN, in one spelling. One that is too long becomes its hash.
func subjectByDN(e entry) (subject, error) {
	text, err := normalDN(e.dn)
	if err != nil {
		return subject{}, sdk.InvalidResponse(reasonNoSubject, "the directory sent an entry with a DN that cannot be read")
	}
	if len(text) > sdk.MaxSubject || !isPlain([]byte(text)) {
		sum := sha256.Sum256([]byte(text))
		text = "sha256:" + hex.EncodeToString(sum[:])
	}
	return subject{attribute: idIsDN, text: text}, nil
}
