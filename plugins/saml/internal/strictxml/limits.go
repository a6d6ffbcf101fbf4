package strictxml

// Limits bound a document. What is beyond one of them is refused.
type Limits struct {
	Bytes      int
	Depth      int // of elements in each other
	Elements   int
	Attributes int // of all elements together, namespace declarations included

	// Comments lets comments pass, and drops them: metadata that people write
	// has some. In a message a comment is an attack (CVE-2017-11427).
	Comments bool
}

// MaxMessage is how many bytes a protocol message may have.
const MaxMessage = 256 << 10

// Message returns the limits of a protocol message. A user in more than a
// thousand groups, of which each is an element, passes.
func Message() Limits {
	return Limits{Bytes: MaxMessage, Depth: 64, Elements: 10_000, Attributes: 20_000}
}

// Metadata returns the limits of metadata, which may describe a whole federation.
func Metadata() Limits {
	return Limits{Bytes: 8 << 20, Depth: 64, Elements: 400_000, Attributes: 800_000, Comments: true}
}

const (
	maxName       = 128 // bytes of a name, prefix included
	maxAttributes = 64  // of one element

	// maxDeclarations bounds those that one element and all around it have, and
	// so what it costs to find out what a prefix means.
	maxDeclarations = 64
)
