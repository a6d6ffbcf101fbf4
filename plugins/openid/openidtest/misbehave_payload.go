package openidtest

import (
	"bytes"
	"strings"
)

// Misbehaviours of the encoding of the ID token's claims.
const (
	ClaimTwice         Misbehaviour = "claim-twice"
	ClaimOtherCase     Misbehaviour = "claim-other-case"
	ClaimTwiceNested   Misbehaviour = "claim-twice-nested"
	ClaimsDeep         Misbehaviour = "claims-deep"
	ClaimsLarge        Misbehaviour = "claims-large"
	ClaimsHuge         Misbehaviour = "claims-huge"
	ClaimInvalidUTF8   Misbehaviour = "claim-invalid-utf8"
	ClaimLoneSurrogate Misbehaviour = "claim-lone-surrogate"
	ClaimsArray        Misbehaviour = "claims-array"
	ClaimsNull         Misbehaviour = "claims-null"
	ClaimsTrailing     Misbehaviour = "claims-trailing"
)

func payloadBehaviours() []behaviour {
	// encoding/json itself refuses what is deeper than 10 000.
	const depth = 9_000
	deep := `"deep":` + strings.Repeat("[", depth) + strings.Repeat("]", depth)
	return []behaviour{
		{name: ClaimTwice, rows: "F31", text: "sub is there twice: the right one, then root", payload: withMember(`"sub":"root"`)},
		{name: ClaimOtherCase, rows: "F31", text: "there is a claim SUB with the value root, which encoding/json takes for sub", payload: withMember(`"SUB":"root"`)},
		{name: ClaimTwiceNested, rows: "F31", text: "a member inside a claim is there twice", payload: withMember(`"address":{"country":"A","country":"B"}`)},
		{name: ClaimsDeep, rows: "F31", text: "a claim is nested 9 000 deep", payload: withMember(deep)},
		{name: ClaimsLarge, rows: "F31", text: "a claim has 700 KiB: more than the host takes, though the response stays below 1 MiB", payload: withNote(700 << 10)},
		{name: ClaimsHuge, rows: "F31", text: "a claim has 1 MiB", payload: withNote(mebibyte)},
		{name: ClaimInvalidUTF8, rows: "F31", text: "a claim is not UTF-8", payload: withMember("\"nickname\":\"\xff\xfe\"")},
		{name: ClaimLoneSurrogate, rows: "F31", legal: true, text: "a claim that nobody reads holds half a surrogate pair, and is not handed on", payload: withMember(`"nickname":"\ud800"`)},
		{name: ClaimsArray, rows: "F31", text: "the claims are an array around the right object",
			payload: func(b []byte) []byte { return append(append([]byte("["), b...), ']') }},
		{name: ClaimsNull, rows: "F31", text: "the claims are null",
			payload: func([]byte) []byte { return []byte("null") }},
		{name: ClaimsTrailing, rows: "F31", text: "another object follows the right one",
			payload: func(b []byte) []byte { return append(bytes.Clone(b), `{"sub":"root"}`...) }},
	}
}

func withMember(member string) func([]byte) []byte {
	return func(object []byte) []byte { return appendMember(object, member) }
}

func withNote(size int) func([]byte) []byte {
	return func(object []byte) []byte {
		return appendMember(object, `"note":"`+strings.Repeat("a", size)+`"`)
	}
}
