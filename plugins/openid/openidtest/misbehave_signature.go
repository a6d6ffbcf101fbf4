package openidtest

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// Misbehaviours of the ID token's signature.
const (
	SignatureBadRS256   Misbehaviour = "signature-bad-rs256"
	SignatureBadPS256   Misbehaviour = "signature-bad-ps256"
	SignatureBadES256   Misbehaviour = "signature-bad-es256"
	SignatureBadEdDSA   Misbehaviour = "signature-bad-eddsa"
	SignatureMissing    Misbehaviour = "signature-missing"
	SignatureOfStranger Misbehaviour = "signature-of-stranger"
	SignatureSaltLong   Misbehaviour = "signature-ps256-salt"
	SignatureForOther   Misbehaviour = "signature-for-other-claims"

	HMACClientSecret     Misbehaviour = "hs256-client-secret"
	HMACPublicKeyPEM     Misbehaviour = "hs256-public-key-pem"
	HMACPublicKeyDER     Misbehaviour = "hs256-public-key-der"
	HMACPublicKeyModulus Misbehaviour = "hs256-public-key-modulus"
	HMACEmptyKey         Misbehaviour = "hs256-empty-key"

	AlgNone         Misbehaviour = "alg-none"
	AlgNoneTitle    Misbehaviour = "alg-none-title-case"
	AlgNoneMixed    Misbehaviour = "alg-none-mixed-case"
	AlgMissing      Misbehaviour = "alg-missing"
	AlgOther        Misbehaviour = "alg-other"
	AlgOtherThanKey Misbehaviour = "alg-other-than-key"

	ECDSAZero     Misbehaviour = "es256-zero"
	ECDSADER      Misbehaviour = "es256-der"
	ECDSATooLong  Misbehaviour = "es256-too-long"
	ECDSAHighS    Misbehaviour = "es256-high-s"
	KeysRotated   Misbehaviour = "keys-rotated"
	KeyWithdrawn  Misbehaviour = "key-withdrawn"
	KidUnknown    Misbehaviour = "kid-unknown"
	KidTraversal  Misbehaviour = "kid-traversal"
	KidSQL        Misbehaviour = "kid-sql"
	KidHuge       Misbehaviour = "kid-huge"
	KidNumber     Misbehaviour = "kid-number"
	KidNull       Misbehaviour = "kid-null"
	KidOfOtherAlg Misbehaviour = "kid-of-other-alg"
)

func signatureBehaviours() []behaviour {
	rs256, ps256 := Needs{Alg: string(jose.RS256)}, Needs{Alg: string(jose.PS256)}
	es256, eddsa := Needs{Alg: string(jose.ES256)}, Needs{Alg: string(jose.EdDSA)}
	return []behaviour{
		{name: SignatureBadRS256, rows: "F11", needs: rs256, text: "a bit of the RS256 signature is flipped", jws: flip(jose.RS256)},
		{name: SignatureBadPS256, rows: "F11", needs: ps256, text: "a bit of the PS256 signature is flipped", jws: flip(jose.PS256)},
		{name: SignatureBadES256, rows: "F11", needs: es256, text: "a bit of the ES256 signature is flipped", jws: flip(jose.ES256)},
		{name: SignatureBadEdDSA, rows: "F11", needs: eddsa, text: "a bit of the EdDSA signature is flipped", jws: flip(jose.EdDSA)},
		{name: SignatureMissing, rows: "F11 G09", text: "the signature is empty", jws: signedBy(signNothing)},
		{name: SignatureOfStranger, rows: "F11", text: "a stranger's key signs under the kid of the right one", jws: signByStranger},
		{name: SignatureSaltLong, rows: "F11", needs: ps256, text: "the salt of the PS256 signature is as long as it can be, and not as the hash (RFC 7518 section 3.5)", jws: signWithLongSalt},
		{name: SignatureForOther, rows: "F11", text: "the signature is good, but for other claims", jws: signOtherClaims},

		{name: HMACClientSecret, rows: "F11 G01", text: "HS256 with the client secret, which the client is not registered for",
			jws: signWithHMAC(func(s *signing) ([]byte, error) { return []byte(s.login.client.Secret), nil })},
		{name: HMACPublicKeyPEM, rows: "G01", text: "HS256 with the PEM of the RSA public key", jws: signWithHMAC(publicKeyPEM)},
		{name: HMACPublicKeyDER, rows: "G01", text: "HS256 with the DER of the RSA public key", jws: signWithHMAC(publicKeyDER)},
		{name: HMACPublicKeyModulus, rows: "G01", text: "HS256 with the modulus of the RSA public key", jws: signWithHMAC(publicKeyModulus)},
		{name: HMACEmptyKey, rows: "G01 G03", text: "HS256 with an empty key",
			jws: signWithHMAC(func(*signing) ([]byte, error) { return nil, nil })},

		{name: AlgNone, rows: "F12", text: "alg is none, without signature", jws: unsigned("none")},
		{name: AlgNoneTitle, rows: "F12", text: "alg is None, without signature", jws: unsigned("None")},
		{name: AlgNoneMixed, rows: "F12", text: "alg is nOnE, without signature", jws: unsigned("nOnE")},
		{name: AlgMissing, rows: "F12", text: "alg is left out of a good token", jws: withoutHeader("alg")},
		{name: AlgOther, rows: "G04", needs: rs256, text: "a good signature with a published key of another algorithm than the client is registered for", jws: signWithOtherAlgorithm},
		{name: AlgOtherThanKey, rows: "G04 G05", needs: rs256, text: "alg is RS384, with the key that is published for RS256", jws: signRS384},

		{name: ECDSAZero, rows: "G10", needs: es256, text: "R and S of the ES256 signature are zero (CVE-2022-21449)",
			jws: signES256(func([]byte) ([]byte, error) { return make([]byte, 64), nil })},
		{name: ECDSADER, rows: "G10", needs: es256, text: "the ES256 signature is DER", jws: signES256(toDER)},
		{name: ECDSATooLong, rows: "G10", needs: es256, text: "R and S of the ES256 signature have a leading zero byte each",
			jws: signES256(func(sig []byte) ([]byte, error) {
				return slices.Concat([]byte{0}, sig[:32], []byte{0}, sig[32:]), nil
			})},
		{name: ECDSAHighS, rows: "G10", needs: es256, legal: true, text: "S of the ES256 signature is in the upper half, which RFC 7518 allows, and half of all are",
			jws: signES256(toHighS)},

		{name: KeysRotated, rows: "F20", legal: true, text: "the keys are rotated just before the ID token is signed: one more fetch of the key set",
			jws: rotateFirst},
		{name: KeyWithdrawn, rows: "F22", text: "the key that signs is the latest that rotation withdrew, or one never published; a relying party may go by the key set it has for as long as Cache-Control says",
			jws: signWithWithdrawn},
		{name: KidUnknown, rows: "F21", text: "the right key signs under a kid that is not published; one more fetch of the key set, and no other soon after",
			jws: func(s *signing) error { return setKid(s, "unknown-"+randomText(8)) }},
		{name: KidTraversal, rows: "G03", text: "kid is a path to an empty file, and the signature HS256 with an empty key",
			jws: func(s *signing) error {
				if err := signWithHMAC(func(*signing) ([]byte, error) { return nil, nil })(s); err != nil {
					return err
				}
				return setKid(s, "../../../../../../../dev/null")
			}},
		{name: KidSQL, rows: "G03", text: "kid is a fragment of SQL", jws: func(s *signing) error { return setKid(s, "x' UNION SELECT 'a key'; --") }},
		{name: KidHuge, rows: "G03", text: "kid has 10 KiB", jws: func(s *signing) error { return setKid(s, string(bytes.Repeat([]byte("k"), 10<<10))) }},
		{name: KidNumber, rows: "G03", text: "kid is a number", jws: func(s *signing) error { return setKid(s, 42) }},
		{name: KidNull, rows: "G03", legal: true, text: "kid is null, which counts as absent", jws: func(s *signing) error { return setKid(s, nil) }},
		{name: KidOfOtherAlg, rows: "G05", needs: rs256, text: "kid is that of the ES256 key, alg RS256, and the RS256 key signs",
			jws: func(s *signing) error { return setKid(s, s.provider.keys.signing(jose.ES256).id) }},
	}
}

// flip signs with the algorithm and spoils the signature.
func flip(alg jose.SignatureAlgorithm) func(*signing) error {
	return func(s *signing) error {
		k := s.provider.keys.signing(alg)
		s.use(k)
		s.sign = func(input []byte) ([]byte, error) {
			signature, err := k.sign(input)
			if err == nil {
				signature[len(signature)/2] ^= 1
			}
			return signature, err
		}
		return nil
	}
}

func signedBy(sign func([]byte) ([]byte, error)) func(*signing) error {
	return func(s *signing) error {
		s.sign = sign
		return nil
	}
}

func unsigned(alg string) func(*signing) error {
	return func(s *signing) error {
		s.header["alg"], s.sign = alg, signNothing
		return nil
	}
}

func signByStranger(s *signing) error {
	stranger, err := strangerKey(jose.SignatureAlgorithm(s.login.client.IDTokenSignedResponseAlg))
	if err != nil {
		return err
	}
	s.sign = stranger.sign
	return nil
}

func signWithLongSalt(s *signing) error {
	k := s.provider.keys.signing(jose.PS256)
	s.use(k)
	s.sign = func(input []byte) ([]byte, error) {
		digest := sha256.Sum256(input)
		return k.private.Sign(rand.Reader, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthAuto, Hash: crypto.SHA256})
	}
	return nil
}

func signOtherClaims(s *signing) error {
	sign, other := s.sign, encode([]byte(`{"sub":"alice"}`))
	s.sign = func(input []byte) ([]byte, error) {
		protected, _, _ := bytes.Cut(input, []byte("."))
		return sign([]byte(string(protected) + "." + other))
	}
	return nil
}

// signWithHMAC signs HS256 and leaves the kid of the RSA key, so that a verifier
// that looks the key up first takes it as the secret.
func signWithHMAC(secret func(*signing) ([]byte, error)) func(*signing) error {
	return func(s *signing) error {
		key, err := secret(s)
		if err != nil {
			return err
		}
		s.use(s.provider.keys.signing(jose.RS256))
		s.header["alg"] = "HS256"
		s.sign = func(input []byte) ([]byte, error) {
			mac := hmac.New(sha256.New, key)
			mac.Write(input)
			return mac.Sum(nil), nil
		}
		return nil
	}
}

func publicKeyDER(s *signing) ([]byte, error) {
	return x509.MarshalPKIXPublicKey(s.provider.keys.signing(jose.RS256).private.Public())
}

func publicKeyPEM(s *signing) ([]byte, error) {
	der, err := publicKeyDER(s)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}

func publicKeyModulus(s *signing) ([]byte, error) {
	public, ok := s.provider.keys.signing(jose.RS256).private.Public().(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("the RS256 key is no RSA key")
	}
	return public.N.Bytes(), nil
}

func signWithOtherAlgorithm(s *signing) error {
	other := jose.ES256
	if s.login.client.IDTokenSignedResponseAlg == string(jose.ES256) {
		other = jose.PS256
	}
	s.use(s.provider.keys.signing(other))
	return nil
}

func signRS384(s *signing) error {
	k := s.provider.keys.signing(jose.RS256)
	s.use(k)
	s.header["alg"] = "RS384"
	s.sign = func(input []byte) ([]byte, error) {
		digest := sha512.Sum384(input)
		return k.private.Sign(rand.Reader, digest[:], crypto.SHA384)
	}
	return nil
}

// signES256 signs and then changes the signature.
func signES256(change func([]byte) ([]byte, error)) func(*signing) error {
	return func(s *signing) error {
		k := s.provider.keys.signing(jose.ES256)
		s.use(k)
		s.sign = func(input []byte) ([]byte, error) {
			signature, err := k.sign(input)
			if err != nil {
				return nil, err
			}
			return change(signature)
		}
		return nil
	}
}

func toDER(signature []byte) ([]byte, error) {
	half := len(signature) / 2
	r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
	return asn1.Marshal(struct{ R, S *big.Int }{r, s})
}

// toHighS replaces S by its negative where it is in the lower half of the order.
func toHighS(signature []byte) ([]byte, error) {
	order := elliptic.P256().Params().N
	s := new(big.Int).SetBytes(signature[32:])
	if s.Cmp(new(big.Int).Rsh(order, 1)) <= 0 {
		s.Sub(order, s).FillBytes(signature[32:])
	}
	return signature, nil
}

func rotateFirst(s *signing) error {
	if err := s.provider.RotateKeys(); err != nil {
		return err
	}
	s.use(s.provider.keys.signing(jose.SignatureAlgorithm(s.login.client.IDTokenSignedResponseAlg)))
	return nil
}

func signWithWithdrawn(s *signing) error {
	k, err := s.provider.keys.withdrawnKey(jose.SignatureAlgorithm(s.login.client.IDTokenSignedResponseAlg))
	if err != nil {
		return err
	}
	s.use(k)
	return nil
}

func setKid(s *signing, kid any) error {
	s.header["kid"] = kid
	return nil
}
