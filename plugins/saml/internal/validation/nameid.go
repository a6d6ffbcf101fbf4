package validation

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// NameID is what the provider calls the end user (core section 2.2.3).
type NameID struct {
	Value           string `json:"v"`
	Format          string `json:"f,omitempty"`
	NameQualifier   string `json:"n,omitempty"`
	SPNameQualifier string `json:"s,omitempty"`
}

// ReadSubjectID reads the NameID, or decrypts it. There need be none: then an
// attribute must identify the end user.
func ReadSubjectID(e *strictxml.Element, decrypt func(*strictxml.Element) (*strictxml.Element, error)) (*NameID, error) {
	plain, encrypted := e.All(saml2.Assertion, "NameID"), e.All(saml2.Assertion, "EncryptedID")
	switch {
	case len(plain)+len(encrypted)+len(e.All(saml2.Assertion, "BaseID")) > 1:
		return nil, sdk.InvalidResponse(ReasonSubject, "several identifiers of the end user")
	case len(plain) == 1:
		return readNameID(plain[0])
	case len(encrypted) == 0:
		return nil, nil
	}
	// The signature over all around it was verified.
	element, err := decrypt(encrypted[0])
	if err != nil {
		return nil, err
	}
	if !element.Is(saml2.Assertion, "NameID") {
		return nil, sdk.InvalidResponse(ReasonSubject, "what is encrypted is no NameID")
	}
	return readNameID(element)
}

func readNameID(e *strictxml.Element) (*NameID, error) {
	text, ok := e.Text()
	if !ok || text == "" {
		return nil, sdk.InvalidResponse(ReasonSubject, "a NameID that is empty, or holds elements")
	}
	n := &NameID{
		Value: text, Format: e.Value("Format"),
		NameQualifier: e.Value("NameQualifier"), SPNameQualifier: e.Value("SPNameQualifier"),
	}
	if len(n.Value)+len(n.NameQualifier)+len(n.SPNameQualifier)+len(n.Format) > 8<<10 {
		return nil, sdk.InvalidResponse(ReasonSubject, "a NameID that is too long")
	}
	return n, nil
}

// FormatInEffect is the format, or the one that holds where none is named (core section
// 2.2.2).
func (n NameID) FormatInEffect() string {
	if n.Format == "" {
		return saml2.FormatUnspecified
	}
	return n.Format
}

// Key is the NameID as one text, so that two that differ in anything that tells
// people apart have two. A persistent identifier is unique only together with its
// qualifiers (core section 8.3.7), which are left out where they are those that go
// without saying. A value without qualifiers that looks like one with them is refused:
// who could choose it would be somebody else.
func (n NameID) Key(p, us string) (string, error) {
	nq, spnq := n.NameQualifier, n.SPNameQualifier
	if nq == p {
		nq = ""
	}
	if spnq == us {
		spnq = ""
	}
	switch {
	case n.Format == saml2.FormatPersistent && (nq != "" || spnq != ""):
		return url.QueryEscape(nq) + "!" + url.QueryEscape(spnq) + "!" + n.Value, nil
	case strings.Count(n.Value, "!") >= 2:
		return "", sdk.InvalidResponse(ReasonSubject, "a NameID that has two exclamation marks and no qualifiers, and so looks like one with them: have the provider send another one, or set identifier_key")
	}
	return n.Value, nil
}

// LogoutKey is the key as logout messages compare it: a text that is too long to
// be compared is its fingerprint, and so is a value that looks like another one.
func (n NameID) LogoutKey(p, us string) string {
	key, err := n.Key(p, us)
	if err != nil {
		return Fingerprint(n.Value)
	}
	return SessionText(key)
}

// SessionText keeps what names sessions within what the host compares.
func SessionText(text string) string {
	if text == "" || claims.CheckSubject(text) == nil {
		return text
	}
	return Fingerprint(text)
}

// Fingerprint stands for an entity ID that is too long for a memory.
func Fingerprint(entityID string) string {
	sum := sha256.Sum256([]byte(entityID))
	return "sha256:" + hex.EncodeToString(sum[:])
}
