package openidtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// Misbehaviours of the ID token's serialisation.
const (
	EncryptedDirect Misbehaviour = "jwe-direct"
	EncryptedZip    Misbehaviour = "jwe-zip-bomb"
	EncryptedPBES2  Misbehaviour = "jwe-pbes2-bomb"

	JSONFlattened     Misbehaviour = "jws-json-flattened"
	JSONGeneral       Misbehaviour = "jws-json-general"
	JSONTwoSignatures Misbehaviour = "jws-json-two-signatures"
	PayloadDetached   Misbehaviour = "jws-detached"
	PayloadUnencoded  Misbehaviour = "jws-b64-false"

	Base64Padded        Misbehaviour = "base64-padded"
	Base64PaddedPayload Misbehaviour = "base64-padded-payload"
	Base64Standard      Misbehaviour = "base64-standard-alphabet"
	Base64LineBreak     Misbehaviour = "base64-line-break"
	Base64UnusedBits    Misbehaviour = "base64-unused-bits"

	MillionDots Misbehaviour = "million-dots"
	PartsEmpty  Misbehaviour = "parts-empty"
	PartMissing Misbehaviour = "part-missing"
	PartExtra   Misbehaviour = "part-extra"
	TokenSpaced Misbehaviour = "id-token-spaced"
)

func serialisationBehaviours() []behaviour {
	return []behaviour{
		{name: EncryptedDirect, rows: "F33", text: "the ID token is encrypted with a key from the client secret (Core section 10.2), which the client is not registered for",
			jws: wrapped(encryptDirect)},
		{name: EncryptedZip, rows: "F33", text: "the ID token is encrypted with a key from the client secret, and 10 MiB of white space in it compressed",
			jws: wrapped(encryptBomb)},
		{name: EncryptedPBES2, rows: "F33", text: "the ID token is encrypted with PBES2 and asks for 10^9 iterations",
			jws: wrapped(func(*login, string) (string, error) { return pbes2Bomb(), nil })},

		{name: JSONFlattened, rows: "G06", text: "the ID token is a JWS in the flattened JSON serialisation", jws: serialised(flattened)},
		{name: JSONGeneral, rows: "G06", text: "the ID token is a JWS in the general JSON serialisation, with one signature", jws: serialised(general)},
		{name: JSONTwoSignatures, rows: "G06", text: "the ID token is a JWS in the general JSON serialisation, with the right signature and an unsigned one", jws: serialised(twoSignatures)},
		{name: PayloadDetached, rows: "G06", text: "the payload is left out, the signature covers it",
			jws: serialised(func(protected, _ string, signature []byte) (string, error) { return compact(protected, "", signature) })},
		{name: PayloadUnencoded, rows: "G06", text: "b64 is false, and the payload not encoded (RFC 7797)", jws: unencoded},

		{name: Base64Padded, rows: "G08", text: "the signature is padded with =",
			jws: signatureEncodedBy(func(signature []byte) string { return base64.URLEncoding.EncodeToString(signature) })},
		{name: Base64PaddedPayload, rows: "G08", text: "the payload is padded with =, and signed so",
			jws: func(s *signing) error {
				// A length that needs padding, whatever the claims are.
				s.payload = append(bytes.Clone(s.payload), strings.Repeat(" ", 1+(3-len(s.payload)%3)%3)...)
				s.encodePayload = base64.URLEncoding.EncodeToString
				return nil
			}},
		{name: Base64Standard, rows: "G08", text: "the signature has + and / in place of - and _", jws: standardAlphabet},
		{name: Base64LineBreak, rows: "G08", text: "there is a line break in the encoded signature",
			jws: signatureEncodedBy(func(signature []byte) string {
				encoded := encode(signature)
				return encoded[:10] + "\n" + encoded[10:]
			})},
		{name: Base64UnusedBits, rows: "G08", text: "the bits that the last character of the signature leaves unused are not zero",
			jws: signatureEncodedBy(useUnusedBits)},

		{name: MillionDots, rows: "G09", text: "a million dots follow the ID token (CVE-2025-22868)",
			jws: wrapped(appended(strings.Repeat(".", 1_000_000)))},
		{name: PartsEmpty, rows: "G09", text: "the ID token is two dots",
			jws: wrapped(func(*login, string) (string, error) { return "..", nil })},
		{name: PartMissing, rows: "G09", text: "the ID token has no signature part",
			jws: wrapped(func(_ *login, token string) (string, error) { return token[:strings.LastIndex(token, ".")], nil })},
		{name: PartExtra, rows: "G09", text: "the ID token has a fourth part", jws: wrapped(appended(".AAAA"))},
		{name: TokenSpaced, rows: "G08", text: "a space follows the ID token", jws: wrapped(appended(" "))},
	}
}

type serialiser = func(protected, payload string, signature []byte) (string, error)

func serialised(by serialiser) func(*signing) error {
	return func(s *signing) error {
		s.serialise = by
		return nil
	}
}

// wrapped changes the good token in its compact serialisation.
func wrapped(change func(*login, string) (string, error)) func(*signing) error {
	return func(s *signing) error {
		inner := s.serialise
		s.serialise = func(protected, payload string, signature []byte) (string, error) {
			token, err := inner(protected, payload, signature)
			if err != nil {
				return "", err
			}
			return change(s.login, token)
		}
		return nil
	}
}

func appended(suffix string) func(*login, string) (string, error) {
	return func(_ *login, token string) (string, error) { return token + suffix, nil }
}

func signatureEncodedBy(encoder func([]byte) string) func(*signing) error {
	return serialised(func(protected, payload string, signature []byte) (string, error) {
		return protected + "." + payload + "." + encoder(signature), nil
	})
}

// standardAlphabet signs until the signature has a character that differs
// between the alphabets: the claims get white space behind them, one more each
// time, because some algorithms always sign alike.
func standardAlphabet(s *signing) error {
	s.serialise = func(protected, payload string, signature []byte) (string, error) {
		for spaces := 1; !strings.ContainsAny(encode(signature), "-_"); spaces++ {
			payload = encode(append(bytes.Clone(s.payload), strings.Repeat(" ", spaces)...))
			var err error
			if signature, err = s.sign([]byte(protected + "." + payload)); err != nil {
				return "", err
			}
		}
		return protected + "." + payload + "." + base64.RawStdEncoding.EncodeToString(signature), nil
	}
	return nil
}

// useUnusedBits changes the last character into its neighbour. All signatures of
// the provider have a length, 64 or 256 bytes, that leaves bits unused.
func useUnusedBits(signature []byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	encoded := encode(signature)
	last := len(encoded) - 1
	return encoded[:last] + string(alphabet[strings.IndexByte(alphabet, encoded[last])+1])
}

// unencoded writes the dots of the claims as escapes, because a dot would end
// the part.
func unencoded(s *signing) error {
	s.header["b64"], s.header["crit"] = false, []string{"b64"}
	s.encodePayload = func(payload []byte) string { return strings.ReplaceAll(string(payload), ".", `\u002e`) }
	return nil
}

type jsonSignature struct {
	Protected string `json:"protected"`
	Signature string `json:"signature"`
}

// flattened is RFC 7515 section 7.2.2.
func flattened(protected, payload string, signature []byte) (string, error) {
	return toJSON(struct {
		Payload string `json:"payload"`
		jsonSignature
	}{payload, jsonSignature{protected, encode(signature)}})
}

// general is RFC 7515 section 7.2.1.
func general(protected, payload string, signature []byte) (string, error) {
	return severalSignatures(payload, jsonSignature{protected, encode(signature)})
}

func twoSignatures(protected, payload string, signature []byte) (string, error) {
	return severalSignatures(payload,
		jsonSignature{protected, encode(signature)}, jsonSignature{encode([]byte(`{"alg":"none"}`)), ""})
}

func severalSignatures(payload string, signatures ...jsonSignature) (string, error) {
	return toJSON(struct {
		Payload    string          `json:"payload"`
		Signatures []jsonSignature `json:"signatures"`
	}{payload, signatures})
}

func toJSON(v any) (string, error) {
	encoded, err := json.Marshal(v)
	return string(encoded), err
}

func encryptDirect(l *login, token string) (string, error) {
	return encrypt(l, token, jose.NONE)
}

func encryptBomb(l *login, token string) (string, error) {
	return encrypt(l, strings.Repeat(" ", 10*mebibyte)+token, jose.DEFLATE)
}

// encrypt uses the client secret as OpenID Connect Core section 10.2 derives it.
func encrypt(l *login, content string, zip jose.CompressionAlgorithm) (string, error) {
	secret := sha256.Sum256([]byte(l.client.Secret))
	options := (&jose.EncrypterOptions{Compression: zip}).WithContentType("JWT")
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: secret[:]}, options)
	if err != nil {
		return "", fmt.Errorf("encrypting: %w", err)
	}
	object, err := encrypter.Encrypt([]byte(content))
	if err != nil {
		return "", fmt.Errorf("encrypting: %w", err)
	}
	return object.CompactSerialize()
}

// pbes2Bomb keeps a relying party that applies p2c busy for minutes; it contains nothing.
func pbes2Bomb() string {
	header := encode([]byte(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":1000000000,"p2s":"` + randomText(16) + `","cty":"JWT"}`))
	return strings.Join([]string{header, randomText(24), randomText(12), randomText(64), randomText(16)}, ".")
}
