package xmldsig

import (
	"crypto"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
)

// The errors of [Verify], in addition to [ErrAlgorithm] and [ErrSignature].
var (
	ErrUnsigned = errors.New("not signed")
	ErrShape    = errors.New("the signature does not have the form that SAML requires")
	ErrDigest   = errors.New("the content was changed after it was signed")
)

func shapeError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrShape, fmt.Sprintf(format, args...))
}

// Verify verifies the signature inside the element and returns the signed content: the
// element without its signature, parsed again from the bytes that were hashed.
//
// Only the given keys count. Key information in the signature is ignored.
func Verify(e *strictxml.Element, keys []crypto.PublicKey, policy Policy, limits strictxml.Limits) (*strictxml.Element, error) {
	signature, err := Find(e)
	if err != nil {
		return nil, err
	}
	info, err := verifyInfo(signature, keys, policy, limits)
	if err != nil {
		return nil, err
	}
	// From here on, use only what the key has signed.
	ref, err := readReference(info, policy)
	if err != nil {
		return nil, err
	}
	if id := e.Value("ID"); id == "" || ref.uri != "#"+id {
		return nil, shapeError("it refers to %+.80q, not to the element that contains it", ref.uri)
	}
	limits = canonicalLimits(limits)
	content, err := strictxml.Canonical(e, ref.prefixes, signature, limits.Bytes)
	if err != nil {
		return nil, fmt.Errorf("writing what is signed: %w", err)
	}
	if subtle.ConstantTimeCompare(hash(ref.hash, content), ref.digest) != 1 {
		return nil, ErrDigest
	}
	return strictxml.Parse(content, limits)
}

// canonicalLimits allow for what the canonical form adds to a document within the limits:
// each of many values declares the namespace of its xsi:type again.
func canonicalLimits(l strictxml.Limits) strictxml.Limits {
	l.Bytes *= 4
	l.Attributes *= 2
	return l
}

// Find returns the signature that is a child of the element. It returns ErrUnsigned if there
// is none, and ErrShape if there are several.
func Find(e *strictxml.Element) (*strictxml.Element, error) {
	found := e.All(Namespace, "Signature")
	switch len(found) {
	case 0:
		return nil, ErrUnsigned
	case 1:
		return found[0], nil
	}
	return nil, shapeError("%d signatures in one element", len(found))
}

// verifyInfo verifies the signature over SignedInfo, and returns SignedInfo as it was signed.
func verifyInfo(signature *strictxml.Element, keys []crypto.PublicKey, policy Policy, limits strictxml.Limits) (*strictxml.Element, error) {
	parts, err := exactly(signature, "SignedInfo", "SignatureValue", "KeyInfo?")
	if err != nil {
		return nil, err
	}
	value, err := base64Text(parts[1])
	if err != nil {
		return nil, shapeError("signature value: %v", err)
	}
	c14n, err := exactly(parts[0], "CanonicalizationMethod", "SignatureMethod", "Reference")
	if err != nil {
		return nil, err
	}
	signed, err := canonicalInfo(parts[0], c14n[0], limits.Bytes)
	if err != nil {
		return nil, err
	}
	info, err := strictxml.Parse(signed, limits)
	if err != nil {
		return nil, fmt.Errorf("reading what is signed: %w", err)
	}
	read, err := exactly(info, "CanonicalizationMethod", "SignatureMethod", "Reference")
	if err != nil {
		return nil, err
	}
	algorithm, err := algorithmOf(read[1])
	if err != nil {
		return nil, err
	}
	return info, VerifyBytes(signed, value, algorithm, keys, policy)
}

// canonicalInfo returns SignedInfo in the form that was signed. Unlike the signed content, it
// may use inclusive canonicalization, which core section 5.4.3 only discourages: we read only
// elements of XML Signature from it, and inclusive canonicalization adds only namespaces and
// attributes that we do not read.
func canonicalInfo(info, c14n *strictxml.Element, most int) ([]byte, error) {
	if withoutComments(c14n.Value("Algorithm"), "#") == InclusiveC14N && len(c14n.Children()) == 0 {
		return strictxml.Inclusive(info, most)
	}
	prefixes, err := exclusivePrefixes(c14n)
	if err != nil {
		return nil, err
	}
	return strictxml.Canonical(info, prefixes, nil, most)
}

// withoutComments returns the variant of a canonicalization that omits comments. In messages,
// which have no comments, both are the same. Metadata can have comments; its digest then
// differs.
func withoutComments(algorithm, separator string) string {
	return strings.TrimSuffix(algorithm, separator+"WithComments")
}

type reference struct {
	uri      string
	prefixes []string
	hash     crypto.Hash
	digest   []byte
}

func readReference(info *strictxml.Element, policy Policy) (reference, error) {
	element := info.Child(Namespace, "Reference")
	parts, err := exactly(element, "Transforms", "DigestMethod", "DigestValue")
	if err != nil {
		return reference{}, err
	}
	ref := reference{uri: element.Value("URI")}
	if ref.prefixes, err = readTransforms(parts[0]); err != nil {
		return reference{}, err
	}
	algorithm, err := algorithmOf(parts[1])
	if err != nil {
		return reference{}, err
	}
	if ref.hash, err = policy.digest(algorithm); err != nil {
		return reference{}, err
	}
	ref.digest, err = base64Text(parts[2])
	if err != nil {
		return reference{}, shapeError("digest value: %v", err)
	}
	return ref, nil
}

// readTransforms accepts the two transforms of SAML in their order (core section 5.4.4), and
// returns the prefixes that are canonicalized inclusively. Other transforms could change what
// is signed.
func readTransforms(transforms *strictxml.Element) ([]string, error) {
	parts, err := exactly(transforms, "Transform", "Transform")
	if err != nil {
		return nil, err
	}
	if parts[0].Value("Algorithm") != EnvelopedMethod || len(parts[0].Children()) != 0 {
		return nil, shapeError("the transforms must be enveloped-signature and exclusive canonicalization, in this order")
	}
	return exclusivePrefixes(parts[1])
}

// exclusivePrefixes requires exclusive canonicalization and returns its prefix list.
func exclusivePrefixes(method *strictxml.Element) ([]string, error) {
	if algorithm := method.Value("Algorithm"); withoutComments(algorithm, "") != ExclusiveC14N {
		return nil, &AlgorithmError{ForCanonicalization, algorithm}
	}
	switch inside := method.Children(); {
	case len(inside) == 0:
		return nil, nil
	case len(inside) > 1 || !inside[0].Is(ExclusiveC14N, "InclusiveNamespaces"):
		return nil, shapeError("canonicalization with unsupported content")
	default:
		return strings.Fields(inside[0].Value("PrefixList")), nil
	}
}

// algorithmOf returns the algorithm of a method without parameters. Parameters such as
// HMACOutputLength would weaken the check.
func algorithmOf(method *strictxml.Element) (string, error) {
	if len(method.Children()) != 0 {
		return "", shapeError("%s with parameters", method.Local)
	}
	return method.Value("Algorithm"), nil
}

// exactly returns the child elements if they have exactly these names in this order. A name
// that ends in ? may be missing.
func exactly(e *strictxml.Element, names ...string) ([]*strictxml.Element, error) {
	children := e.Children()
	for i, name := range names {
		name, optional := strings.CutSuffix(name, "?")
		switch {
		case i < len(children) && children[i].Is(Namespace, name):
		case optional && i == len(children):
			return children, nil
		default:
			return nil, shapeError("%s does not have exactly the children %s", e.Local, strings.Join(names, ", "))
		}
	}
	if len(children) != len(names) {
		return nil, shapeError("%s does not have exactly the children %s", e.Local, strings.Join(names, ", "))
	}
	return children, nil
}

// base64Text decodes the text of an element, in which white space is allowed. Text in several
// pieces, of which another reader might use one, cannot occur, because there are no comments.
func base64Text(e *strictxml.Element) ([]byte, error) {
	text, ok := e.Text()
	if !ok {
		return nil, errors.New("it contains elements")
	}
	return DecodeBase64(text)
}

// DecodeBase64 decodes standard base64 with white space between.
func DecodeBase64(text string) ([]byte, error) {
	data, err := base64.StdEncoding.Strict().DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, errors.New("it is not base64")
	}
	return data, nil
}
