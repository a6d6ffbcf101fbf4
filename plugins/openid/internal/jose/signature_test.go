package jose

import (
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/doorward/doorward/plugins/openid/internal/jose/josetest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

// TestSignatures verifies signatures of go-jose, with each algorithm, and with each bit of
// the end of a signature flipped.
func TestSignatures(t *testing.T) {
	one := josetest.RSAKey(t, 2048, 1)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]crypto.Signer{
		"ES256": josetest.ECKey(t, elliptic.P256()), "ES384": josetest.ECKey(t, elliptic.P384()), "ES512": josetest.ECKey(t, elliptic.P521()), "EdDSA": ed,
	}
	for _, alg := range Asymmetric {
		key := keys[alg]
		if key == nil {
			key = one
		}
		raw := josetest.Signed(t, jose.SignatureAlgorithm(alg), key, "", someone)
		c, err := parseCompact(raw, Accept{Algs: Asymmetric})
		if err != nil || c.alg != alg {
			t.Fatalf("%s: %v", alg, err)
		}
		held := key.Public()
		if rsaKey, ok := held.(rsa.PublicKey); ok {
			held = &rsaKey
		}
		if !c.isSignedBy(held) {
			t.Errorf("%s: a good signature is refused", alg)
		}
		for bit := range 8 {
			bad := c
			bad.signature = append([]byte{}, c.signature...)
			bad.signature[len(bad.signature)-1-bit] ^= 1 << bit
			if bad.isSignedBy(held) {
				t.Errorf("F11 %s: bit %d is not checked", alg, bit)
			}
		}
		other := c
		other.input += "A"
		short, long := c, c
		short.signature, long.signature = c.signature[:len(c.signature)-1], append(append([]byte{}, c.signature...), 0)
		if other.isSignedBy(held) || short.isSignedBy(held) || long.isSignedBy(held) {
			t.Errorf("F11 G10 %s: a bad signature is accepted", alg)
		}
	}
	if (compact{alg: "RS256"}).isSignedBy("no key") {
		t.Error("no key at all")
	}
}

// TestSaltLength: the salt must be as long as the hash (RFC 7518 section 3.5). go-jose accepts
// any length.
func TestSaltLength(t *testing.T) {
	key := josetest.RSAKey(t, 2048, 1)
	for alg, hash := range map[string]crypto.Hash{"PS256": crypto.SHA256, "PS384": crypto.SHA384, "PS512": crypto.SHA512} {
		for _, salt := range []int{0, 8, 20, hash.Size() - 1, hash.Size(), hash.Size() + 1, 64, 100} {
			input := josetest.Segment(`{"alg":"`+alg+`"}`) + "." + josetest.Segment(`{"sub":"a"}`)
			_, digest := digestOf(alg, input)
			signature, err := rsa.SignPSS(rand.Reader, key, hash, digest, &rsa.PSSOptions{SaltLength: salt, Hash: hash})
			if salt == 0 { // which would mean as long as possible
				signature, err = rsa.SignPSS(rand.Reader, key, hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: hash})
			}
			if err != nil {
				t.Fatal(err)
			}
			server := josetest.StartKeyServer(t, josetest.PublicJWK(t, key.Public(), nil))
			err = verifyWith(t, storeOf(t, server, time.Now), jose.SignatureAlgorithm(alg), input+"."+josetest.Segment(string(signature)))
			if salt == hash.Size() {
				if err != nil {
					t.Errorf("%s with the salt of its hash: %v", alg, err)
				}
				continue
			}
			plugintest.Refused(t, err, sdk.ErrInvalidResponse, ReasonSignature)
		}
	}
}

// TestEd25519: this is the name of RFC 9864 for EdDSA with that curve.
func TestEd25519(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	input := josetest.Segment(`{"alg":"Ed25519"}`) + "." + josetest.Segment(`{"sub":"a"}`)
	raw := input + "." + josetest.Segment(string(ed25519.Sign(private, []byte(input))))
	for _, alg := range []string{"", "EdDSA", "Ed25519"} {
		change := map[string]any{"alg": alg}
		if alg == "" {
			change["alg"] = nil
		}
		server := josetest.StartKeyServer(t, josetest.PublicJWK(t, public, change))
		if err := verifyWith(t, storeOf(t, server, time.Now), jose.EdDSA, raw); err != nil {
			t.Errorf("key with alg %q: %v", alg, err)
		}
	}
}

// TestAnyAlgorithm: if several algorithms are accepted, the key still decides which fits.
func TestAnyAlgorithm(t *testing.T) {
	one, ec := josetest.RSAKey(t, 2048, 1), josetest.ECKey(t, elliptic.P256())
	server := josetest.StartKeyServer(t, josetest.PublicJWK(t, one.Public(), nil), josetest.PublicJWK(t, ec.Public(), nil))
	store := storeOf(t, server, time.Now)
	for alg, key := range map[jose.SignatureAlgorithm]crypto.Signer{jose.RS256: one, jose.PS512: one, jose.ES256: ec} {
		token, err := store.Verify(t.Context(), josetest.Signed(t, alg, key, "", someone), Accept{Algs: Asymmetric}, nil)
		if err != nil || token.alg != string(alg) {
			t.Errorf("%s: %v", alg, err)
		}
	}
	for _, alg := range []string{"HS256", "none", "None", "ES256K", "RSA-OAEP", ""} {
		_, err := store.Verify(t.Context(), josetest.Compact(`{"alg":"`+alg+`"}`), Accept{Algs: Asymmetric}, nil)
		plugintest.Refused(t, err, sdk.ErrInvalidResponse, ReasonAlg)
	}
}

// TestROCA: a published modulus with the fingerprint (crocs-muni/roca, mod03.txt among
// its positive vectors), one that is made here by the structure of such primes, and
// moduli without it.
func TestROCA(t *testing.T) {
	published, _ := new(big.Int).SetString("9dcd7420e420c270a68060eb8b5aa7457a9f6648f86fafed2775cc1f79ae962f1e63f1b9e51c55f9ea6fdc7332e9b0058c9ff2eb1fc89855029cf6aafe21e689feb38ac9ffb12f1ce371bb5d0e9aae64161abce74b4244bf68f1edb4411f756a097c8929c14740245ea355f8332d1aa36bb50c7dcb4505da8de02e4e53d38f8df06097da7524df0df93db48eac8cc4af2d3a16257eb2b2adca6ba464e5974fa92550d31b1babf161e7692d00b86e3dd886ecab4abfbe1a8f8cc263ff4af55cdb45f4249a5193925f5e983d762f0b6800943eb0267b08f42ed311ce1f5c86eacbc8ce4d3cb7a2fee1ef5641423a1cf4114e5ecf50034a60a412523af9e6f4aa11", 16)
	made := new(big.Int).Mul(brokenPrime(t), brokenPrime(t))
	for name, modulus := range map[string]*big.Int{"published": published, "made": made} {
		if !hasROCAFingerprint(modulus) {
			t.Errorf("%s: not found", name)
		}
		if _, err := parseKey(josetest.PublicJWK(t, &rsa.PublicKey{N: modulus, E: 65537}, nil)); err == nil {
			t.Errorf("%s: usable", name)
		}
	}
	for number := range 3 {
		if hasROCAFingerprint(josetest.RSAKey(t, 2048, number+1).N) {
			t.Error("a good key has the fingerprint")
		}
	}
	if hasROCAFingerprint(new(big.Int).Add(made, big.NewInt(2))) {
		t.Error("a neighbouring number has the fingerprint")
	}
}

// brokenPrime makes a prime of 1024 bits like the broken library: k*M + (65537^a mod M).
func brokenPrime(t *testing.T) *big.Int {
	t.Helper()
	m := big.NewInt(1)
	for p, count := int64(2), 0; count < 126; p++ {
		if big.NewInt(p).ProbablyPrime(0) {
			m.Mul(m, big.NewInt(p))
			count++
		}
	}
	for {
		a, err := rand.Int(rand.Reader, m)
		if err != nil {
			t.Fatal(err)
		}
		k, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(1024-m.BitLen())))
		if err != nil {
			t.Fatal(err)
		}
		k.SetBit(k, 1023-m.BitLen(), 1)
		p := new(big.Int).Exp(big.NewInt(65537), a, m)
		if p.Add(p, k.Mul(k, m)).ProbablyPrime(10) {
			return p
		}
	}
}

func BenchmarkROCA(b *testing.B) {
	modulus := josetest.RSAKey(b, 2048, 1).N
	for b.Loop() {
		hasROCAFingerprint(modulus)
	}
}
