package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
)

func pssForgeries() (f forgeries) {
	pss := func(salt int) func(string) []byte {
		return func(input string) []byte {
			sum := sha256.Sum256([]byte(input))
			s, _ := rsa.SignPSS(rand.Reader, rawKeys().rsa, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: salt})
			return s
		}
	}
	noAlg := func(all []members) []members { all[0] = all[0].without("alg"); return all }
	f.accepted("PS256 good", rawProvider{header: alg("PS256"), keys: noAlg, sign: pss(32)})
	for _, salt := range []int{20, 31, 33, 64, 222} {
		f.refused(fmt.Sprint("PS256 salt ", salt), rawProvider{header: alg("PS256"), keys: noAlg, sign: pss(salt)})
	}
	f.refused("PS256 with RS256 signature", rawProvider{header: alg("PS256"), keys: noAlg})
	f.refused("RS256 with PS256 signature", rawProvider{header: alg("RS256"), keys: noAlg, sign: pss(32)})
	f.refused("PS256, key for RS256", rawProvider{header: alg("PS256"), sign: pss(32)})
	return f
}

// es256 signs, and writes R and S in the given form.
func es256(write func(r, s *big.Int) []byte) func(string) []byte {
	return func(input string) []byte {
		sum := sha256.Sum256([]byte(input))
		r, s, err := ecdsa.Sign(rand.Reader, rawKeys().ec, sum[:])
		if err != nil {
			panic(err)
		}
		return write(r, s)
	}
}

func fixed(r, s *big.Int, size int) []byte {
	return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
}

func ecdsaForgeries() (f forgeries) {
	f.accepted("ES256 good", rawProvider{header: algKid("ES256", "e"), sign: es256(func(r, s *big.Int) []byte { return fixed(r, s, 32) })})
	n := rawKeys().ec.Params().N
	for name, change := range map[string]func(r, s *big.Int) []byte{
		"long":     func(r, s *big.Int) []byte { return fixed(r, s, 33) },
		"zero":     func(_, _ *big.Int) []byte { return make([]byte, 64) },
		"n":        func(_, _ *big.Int) []byte { return fixed(n, n, 32) },
		"s zero":   func(r, _ *big.Int) []byte { return fixed(r, new(big.Int), 32) },
		"swapped":  func(r, s *big.Int) []byte { return fixed(s, r, 32) },
		"trailing": func(r, s *big.Int) []byte { return append(fixed(r, s, 32), 0) },
		"r=1 s=1":  func(_, _ *big.Int) []byte { return fixed(big.NewInt(1), big.NewInt(1), 32) },
	} {
		f.refused("ES256 "+name, rawProvider{header: algKid("ES256", "e"), sign: es256(change)})
	}
	f.refused("ES384 with P-256", rawProvider{header: algKid("ES384", "e"), sign: es256(func(r, s *big.Int) []byte { return fixed(r, s, 48) })})
	f.refused("ES256 signature called EdDSA", rawProvider{header: algKid("EdDSA", "e"), sign: es256(func(r, s *big.Int) []byte { return fixed(r, s, 32) })})
	return f
}

func eddsaForgeries() (f forgeries) {
	ed := func(change func([]byte) []byte) func(string) []byte {
		return func(input string) []byte { return change(ed25519.Sign(rawKeys().ed, []byte(input))) }
	}
	same := func(b []byte) []byte { return b }
	f.accepted("EdDSA good", rawProvider{header: algKid("EdDSA", "o"), sign: ed(same)})
	f.accepted("Ed25519 good", rawProvider{header: algKid("Ed25519", "o"), sign: ed(same)})
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	f.refused("EdDSA malleable", rawProvider{header: algKid("EdDSA", "o"), sign: ed(func(b []byte) []byte {
		le := make([]byte, 32)
		for i := range le {
			le[i] = b[63-i]
		}
		s := new(big.Int).Add(new(big.Int).SetBytes(le), order).FillBytes(make([]byte, 32))
		out := append([]byte{}, b[:32]...)
		for i := range s {
			out = append(out, s[31-i])
		}
		return out
	})})
	f.refused("EdDSA zero", rawProvider{header: algKid("EdDSA", "o"), sign: ed(func([]byte) []byte { return make([]byte, 64) })})
	for _, low := range []string{"0100000000000000000000000000000000000000000000000000000000000000", "0000000000000000000000000000000000000000000000000000000000000000", "0000000000000000000000000000000000000000000000000000000000000080", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"} {
		point, _ := hex.DecodeString(low)
		f.refused("Ed25519 low order key "+low[:8], rawProvider{header: algKid("EdDSA", "o"), keys: func(all []members) []members {
			all[2] = all[2].with("x", quoted(b64(point)))
			return all
		}, sign: func(string) []byte { return append(append([]byte{}, point...), make([]byte, 32)...) }})
	}
	return f
}

func keyForgeries() (f forgeries) {
	key := func(change func(members) members) func([]members) []members {
		return func(all []members) []members { all[0] = change(all[0]); return all }
	}
	for name, change := range map[string]func(members) members{
		"use enc":               claim("use", `"enc"`),
		"use list":              claim("use", `["sig"]`),
		"key_ops encrypt":       claim("key_ops", `["encrypt"]`),
		"key_ops sign":          claim("key_ops", `["sign"]`),
		"key_ops number":        claim("key_ops", `1`),
		"alg RS512":             claim("alg", `"RS512"`),
		"alg number":            claim("alg", `1`),
		"with d":                claim("d", `"AQAB"`),
		"with p":                claim("p", `"AQAB"`),
		"with k":                claim("k", `"AQAB"`),
		"with oth":              claim("oth", `[]`),
		"e=1":                   claim("e", `"AQ"`),
		"e=2":                   claim("e", `"Ag"`),
		"e even":                claim("e", `"AQAC"`),
		"e=0":                   claim("e", `"AA"`),
		"e huge":                claim("e", quoted(b64([]byte(strings.Repeat("\xff", 300))))),
		"n zero":                claim("n", `"AA"`),
		"n even":                claim("n", quoted(b64(new(big.Int).Lsh(big.NewInt(1), 2048).Bytes()))),
		"n small":               claim("n", quoted(b64(rawKeys().rsa.N.Bytes()[:128]))),
		"n 16k":                 claim("n", quoted(b64([]byte(strings.Repeat("\xff", 2048))))),
		"n number":              claim("n", `3`),
		"kty oct":               claim("kty", `"oct"`),
		"kty EC":                claim("kty", `"EC"`),
		"n twice":               addClaim(`"n"`, quoted(b64(rawKeys().stranger.N.Bytes()))),
		"N":                     func(m members) members { return m.without("n").with("N", quoted(b64(rawKeys().rsa.N.Bytes()))) },
		"kid number":            claim("kid", `1`),
		"x5c of stranger, no n": func(m members) members { return m.without("n").with("x5c", `["MIIC"]`) },
	} {
		f.refused("key "+name, rawProvider{keys: key(change)})
	}
	f.refused("EC off curve", rawProvider{header: algKid("ES256", "e"), keys: func(all []members) []members { all[1] = all[1].with("y", quoted(b64(make([]byte, 32)))); return all }, sign: es256(func(r, s *big.Int) []byte { return fixed(r, s, 32) })})
	f.refused("EC infinity", rawProvider{header: algKid("ES256", "e"), keys: func(all []members) []members {
		z := quoted(b64(make([]byte, 32)))
		all[1] = all[1].with("x", z).with("y", z)
		return all
	}, sign: func(string) []byte { return fixed(big.NewInt(1), big.NewInt(1), 32) }})
	f.refused("oct key and HS256", rawProvider{header: alg("HS256"), keys: func([]members) []members {
		return []members{members{}.with("kty", `"oct"`).with("kid", `"r"`).with("k", `"QUJD"`)}
	}, sign: hs256([]byte("ABC"))})
	return f
}
