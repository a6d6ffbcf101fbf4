package validation

import (
	"slices"
	"strings"
	"unicode"

	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/sdk"
)

// CheckStructure refuses a message in which a relevant element occurs in more than one place:
// signature wrapping needs a second place for the signed assertion (Somorovsky 2012). It does
// not look at signers.
//
//   - There is at most one assertion, encrypted or not, in the whole message, and it is the
//     root or a child of the root; not in Advice, Extensions or Object.
//   - A signature is a child of the root or of the assertion, and there is at most one in
//     each.
//   - No two elements have the same ID, in any spelling of the attribute name.
func CheckStructure(root *strictxml.Element) error {
	s := structure{root: root, ids: map[string]bool{}}
	root.Walk(func(e *strictxml.Element) bool {
		s.check(e)
		return s.err == nil
	})
	return s.err
}

type structure struct {
	root      *strictxml.Element
	assertion bool
	signed    []*strictxml.Element // elements with a signature
	ids       map[string]bool
	err       error
}

// messages are the root elements of SAML; none may be nested.
var messages = []string{"Response", "LogoutRequest", "LogoutResponse", "AuthnRequest", "ArtifactResponse", "Envelope"}

func (s *structure) check(e *strictxml.Element) {
	s.checkIDs(e)
	switch {
	case isAssertion(e):
		if s.assertion || e.Space != saml2.Assertion || e != s.root && e.Parent != s.root {
			s.refuse("an assertion in another place than the only allowed one")
		}
		s.assertion = true
	case e.Local == "Signature" && e.Space == saml2.Signature:
		around := e.Parent
		if around != s.root && !(isAssertion(around) && around.Parent == s.root) || slices.Contains(s.signed, around) {
			s.refuse("a signature in another place than the allowed ones")
		}
		s.signed = append(s.signed, around)
	case e != s.root && e.Space == saml2.Protocol && slices.Contains(messages, e.Local):
		s.refuse("a %s inside another message", e.Local)
	}
}

func isAssertion(e *strictxml.Element) bool {
	return e.Local == "Assertion" || e.Local == "EncryptedAssertion"
}

// maxID limits an ID in bytes.
const maxID = 255

// IsID reports whether a text is accepted as an ID. The schema requires an NCName (core
// section 1.3.4), but identity providers send bare UUIDs, numbers and base64. IDs are only
// compared, byte for byte, so any text is accepted, except with white space, which a
// schema-aware reader partly removes, or invisible characters.
func IsID(text string) bool {
	return text != "" && len(text) <= maxID && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	})
}

// checkIDs checks every attribute that some library treats as an ID. In SAML the name is ID,
// in XML Signature and XML Encryption it is Id.
func (s *structure) checkIDs(e *strictxml.Element) {
	for _, a := range e.Attrs {
		if !strings.EqualFold(a.Local, "id") {
			continue
		}
		saml := e.Space == saml2.Protocol || e.Space == saml2.Assertion
		switch {
		case a.Prefix != "", saml && a.Local != "ID":
			s.refuse("an ID attribute with another name on %s", e.Local)
		case !IsID(a.Value):
			s.refuse("an ID that is empty, has more than %d bytes or contains white space, on %s", maxID, e.Local)
		case s.ids[a.Value]:
			s.refuse("the same ID twice")
		}
		s.ids[a.Value] = true
	}
}

func (s *structure) refuse(format string, args ...any) {
	if s.err == nil {
		s.err = sdk.InvalidResponse(ReasonStructure, format, args...)
	}
}
