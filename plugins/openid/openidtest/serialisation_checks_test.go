package openidtest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/go-jose/go-jose/v4"
)

func serialisationChecks() map[openidtest.Misbehaviour]check {
	trap := func(f *flow, parameter string) bool {
		return strings.Contains(describe(f.header()[parameter]), "/trap/") && keyOf(f) != nil
	}
	list := map[openidtest.Misbehaviour]check{
		openidtest.HeaderJWK:        func(f *flow) bool { return verifiesWithEmbedded(f) && !good(f) },
		openidtest.HeaderX5C:        func(f *flow) bool { return has(f.header(), "x5c") && !good(f) },
		openidtest.HeaderJKU:        func(f *flow) bool { return trap(f, "jku") && !good(f) && strangerKeysVerify(f) },
		openidtest.HeaderX5U:        func(f *flow) bool { return trap(f, "x5u") && !good(f) },
		openidtest.HeaderJKUIgnored: func(f *flow) bool { return trap(f, "jku") && good(f) },

		openidtest.CritUnknown: headerIs("crit", []any{"urn:example:seal"}),
		openidtest.CritEmpty:   headerIs("crit", []any{}),
		openidtest.HeaderTwice: func(f *flow) bool {
			return bytes.HasPrefix(part(f.idToken(), 0), []byte(`{"alg":"none","alg":"RS256"`))
		},
		openidtest.HeaderHuge:        func(f *flow) bool { return len(part(f.idToken(), 0)) > 1<<20 },
		openidtest.HeaderArray:       func(f *flow) bool { return bytes.HasPrefix(part(f.idToken(), 0), []byte("[{")) },
		openidtest.HeaderInvalidUTF8: func(f *flow) bool { return bytes.Contains(part(f.idToken(), 0), []byte("\xff\xfe")) },

		openidtest.TypAccessToken:  all(headerIs("typ", "at+jwt"), func(f *flow) bool { return f.claims()["nonce"] == f.nonce }, good),
		openidtest.TypMissing:      func(f *flow) bool { return has(f.header(), "alg") && !has(f.header(), "typ") },
		openidtest.LogoutTokenAsID: all(headerIs("typ", "logout+jwt"), claimLacks("nonce"), func(f *flow) bool { return has(f.claims(), "events") }, good),
		openidtest.AccessTokenAsIDToken: func(f *flow) bool {
			return headerIs("typ", "at+jwt")(f) && has(f.claims(), "client_id") && !has(f.claims(), "nonce") && good(f)
		},
	}
	addFormChecks(list)
	return list
}

func verifiesWithEmbedded(f *flow) bool {
	parsed, err := jose.ParseSignedCompact(f.idToken(), algorithms)
	if err != nil || parsed.Signatures[0].Header.JSONWebKey == nil {
		return false
	}
	_, err = parsed.Verify(parsed.Signatures[0].Header.JSONWebKey)
	return err == nil
}

// strangerKeysVerify requests the stranger's keys, which the trap counts.
func strangerKeysVerify(f *flow) bool {
	location := describe(f.header()["jku"])
	before := f.op.Hits(openidtest.Trap)
	f.memory["jwks"] = followGet(f, location)
	return good(f) && f.op.Hits(openidtest.Trap) > before
}

func addFormChecks(list map[openidtest.Misbehaviour]check) {
	parts := func(f *flow) int { return strings.Count(f.idToken(), ".") + 1 }
	object := func(f *flow) map[string]any { return members([]byte(f.idToken())) }
	signature := func(f *flow) string { return f.idToken()[strings.LastIndex(f.idToken(), ".")+1:] }

	list[openidtest.EncryptedDirect] = func(f *flow) bool {
		_, err := f.verify(decrypted(f))
		return err == nil
	}
	list[openidtest.EncryptedZip] = func(f *flow) bool { return parts(f) == 5 && headerIs("zip", "DEF")(f) && len(f.idToken()) < 1<<20 }
	list[openidtest.EncryptedPBES2] = all(headerIs("p2c", json.Number("1000000000")), func(f *flow) bool { return parts(f) == 5 })

	list[openidtest.JSONFlattened] = func(f *flow) bool { return has(object(f), "protected") && fullVerifies(f) }
	list[openidtest.JSONGeneral] = func(f *flow) bool { return signatures(object(f)) == 1 && fullVerifies(f) }
	list[openidtest.JSONTwoSignatures] = func(f *flow) bool { return signatures(object(f)) == 2 }
	list[openidtest.PayloadDetached] = func(f *flow) bool {
		return parts(f) == 3 && strings.Contains(f.idToken(), "..") && len(signature(f)) > 80
	}
	list[openidtest.PayloadUnencoded] = func(f *flow) bool {
		return headerIs("b64", false)(f) && parts(f) == 3 && strings.Contains(f.idToken(), `.{"`)
	}

	list[openidtest.Base64Padded] = func(f *flow) bool { return strings.HasSuffix(f.idToken(), "==") }
	list[openidtest.Base64PaddedPayload] = func(f *flow) bool { return strings.Contains(f.idToken(), "=.") && len(part(f.idToken(), 1)) > 0 }
	list[openidtest.Base64Standard] = func(f *flow) bool { return strings.ContainsAny(signature(f), "+/") }
	list[openidtest.Base64LineBreak] = func(f *flow) bool { return strings.Contains(signature(f), "\n") }
	list[openidtest.Base64UnusedBits] = func(f *flow) bool {
		_, err := base64.RawURLEncoding.Strict().DecodeString(signature(f))
		return err != nil && len(part(f.idToken(), 2)) == 256
	}

	list[openidtest.MillionDots] = func(f *flow) bool { return parts(f) == 1_000_003 }
	list[openidtest.PartsEmpty] = func(f *flow) bool { return f.idToken() == ".." }
	list[openidtest.PartMissing] = func(f *flow) bool { return parts(f) == 2 && has(f.claims(), "sub") }
	list[openidtest.PartExtra] = func(f *flow) bool { return parts(f) == 4 && has(f.claims(), "sub") }
	list[openidtest.TokenSpaced] = func(f *flow) bool { return strings.HasSuffix(f.idToken(), " ") }
}

func signatures(object map[string]any) int {
	list, _ := object["signatures"].([]any)
	return len(list)
}

// fullVerifies reads the JSON serialisation.
func fullVerifies(f *flow) bool {
	parsed, err := jose.ParseSignedJSON(f.idToken(), algorithms)
	if err != nil {
		return false
	}
	compact, err := parsed.CompactSerialize()
	if err != nil {
		return false
	}
	_, err = f.verify(compact)
	return err == nil
}

// decrypted is the token inside a JWE, or nothing.
func decrypted(f *flow) string {
	object, err := jose.ParseEncryptedCompact(f.idToken(), []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return ""
	}
	secret := sha256.Sum256([]byte(f.client.Secret))
	token, err := object.Decrypt(secret[:])
	if err != nil {
		return ""
	}
	return string(token)
}
