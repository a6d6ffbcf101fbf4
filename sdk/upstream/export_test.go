package upstream

// The tests are outside of the package, because they use the rest of the SDK, which uses it.

// LeftOut replaces a text with a secret.
const LeftOut = leftOut

// SourceOf returns the source of a document, so that tests can change it.
func SourceOf[T any](d *Document[T]) *Source[T] { return &d.source }

// FirstWait is how long the goroutine of KeepFresh waits after its first failure.
const FirstWait = firstWait
