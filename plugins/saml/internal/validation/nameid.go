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

// NameID is the name of the user at the identity provider (core section 2.2.3).
type NameID struct {
	Value           string `json:"v"`
	Format          string `json:"f,omitempty"`
	NameQualifier   string `json:"n,omitempty"`
	SPNameQualifier string `json:"s,omitempty"`
}

// ReadSubjectID reads or decrypts the NameID. It may be missing: then an attribute must
// identify the user.
func ReadSubjectID(e *strictxml.Element, decrypt func(*strictxml.Element) (*strictxml.Element, error)) (*NameID, error) {
	plain, encrypted := e.All(saml2.Assertion, "NameID"), e.All(saml2.Assertion, "EncryptedID")
	switch {
	case len(plain)+len(encrypted)+len(e.All(saml2.Assertion, "BaseID")) > 1:
		return nil, sdk.InvalidResponse(ReasonSubject, "several identifiers of the user")
	case len(plain) == 1:
		return readNameID(plain[0])
	case len(encrypted) == 0:
		return nil, nil
	}
	// The signature over the surroundings was verified before.
	element, err := decrypt(encrypted[0])
	if err != nil {
		return nil, err
	}
	if !element.Is(saml2.Assertion, "NameID") {
		return nil, sdk.InvalidResponse(ReasonSubject, "the encrypted element is not a NameID")
	}
	return readNameID(element)
}

func readNameID(e *strictxml.Element) (*NameID, error) {
	text, ok := e.Text()
	if !ok || text == "" {
		return nil, sdk.InvalidResponse(ReasonSubject, "a NameID that is empty or contains elements")
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

// FormatInEffect is the format, or the default if none is given (core section 2.2.2).
func (n NameID) FormatInEffect() string {
	if n.Format == "" {
		return saml2.FormatUnspecified
	}
	return n.Format
}

// Key returns the NameID as one text that differs whenever the users differ. A persistent
// identifier is unique only together with its qualifiers (core section 8.3.7); default
// qualifiers are omitted. A value without qualifiers that looks like one with qualifiers is
// refused: a user who can choose it would become another user.
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
		return "", sdk.InvalidResponse(ReasonSubject, "the NameID has two exclamation marks and no qualifiers, so it looks like one with qualifiers: configure the identity provider to send another one, or set identifier_key")
	}
	return n.Value, nil
}

// LogoutKey is the key as logout messages compare it. A text that is too long, and a value
// that looks like another one, are replaced by a fingerprint.
func (n NameID) LogoutKey(p, us string) string {
	key, err := n.Key(p, us)
	if err != nil {
		return Fingerprint(n.Value)
	}
	return SessionText(key)
}

// SessionText limits the names of sessions to what the host compares.
func SessionText(text string) string {
	if text == "" || claims.CheckSubject(text) == nil {
		return text
	}
	return Fingerprint(text)
}

// Fingerprint replaces an entity ID or another text that is too long.
func Fingerprint(entityID string) string {
	sum := sha256.Sum256([]byte(entityID))
	return "sha256:" + hex.EncodeToString(sum[:])
}
