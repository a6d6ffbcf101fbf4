package jose

import (
	"math/big"
	"sync"
)

// hasROCAFingerprint reports whether a modulus has the fingerprint of keys from a library of
// Infineon, which can be factored in practice (CVE-2017-15361, "ROCA"). The primes of these
// keys have the form k*M + (65537^a mod M) for the product M of the first primes, so the
// product of two of them is also a power of 65537 modulo each of the first primes. See Nemec
// and others, The Return of Coppersmith's Attack (ACM CCS 2017), section 3.
//
// Another key has the fingerprint by chance once in 2^27.8 (section 3.3 there).
func hasROCAFingerprint(modulus *big.Int) bool {
	prime, rest := new(big.Int), new(big.Int)
	for _, g := range rocaGroups() {
		prime.SetInt64(int64(len(g)))
		if !g[rest.Mod(modulus, prime).Int64()] {
			return false
		}
	}
	return true
}

// rocaGroups are, for each odd prime up to 167, the powers of 65537 modulo that prime. The
// product of these primes divides M for every key length.
var rocaGroups = sync.OnceValue(func() [][]bool {
	var groups [][]bool
	for p := 3; p <= 167; p += 2 {
		if !big.NewInt(int64(p)).ProbablyPrime(0) {
			continue
		}
		group := make([]bool, p)
		for power := 1; !group[power]; power = power * 65537 % p {
			group[power] = true
		}
		groups = append(groups, group)
	}
	return groups
})
