package account

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
)

// IDIsDN is the value of id_attribute and group_name_attribute that means the DN.
const IDIsDN = "dn"

// Subject identifies a user, and says by which attribute.
type Subject struct {
	Attribute string // IDIsDN: the DN
	Text      string
}

// subjectAttributes are unique, permanent and never given to another entry: RFC 4530,
// MS-ADA3, 389 Directory Server, FreeIPA.
var subjectAttributes = []string{"entryUUID", "objectGUID", "nsUniqueId", "ipaUniqueID"}

// SubjectOf uses the attribute, or the DN for IDIsDN, or without an attribute the first of
// subjectAttributes that the entry has. It never uses the name that was typed: names change,
// and are given to others.
func SubjectOf(e directory.Entry, attribute string) (Subject, error) {
	if attribute == IDIsDN {
		return subjectByDN(e)
	}
	if attribute != "" {
		if s, ok := subjectBy(e, attribute); ok {
			return s, nil
		}
		return Subject{}, sdk.Misconfigured(ReasonNoSubject, "%s %s: check id_attribute", e.DN, whyNoSubject(e, attribute))
	}
	for _, name := range subjectAttributes {
		if s, ok := subjectBy(e, name); ok {
			return s, nil
		}
	}
	return subjectByDN(e)
}

// whyNoSubject distinguishes a missing value from one that cannot be an identifier.
func whyNoSubject(e directory.Entry, attribute string) string {
	switch values := e.Raw(attribute); {
	case len(values) == 0:
		return fmt.Sprintf("has no %s, or bind_dn has no right to read it", attribute)
	case len(values) > 1:
		return fmt.Sprintf("has a %s with %d values, but an identifier must have one", attribute, len(values))
	case len(values[0]) > sdk.MaxSubject:
		return fmt.Sprintf("has a %s of %d bytes, but an identifier can have at most %d", attribute, len(values[0]), sdk.MaxSubject)
	}
	return fmt.Sprintf("has a %s that is not text (objectGUID is the only binary identifier that Doorward reads)", attribute)
}

func subjectBy(e directory.Entry, name string) (Subject, bool) {
	values := e.Raw(name)
	if len(values) != 1 {
		return Subject{}, false
	}
	text, ok := canonicalID(name, values[0])
	return Subject{Attribute: name, Text: text}, ok
}

// canonicalID normalizes an identifier: UUIDs in lower case, objectGUID in the notation of
// Microsoft.
func canonicalID(name string, value []byte) (string, bool) {
	if strings.EqualFold(name, "objectGUID") {
		if len(value) != 16 {
			return "", false
		}
		return guidText(value), true
	}
	if len(value) > sdk.MaxSubject || !directory.IsPlain(value) {
		return "", false
	}
	text := string(value)
	if slices.ContainsFunc(subjectAttributes, func(known string) bool { return strings.EqualFold(known, name) }) {
		text = strings.ToLower(text)
	}
	return text, true
}

// idFilterValue escapes an identifier for a filter that finds it again.
func idFilterValue(s Subject) (string, error) {
	if !strings.EqualFold(s.Attribute, "objectGUID") {
		return directory.EscapeBytes([]byte(s.Text)), nil
	}
	value, err := guidBytes(s.Text)
	return directory.EscapeBytes(value), err
}

// guidText formats the 16 bytes of an objectGUID: the first three parts are little-endian
// (MS-DTYP section 2.3.4).
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
		return nil, fmt.Errorf("reading a GUID: it is malformed")
	}
	return []byte{
		b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6],
		b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15],
	}, nil
}

// subjectByDN uses the normalized DN, or its hash if it is too long.
func subjectByDN(e directory.Entry) (Subject, error) {
	text, err := directory.NormalDN(e.DN)
	if err != nil {
		return Subject{}, sdk.InvalidResponse(ReasonNoSubject, "the directory sent an entry with a DN that cannot be read")
	}
	if len(text) > sdk.MaxSubject || !directory.IsPlain([]byte(text)) {
		sum := sha256.Sum256([]byte(text))
		text = "sha256:" + hex.EncodeToString(sum[:])
	}
	return Subject{Attribute: IDIsDN, Text: text}, nil
}
