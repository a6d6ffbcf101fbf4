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

// The errors of [Verify] besides [ErrAlgorithm] and [ErrSignature].
var (
	ErrUnsigned = errors.New("not signed")
	ErrShape    = errors.New("signature of another form than SAML has")
	ErrDigest   = errors.New("content was changed after it was signed")
)

func shapeError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrShape, fmt.Sprintf(format, args...))
}

// Verify verifies the signature inside of the element, and returns what is signed:
// the element without its signature, parsed anew from the bytes that were hashed.
//
// The keys are the only ones that count. What the signature says about its key is
// not looked at.
func Verify(e *strictxml.Element, keys []crypto.PublicKey, policy Policy, limits strictxml.Limits) (*strictxml.Element, error) {
	signature, err := Find(e)
	if err != nil {
		return nil, err
	}
	info, err := verifyInfo(signature, keys, policy, limits)
	if err != nil {
		return nil, err
	}
	// From here on only what the key has signed is looked at.
	ref, err := readReference(info, policy)
	if err != nil {
		return nil, err
	}
	if id := e.Value("ID"); id == "" || ref.uri != "#"+id {
		return nil, shapeError("it refers to %+.80q, not to the element around it", ref.uri)
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

// canonicalLimits leave room for what the canonical form adds to a document that
// kept the limits: each of many values declares the namespace of its xsi:type anew.
func canonicalLimits(l strictxml.Limits) strictxml.Limits {
	l.Bytes *= 4
	l.Attributes *= 2
	return l
}

// Find returns the signature that is a child of the element. It is ErrUnsigned if
// there is none, and ErrShape if there are two.
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

// verifyInfo checks the signature over SignedInfo, and returns SignedInfo as it
// was signed.
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

// canonicalInfo is SignedInfo as it was signed. Other than what is signed itself, it
// may be canonicalized inclusively (core section 5.4.3 says only that it should not):
// what is read of it are elements of XML Signature, and all that this canonicalization
// adds are namespaces and attributes that nobody looks at.
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

// withoutComments names the canonicalization that leaves comments out. Where there are
// none, as in each message that is let in, both are one. Of metadata, in which comments
// may stand, the digest differs then.
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

// readTransforms accepts the two that SAML has, in their order (core section
// 5.4.4), and returns the prefixes that are canonicalized inclusively. Anything
// else could choose what is signed.
func readTransforms(transforms *strictxml.Element) ([]string, error) {
	parts, err := exactly(transforms, "Transform", "Transform")
	if err != nil {
		return nil, err
	}
	if parts[0].Value("Algorithm") != EnvelopedMethod || len(parts[0].Children()) != 0 {
		return nil, shapeError("the first transform must be that for enveloped signatures, and the second exclusive canonicalization")
	}
	return exclusivePrefixes(parts[1])
}

// exclusivePrefixes returns the prefix list of exclusive canonicalization, which
// it demands.
func exclusivePrefixes(method *strictxml.Element) ([]string, error) {
	if algorithm := method.Value("Algorithm"); withoutComments(algorithm, "") != ExclusiveC14N {
		return nil, &AlgorithmError{ForCanonicalization, algorithm}
	}
	switch inside := method.Children(); {
	case len(inside) == 0:
		return nil, nil
	case len(inside) > 1 || !inside[0].Is(ExclusiveC14N, "InclusiveNamespaces"):
		return nil, shapeError("canonicalization with something inside")
	default:
		return strings.Fields(inside[0].Value("PrefixList")), nil
	}
}

// algorithmOf returns the algorithm of a method without parameters. Parameters
// such as HMACOutputLength would change what it checks.
func algorithmOf(method *strictxml.Element) (string, error) {
	if len(method.Children()) != 0 {
		return "", shapeError("%s with parameters", method.Local)
	}
	return method.Value("Algorithm"), nil
}

// exactly returns the child elements if they have these names, in this order, and
// there is nothing else. A name that ends in ? may be missing.
func exactly(e *strictxml.Element, names ...string) ([]*strictxml.Element, error) {
	children := e.Children()
	for i, name := range names {
		name, optional := strings.CutSuffix(name, "?")
		switch {
		case i < len(children) && children[i].Is(Namespace, name):
		case optional && i == len(children):
			return children, nil
		default:
			return nil, shapeError("%s has not exactly %s", e.Local, strings.Join(names, ", "))
		}
	}
	if len(children) != len(names) {
		return nil, shapeError("%s has not exactly %s", e.Local, strings.Join(names, ", "))
	}
	return children, nil
}

// base64Text decodes the text of an element, in which white space may stand. Text
// in several pieces, of which another reader might take one, cannot occur: there
// are no comments.
func base64Text(e *strictxml.Element) ([]byte, error) {
	text, ok := e.Text()
	if !ok {
		return nil, errors.New("it holds elements")
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
