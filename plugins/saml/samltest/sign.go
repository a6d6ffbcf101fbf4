package samltest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" //nolint:gosec // to be refused
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

const (
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
	exclusive   = "http://www.w3.org/2001/10/xml-exc-c14n#"
	enveloped   = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
)

// Signing is how an element is signed. Tests change its fields.
type Signing struct {
	Key            Key
	Method, Digest string
	Prefix         string // of the namespace of signatures
	NoKeyInfo      bool
	Inclusive      string // prefix list of the canonicalization

	// Info changes SignedInfo before it is signed, Signature the whole signature afterwards.
	Info, Signature func(xml string) string
}

var methodHashes = map[string]crypto.Hash{
	"rsa-sha1": crypto.SHA1, "rsa-sha256": crypto.SHA256, "rsa-sha384": crypto.SHA384, "rsa-sha512": crypto.SHA512,
	"ecdsa-sha256": crypto.SHA256, "ecdsa-sha384": crypto.SHA384, "ecdsa-sha512": crypto.SHA512,
	"sha256-rsa-MGF1": crypto.SHA256, "sha384-rsa-MGF1": crypto.SHA384, "sha512-rsa-MGF1": crypto.SHA512,
	"sha1": crypto.SHA1, "sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512,
}

// hashOf returns the hash of an algorithm, or SHA-256 for an unknown one.
func hashOf(uri string) crypto.Hash {
	if h, ok := methodHashes[uri[strings.LastIndex(uri, "#")+1:]]; ok {
		return h
	}
	return crypto.SHA256
}

func sum(h crypto.Hash, data []byte) []byte {
	hash := h.New()
	hash.Write(data)
	return hash.Sum(nil)
}

// canonical canonicalizes a copy of an element with another library than the plugin uses.
// That library handles CDATA sections as text only if they are parsed as text.
func canonical(e *etree.Element, prefixes string) []byte {
	doc := etree.NewDocument()
	doc.SetRoot(e.Copy())
	text, err := doc.WriteToBytes()
	if err != nil {
		panic(err)
	}
	plain := etree.NewDocument()
	if err := plain.ReadFromBytes(text); err != nil {
		panic(err)
	}
	data, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(prefixes).Canonicalize(plain.Root())
	if err != nil {
		panic(err)
	}
	return data
}

// Sign inserts a signature after the issuer of an element, or at the beginning.
func (s Signing) Sign(e *etree.Element) {
	at := 0
	for _, child := range e.ChildElements() {
		if child.Tag == "Issuer" {
			at = child.Index() + 1
			break
		}
	}
	e.InsertChildAt(at, s.element(e))
}

func (s Signing) element(e *etree.Element) *etree.Element {
	name := func(local string) string { return prefixed(s.Prefix, local) }
	names := declaration(s.Prefix, nsSignature)
	info := s.signedInfo(e, name, names)
	if s.Info != nil {
		info = s.Info(info)
	}
	value := base64.StdEncoding.EncodeToString(SignBytes(canonical(parse(info), ""), s.Method, s.Key))
	keyInfo := ""
	if !s.NoKeyInfo {
		keyInfo = fmt.Sprintf("<%s><%s><%s>%s</%s></%s></%s>", name("KeyInfo"), name("X509Data"), name("X509Certificate"), s.Key.DER(),
			name("X509Certificate"), name("X509Data"), name("KeyInfo"))
	}
	text := fmt.Sprintf("<%s%s>%s<%s>%s</%s>%s</%s>", name("Signature"), names, info,
		name("SignatureValue"), value, name("SignatureValue"), keyInfo, name("Signature"))
	if s.Signature != nil {
		text = s.Signature(text)
	}
	return parse(text)
}

func (s Signing) signedInfo(e *etree.Element, name func(string) string, names string) string {
	inclusive := ""
	if s.Inclusive != "" {
		inclusive = fmt.Sprintf(`<ec:InclusiveNamespaces xmlns:ec="%s" PrefixList="%s"/>`, exclusive, s.Inclusive)
	}
	digest := base64.StdEncoding.EncodeToString(sum(hashOf(s.Digest), canonical(e, s.Inclusive)))
	return strings.NewReplacer("{", "<", "}", ">").Replace(fmt.Sprintf(
		`{%s%s}{%s Algorithm="%s"/}{%s Algorithm="%s"/}{%s URI="#%s"}{%s}{%s Algorithm="%s"/}{%s Algorithm="%s"}%s{/%s}{/%s}{%s Algorithm="%s"/}{%s}%s{/%s}{/%s}{/%s}`,
		name("SignedInfo"), names, name("CanonicalizationMethod"), exclusive, name("SignatureMethod"), s.Method,
		name("Reference"), e.SelectAttrValue("ID", ""), name("Transforms"),
		name("Transform"), enveloped, name("Transform"), exclusive, inclusive, name("Transform"), name("Transforms"),
		name("DigestMethod"), s.Digest, name("DigestValue"), digest, name("DigestValue"), name("Reference"), name("SignedInfo")))
}

// SignBytes signs data for XML Signature: ECDSA as two numbers instead of DER, and RSASSA-PSS
// with a salt as long as the hash.
func SignBytes(data []byte, method string, key Key) []byte {
	h := hashOf(method)
	var opts crypto.SignerOpts = h
	if strings.HasSuffix(method, "-rsa-MGF1") {
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}
	}
	signature, err := key.Signer.Sign(rand.Reader, sum(h, data), opts)
	if err != nil {
		panic(err)
	}
	public, ok := key.Signer.Public().(*ecdsa.PublicKey)
	if !ok {
		return signature
	}
	var values struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(signature, &values); err != nil {
		panic(err)
	}
	size := (public.Curve.Params().BitSize + 7) / 8
	return append(values.R.FillBytes(make([]byte, size)), values.S.FillBytes(make([]byte, size))...)
}
