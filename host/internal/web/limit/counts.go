package limit

import "time"

// identities are the buckets of a client that tries to sign in.
type identities struct {
	login, name, recent bucket
	hasName             bool
	address, network    bucket
	hasNetwork          bool
	starts, manyStarts  bucket
	device, itsStarts   bucket
	isKnown             bool
}

// Buckets for all clients together.
var (
	everybody = bucket{ofEverybody, 1}
	flood     = bucket{ofFlood, 1}
)

// bucketsOf computes hashes, so it is called without the lock.
func (l *Limiter) bucketsOf(who Who) identities {
	address := network(who.Address, 64)
	ids := identities{address: l.hasher.bucket(ofAddress, address), starts: l.hasher.bucket(ofStarts, address)}
	if who.Address.Is6() && !who.Address.Is4In6() {
		wide := network(who.Address, 48)
		ids.hasNetwork = true
		ids.network, ids.manyStarts = l.hasher.bucket(ofNetwork, wide), l.hasher.bucket(ofNetworkStarts, wide)
	}
	if name := folded(who.Name); len(name) > 0 {
		provider := []byte(who.Provider)
		ids.hasName = true
		ids.login = l.hasher.bucket(ofLogin, provider, name, address)
		ids.name, ids.recent = l.hasher.bucket(ofName, provider, name), l.hasher.bucket(ofNameRecent, provider, name)
	}
	if device, ok := l.knownDevice(who); ok {
		ids.isKnown = true
		ids.device, ids.itsStarts = l.hasher.bucket(ofDevice, device), l.hasher.bucket(ofDeviceStarts, device)
	}
	return ids
}

// startCounts are the buckets that a start fills.
func (l *Limiter) startCounts(ids identities, now time.Duration) []count {
	const points = 1.0 / startsInPoint
	weight := l.weightOf(everybody, now) * points
	counts := make([]count, 0, 5)
	gate := true
	if ids.isKnown {
		own := l.count(ids.itsStarts, points, true)
		if gate = l.waitFor(own, now) > 0; gate {
			own.gate = false // the browser's own bucket is full: it counts like any other
		}
		counts = append(counts, own)
	}
	counts = append(counts, l.count(ids.starts, weight, gate))
	if ids.hasNetwork {
		counts = append(counts, l.count(ids.manyStarts, weight, gate))
	}
	return append(counts, l.count(everybody, points, false), l.count(flood, points, gate))
}

// tryCounts are the buckets that a failure fills.
func (l *Limiter) tryCounts(ids identities, now time.Duration) []count {
	weight := l.weightOf(everybody, now)
	counts := make([]count, 0, 8)
	gate := true
	if ids.isKnown && ids.hasName { // without a name, it could be anyone
		own := l.count(ids.device, 1, true)
		if gate = l.waitFor(own, now) > 0; gate {
			own.gate = false
		}
		counts = append(counts, own)
	}
	if ids.hasName {
		ofName := max(weight, l.weightOf(ids.recent, now))
		counts = append(counts, l.count(ids.login, ofName, gate), l.count(ids.name, ofName, gate), l.count(ids.recent, 1, false))
	}
	counts = append(counts, l.count(ids.address, weight, gate))
	if ids.hasNetwork {
		counts = append(counts, l.count(ids.network, weight, gate))
	}
	return append(counts, l.count(everybody, 1, false), l.count(flood, 1, gate))
}

// weightOf is how much a failure counts, given how many there were.
func (l *Limiter) weightOf(b bucket, now time.Duration) float64 {
	if l.full(b, now) {
		return strict
	}
	return 1
}

func (l *Limiter) count(b bucket, points float64, gate bool) count {
	return count{b, l.tables[b.kind].rate.span(points), gate}
}
