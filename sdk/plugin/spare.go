package plugin

// spareBytes are counted as part of the heap and never touched, so that they take no
// memory. The collector runs when the heap has doubled, and that of a plugin is so small
// that it ran every 40 logins, for a tenth of what they cost. With these it grows by as
// much more before each run, whatever its size: a higher GOGC would let a large heap
// grow by a multiple of itself.
const spareBytes = 8 << 20

var spare []byte //nolint:unused // it is there to be counted

func collectSeldom() { spare = make([]byte, spareBytes) }
