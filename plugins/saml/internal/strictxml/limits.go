package strictxml

// Limits bound a document. A document that exceeds one of them is refused.
type Limits struct {
	Bytes      int
	Depth      int // of nested elements
	Elements   int
	Attributes int // of all elements together, namespace declarations included

	// Comments allows comments, and drops them: metadata that people write has some. In a
	// message, a comment is an attack (CVE-2017-11427).
	Comments bool
}

// MaxMessage is the maximum size of a protocol message in bytes.
const MaxMessage = 256 << 10

// Message returns the limits of a protocol message. They allow a user in more than a thousand
// groups, each of which is an element.
func Message() Limits {
	return Limits{Bytes: MaxMessage, Depth: 64, Elements: 10_000, Attributes: 20_000}
}

// Metadata returns the limits of metadata, which can describe a whole federation.
func Metadata() Limits {
	return Limits{Bytes: 8 << 20, Depth: 64, Elements: 400_000, Attributes: 800_000, Comments: true}
}

const (
	maxName       = 128 // bytes of a name, including the prefix
	maxAttributes = 64  // of one element

	// maxDeclarations limits the declarations on an element and all its ancestors, and so the
	// cost of resolving a prefix.
	maxDeclarations = 64
)
