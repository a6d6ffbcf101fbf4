package jose

import "testing"

// TestHashFits: the value of RS256 is that of OpenID Connect Core appendix A.3, the
// others were made with Python's hashlib.
func TestHashFits(t *testing.T) {
	const accessToken = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
	for alg, hash := range map[string]string{
		"RS256": "77QmUPtjPfzWtF2AnpK9RQ",
		"ES384": "jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs",
		"PS512": "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM",
		"EdDSA": "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM",
	} {
		token := Token{alg: alg}
		if !token.HashFits(hash, accessToken) {
			t.Errorf("%s: not %s", alg, hash)
		}
		for _, other := range []string{"", hash[1:], hash + "=", "A" + hash[1:]} {
			if token.HashFits(other, accessToken) || token.HashFits(hash, accessToken+"x") {
				t.Errorf("%s: %s fits, too", alg, other)
			}
		}
	}
	if (Token{alg: "none"}).HashFits("", "") {
		t.Error("an algorithm without a hash")
	}
}
