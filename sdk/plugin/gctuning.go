package plugin

// ballastBytes count as part of the heap but are never touched, so that they take no
// memory. The garbage collector runs when the heap has doubled. The heap of a plugin is so
// small that the collector ran every 40 logins, which was a tenth of their cost. With the
// ballast the heap grows by this much more before each run, whatever its size. A higher
// GOGC would let a large heap grow by a multiple of itself.
const ballastBytes = 8 << 20

var ballast []byte //nolint:unused // it only has to exist

func collectSeldom() { ballast = make([]byte, ballastBytes) }
