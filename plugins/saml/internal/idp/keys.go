package idp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/ownkeys"
	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/sdk"
)

// signingKey is a key of the identity provider for signing. Its certificate is trusted
// because it is in the metadata, regardless of its issuer. It is nil for a bare key, as
// LemonLDAP::NG publishes it.
type signingKey struct {
	public      crypto.PublicKey
	Certificate *x509.Certificate
}

// readKeys reads the keys for signing, and those without a use (metadata section 2.4.1.1).
func (p *Provider) readKeys(role *strictxml.Element) error {
	for _, descriptor := range role.All(saml2.Metadata, "KeyDescriptor") {
		if use, named := descriptor.Attr("use"); named && use != "signing" {
			continue
		}
		certified := false
		descriptor.Walk(func(e *strictxml.Element) bool {
			if e.Is(saml2.Signature, "X509Certificate") {
				p.addCertificate(e)
				certified = true
			}
			return true
		})
		if !certified {
			p.addBareKey(descriptor)
		}
	}
	if len(p.Keys) == 0 {
		return sdk.Misconfigured(reasonMetadataKeys, "metadata of the provider has no usable signing key: it must be RSA with at least %d bits, or ECDSA (%d keys are unusable)", ownkeys.MinRSA, p.WeakKeys)
	}
	return nil
}

// maxProviderKeys limits the cost of a forged signature: each key is tried.
const maxProviderKeys = 16

func (p *Provider) addCertificate(e *strictxml.Element) {
	c, err := readCertificate(e)
	if err != nil {
		p.WeakKeys++
		return
	}
	p.add(signingKey{c.PublicKey, c})
}

// addBareKey reads the RSA key of a descriptor without a certificate (XML Signature section
// 4.4.2.2).
func (p *Provider) addBareKey(descriptor *strictxml.Element) {
	modulus, err := decodedText(descendant(descriptor, "KeyInfo", "KeyValue", "RSAKeyValue", "Modulus"))
	exponent, exponentErr := decodedText(descendant(descriptor, "KeyInfo", "KeyValue", "RSAKeyValue", "Exponent"))
	e := new(big.Int).SetBytes(exponent)
	if err != nil || exponentErr != nil || !e.IsInt64() || e.Int64() < 3 || e.Int64() > math.MaxInt32 || e.Bit(0) == 0 {
		p.WeakKeys++
		return
	}
	p.add(signingKey{public: &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(e.Int64())}})
}

// descendant returns the element of XML Signature at the end of path, or nil if any step is
// missing or ambiguous.
func descendant(e *strictxml.Element, path ...string) *strictxml.Element {
	for _, name := range path {
		if e = e.Child(saml2.Signature, name); e == nil {
			return nil
		}
	}
	return e
}

// decodedText decodes the base64 in an element, which may be nil.
func decodedText(e *strictxml.Element) ([]byte, error) {
	if e == nil {
		return nil, errors.New("the element is missing")
	}
	text, _ := e.Text()
	return xmldsig.DecodeBase64(text)
}

func (p *Provider) add(key signingKey) {
	if !strong(key.public) || len(p.Keys) == maxProviderKeys {
		p.WeakKeys++
		return
	}
	if !slices.ContainsFunc(p.Keys, key.equal) {
		p.Keys = append(p.Keys, key)
	}
}

// equal reports whether it is the same key in the same certificate.
func (k signingKey) equal(other signingKey) bool {
	if k.Certificate == nil || other.Certificate == nil {
		public, ok := k.public.(*rsa.PublicKey)
		return ok && k.Certificate == other.Certificate && public.Equal(other.public)
	}
	return k.Certificate.Equal(other.Certificate)
}

const maxRSA = 16384

func strong(key crypto.PublicKey) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= ownkeys.MinRSA && key.N.BitLen() <= maxRSA && key.N.Bit(0) == 1
	case *ecdsa.PublicKey:
		return key.Curve.Params().BitSize >= 256
	}
	return false
}

// UsableKeys returns the keys whose certificate is valid at now, and the number of the
// others.
func (p *Provider) UsableKeys(now time.Time, allowExpired bool) (keys []crypto.PublicKey, expired int) {
	for _, k := range p.Keys {
		if c := k.Certificate; c != nil && !allowExpired && (now.After(c.NotAfter) || now.Before(c.NotBefore)) {
			expired++
			continue
		}
		keys = append(keys, k.public)
	}
	return keys, expired
}
