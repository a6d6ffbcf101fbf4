package upstream

// The tests stand outside of the package, because the SDK that they run it with uses it.

// LeftOut is what stands for a text with a secret.
const LeftOut = leftOut

// SourceOf is that of a document, to be changed.
func SourceOf[T any](d *Document[T]) *Source[T] { return &d.source }

// FirstWait is how long the goroutine of KeepFresh waits after its first failure.
const FirstWait = firstWait
