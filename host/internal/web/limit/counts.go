package limit

import "time"

// identities are the buckets of who tries to sign in.
type identities struct {
	login, name, lately bucket
	hasName             bool
	address, network    bucket
	hasNetwork          bool
	starts, manyStarts  bucket
	device, itsStarts   bucket
	isKnown             bool
}

// Buckets of everybody.
var (
	everybody = bucket{ofEverybody, 1}
	flood     = bucket{ofFlood, 1}
)

// identify hashes, so it is called without the lock.
func (l *Limiter) identify(who Who) identities {
	address := network(who.Address, 64)
	ids := identities{address: l.keyed.bucket(ofAddress, address), starts: l.keyed.bucket(ofStarts, address)}
	if who.Address.Is6() && !who.Address.Is4In6() {
		wide := network(who.Address, 48)
		ids.hasNetwork = true
		ids.network, ids.manyStarts = l.keyed.bucket(ofNetwork, wide), l.keyed.bucket(ofNetworkStarts, wide)
	}
	if name := folded(who.Name); len(name) > 0 {
		provider := []byte(who.Provider)
		ids.hasName = true
		ids.login = l.keyed.bucket(ofLogin, provider, name, address)
		ids.name, ids.lately = l.keyed.bucket(ofName, provider, name), l.keyed.bucket(ofNameLately, provider, name)
	}
	if device, ok := l.known(who); ok {
		ids.isKnown = true
		ids.device, ids.itsStarts = l.keyed.bucket(ofDevice, device), l.keyed.bucket(ofDeviceStarts, device)
	}
	return ids
}

// startCounts are what a start fills.
func (l *Limiter) startCounts(ids identities, now time.Duration) []count {
	const points = 1.0 / startsInPoint
	weight := l.weightOf(everybody, now) * points
	counts := make([]count, 0, 5)
	gate := true
	if ids.isKnown {
		own := l.count(ids.itsStarts, points, true)
		if gate = l.over(own, now) > 0; gate {
			own.gate = false // what is the browser's own is used up: it counts as any other
		}
		counts = append(counts, own)
	}
	counts = append(counts, l.count(ids.starts, weight, gate))
	if ids.hasNetwork {
		counts = append(counts, l.count(ids.manyStarts, weight, gate))
	}
	return append(counts, l.count(everybody, points, false), l.count(flood, points, gate))
}

// tryCounts are what a failure fills.
func (l *Limiter) tryCounts(ids identities, now time.Duration) []count {
	weight := l.weightOf(everybody, now)
	counts := make([]count, 0, 8)
	gate := true
	if ids.isKnown && ids.hasName { // or anybody could be meant
		own := l.count(ids.device, 1, true)
		if gate = l.over(own, now) > 0; gate {
			own.gate = false
		}
		counts = append(counts, own)
	}
	if ids.hasName {
		ofName := max(weight, l.weightOf(ids.lately, now))
		counts = append(counts, l.count(ids.login, ofName, gate), l.count(ids.name, ofName, gate), l.count(ids.lately, 1, false))
	}
	counts = append(counts, l.count(ids.address, weight, gate))
	if ids.hasNetwork {
		counts = append(counts, l.count(ids.network, weight, gate))
	}
	return append(counts, l.count(everybody, 1, false), l.count(flood, 1, gate))
}

// weightOf is what a failure counts, given how many there were.
func (l *Limiter) weightOf(b bucket, now time.Duration) float64 {
	if l.full(b, now) {
		return strict
	}
	return 1
}

func (l *Limiter) count(b bucket, points float64, gate bool) count {
	return count{b, l.tables[b.kind].rate.span(points), gate}
}
