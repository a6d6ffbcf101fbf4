package xmlenc

import (
	"crypto"
	"crypto/rsa"
	"fmt"

	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
)

// maxKeys limits the EncryptedKeys of one element.
const maxKeys = 8

// wrappedKey is the content key, encrypted for a recipient.
type wrappedKey struct {
	oaep  *rsa.OAEPOptions
	value []byte
}

// findKeys returns the EncryptedKeys, which are in the KeyInfo of the data or next to the
// data (SAML core section 2.3.4). There can be several, for different recipients or for a key
// of ours that is being replaced (core section 2.2.4). It returns those that name us,
// otherwise those without a recipient, otherwise all.
func findKeys(e *strictxml.Element, recipient string) ([]*strictxml.Element, error) {
	var all, ours, unaddressed []*strictxml.Element
	e.Walk(func(inside *strictxml.Element) bool {
		if inside.Is(Namespace, "EncryptedKey") {
			all = append(all, inside)
			switch named, given := inside.Attr("Recipient"); {
			case named == recipient:
				ours = append(ours, inside)
			case !given:
				unaddressed = append(unaddressed, inside)
			}
		}
		return true
	})
	switch {
	case len(all) == 0 || len(all) > maxKeys:
		return nil, fmt.Errorf("%w: %d encrypted keys, not 1 to %d", ErrShape, len(all), maxKeys)
	case len(ours) > 0:
		return ours, nil
	case len(unaddressed) > 0:
		return unaddressed, nil
	}
	return all, nil
}

// readKeys skips keys that are wrapped in an unsupported way, unless all are.
func readKeys(found []*strictxml.Element) ([]wrappedKey, error) {
	var keys []wrappedKey
	var refused error
	for _, e := range found {
		oaep, err := oaepOptions(method(e))
		if err != nil {
			refused = err
			continue
		}
		value, err := cipherValue(e)
		if err != nil {
			return nil, err
		}
		keys = append(keys, wrappedKey{oaep, value})
	}
	if len(keys) == 0 {
		return nil, refused
	}
	return keys, nil
}

// digests are those of RSA-OAEP. They include names that other implementations write for
// SHA-1 and SHA-256, and a misspelling by old versions of Go libraries.
var digests = map[string]crypto.Hash{
	xmldsig.SHA1:                 crypto.SHA1,
	xmldsig.SHA256:               crypto.SHA256,
	xmldsig.Namespace + "sha256": crypto.SHA256,
	xmldsig.SHA384:               crypto.SHA384,
	xmldsig.SHA512:               crypto.SHA512,
	Namespace11 + "mgf1sha1":     crypto.SHA1,
	Namespace11 + "mgf1sha256":   crypto.SHA256,
	Namespace11 + "mgf1sha384":   crypto.SHA384,
	Namespace11 + "mgf1sha512":   crypto.SHA512,
	Namespace + "sha384":         crypto.SHA384,
	"":                           crypto.SHA1,
}

// oaepOptions reads the parameters of RSA-OAEP (XML Encryption 1.1 section 5.5.2). SHA-1 is
// the default, and is not a weakness here: OAEP does not require collision resistance.
func oaepOptions(m *strictxml.Element) (*rsa.OAEPOptions, error) {
	algorithm := m.Value("Algorithm")
	if algorithm != OAEPMGF1P && algorithm != OAEP {
		return nil, fmt.Errorf("%w: %+.100q", ErrKey, algorithm)
	}
	opts := &rsa.OAEPOptions{MGFHash: crypto.SHA1}
	for _, inside := range m.Children() {
		value := inside.Value("Algorithm")
		hash, known := digests[value]
		switch {
		case inside.Is(xmldsig.Namespace, "DigestMethod") && known:
			opts.Hash = hash
		case inside.Is(Namespace11, "MGF") && known && (algorithm == OAEP || hash == crypto.SHA1):
			opts.MGFHash = hash // the name rsa-oaep-mgf1p implies SHA-1
		case inside.Is(Namespace, "KeySize"):
		default: // including OAEPparams, which nobody sends
			return nil, fmt.Errorf("%w: %s with %s %+.100q", ErrKey, algorithm, inside.Local, value)
		}
	}
	if opts.Hash == 0 {
		opts.Hash = crypto.SHA1
	}
	return opts, nil
}
