package memlimit

// spareBytes count as part of the heap but are never touched, so that they take no
// memory. The collector runs when the heap has doubled, and the host's heap is so small
// that it ran every 60 logins. With these bytes the heap can grow by as much more before
// each run, whatever its size. A higher GOGC would instead let a large heap grow by a
// multiple of its size.
const spareBytes = 8 << 20

var spare []byte //nolint:unused // it exists to be counted

// CollectSeldom makes the collector run less often, unless memory is scarce.
func CollectSeldom(limit Limit) {
	if limit.Bytes == 0 || limit.Bytes >= 16*spareBytes {
		spare = make([]byte, spareBytes)
	}
}
