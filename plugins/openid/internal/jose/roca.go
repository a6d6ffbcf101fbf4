package jose

import (
	"math/big"
	"sync"
)

// infineon reports whether a modulus has the fingerprint of keys whose primes a library
// of Infineon's made, which can be factored in practice (CVE-2017-15361, "ROCA"). Those
// primes are of the form k*M + (65537^a mod M) for the product M of the first primes,
// so that their own product is a power of 65537 modulo each of these primes, too.
// Nemec and others, The Return of Coppersmith's Attack (ACM CCS 2017), section 3.
//
// Another key has the fingerprint by chance once in 2^27.8 (section 3.3 there).
func infineon(modulus *big.Int) bool {
	prime, rest := new(big.Int), new(big.Int)
	for _, g := range infineonGroups() {
		prime.SetInt64(int64(len(g)))
		if !g[rest.Mod(modulus, prime).Int64()] {
			return false
		}
	}
	return true
}

// infineonGroups are, for each odd prime up to 167, the powers of 65537 modulo that
// prime. The product of these primes divides M for every length of key.
var infineonGroups = sync.OnceValue(func() [][]bool {
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
