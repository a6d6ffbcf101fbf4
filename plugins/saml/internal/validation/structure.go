package validation

import (
	"slices"
	"strings"
	"unicode"

	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/sdk"
)

// CheckStructure refuses a message in which something that counts stands in more
// than one place: signature wrapping needs a second place for the assertion that
// was signed (Somorovsky 2012). It knows nothing of who signed what.
//
//   - There is at most one assertion, encrypted or not, in all of the message, and
//     it is the root or a child of the root; not in Advice, Extensions or Object.
//   - A signature is a child of the root or of the assertion, and there is at most
//     one in each.
//   - No two elements have the same ID, under any spelling of the name.
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
	signed    []*strictxml.Element // what has a signature
	ids       map[string]bool
	err       error
}

// messages are the roots that SAML has; none may be inside of another.
var messages = []string{"Response", "LogoutRequest", "LogoutResponse", "AuthnRequest", "ArtifactResponse", "Envelope"}

func (s *structure) check(e *strictxml.Element) {
	s.checkIDs(e)
	switch {
	case isAssertion(e):
		if s.assertion || e.Space != saml2.Assertion || e != s.root && e.Parent != s.root {
			s.refuse("an assertion in another place than the only one for it")
		}
		s.assertion = true
	case e.Local == "Signature" && e.Space == saml2.Signature:
		around := e.Parent
		if around != s.root && !(isAssertion(around) && around.Parent == s.root) || slices.Contains(s.signed, around) {
			s.refuse("a signature in another place than those for one")
		}
		s.signed = append(s.signed, around)
	case e != s.root && e.Space == saml2.Protocol && slices.Contains(messages, e.Local):
		s.refuse("a %s inside of another message", e.Local)
	}
}

func isAssertion(e *strictxml.Element) bool {
	return e.Local == "Assertion" || e.Local == "EncryptedAssertion"
}

// maxID bounds an ID in bytes.
const maxID = 255

// IsID reports whether a text may be an ID. The schema wants an NCName (core section
// 1.3.4), and providers send bare UUIDs, numbers and base64. IDs are compared byte for
// byte and nothing else, so that any text will do but white space, of which a reader
// that goes by the schema leaves some out, and what cannot be seen.
func IsID(text string) bool {
	return text != "" && len(text) <= maxID && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	})
}

// checkIDs looks at everything that some library would take for an ID. In SAML the
// name is ID, in XML Signature and XML Encryption it is Id.
func (s *structure) checkIDs(e *strictxml.Element) {
	for _, a := range e.Attrs {
		if !strings.EqualFold(a.Local, "id") {
			continue
		}
		saml := e.Space == saml2.Protocol || e.Space == saml2.Assertion
		switch {
		case a.Prefix != "", saml && a.Local != "ID":
			s.refuse("an ID under another name on %s", e.Local)
		case !IsID(a.Value):
			s.refuse("an ID that is empty, has more than %d bytes, or white space in it, on %s", maxID, e.Local)
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
