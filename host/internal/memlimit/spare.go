package memlimit

// spareBytes are counted as part of the heap and never touched, so that they take no
// memory. The collector runs when the heap has doubled, and ours is so small that it ran
// every 60 logins. With these it grows by as much more before each run, whatever its
// size: a higher GOGC would let a large heap grow by a multiple of itself.
const spareBytes = 8 << 20

var spare []byte //nolint:unused // it is there to be counted

// CollectSeldom has the collector run less often, unless memory is scarce.
func CollectSeldom(limit Limit) {
	if limit.Bytes == 0 || limit.Bytes >= 16*spareBytes {
		spare = make([]byte, spareBytes)
	}
}
