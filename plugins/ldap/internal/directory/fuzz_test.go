package directory

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
)

// FuzzDN: spellings of a DN are equal, and normalization is idempotent.
func FuzzDN(f *testing.F) {
	for _, seed := range []string{"uid=alice,ou=people,dc=example,dc=com", "UID=Alice , OU=People", `cn=a\,b+sn=c,dc=x`, "cn=#0401ff", "cn=\u200bx", "=", "cn=", "ｃｎ=x", `cn=\ x\ `, "\x94\xaa\\00="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once, err := NormalDN(text)
		if err != nil {
			return
		}
		twice, err := NormalDN(once)
		if len(once) > maxDN { // escapes made it longer than the limit
			return
		}
		if err != nil || twice != once {
			t.Fatalf("%q becomes %q, then %q, %v", text, once, twice, err)
		}
		upper, err := NormalDN(strings.ToUpper(text))
		if isASCII(text) && !strings.ContainsAny(text, `\#`) && (err != nil || upper != once) {
			t.Fatalf("%q becomes %q, in capitals %q, %v", text, once, upper, err)
		}
		if utf8.ValidString(text) && !IsUnder(text, text) || IsUnder(text, "dc=example,dc=com") && !IsUnder(text, "DC = Example, domainComponent=COM") {
			t.Fatalf("%q is not where it is", text)
		}
		_ = NameOfDN(text)
	})
}

// TestDNOfOddBytes: different bytes that are not UTF-8 are different names.
func TestDNOfOddBytes(t *testing.T) {
	for _, text := range []string{"cn=\xf7", "cn=\xf6", `cn=\f7`, "c\xf7=x"} {
		if normal, err := NormalDN(text); err == nil {
			t.Errorf("%q becomes %q", text, normal)
		}
	}
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// FuzzEnvelope: only whole messages within the limits pass, and the library can read them.
func FuzzEnvelope(f *testing.F) {
	f.Add(ldaptest.Result(1, ldaptest.Bind, ldaptest.Answer{Code: 49, Text: "no", Controls: []ldaptest.Control{ldaptest.Policy(-1, 2, 1)}}))
	f.Add(ldaptest.SearchEntry(2, "uid=alice,ou=people,dc=example,dc=com", map[string][]string{"uid": {"alice"}}))
	f.Add([]byte{0x30, 0x80, 0x00, 0x00})
	f.Add([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff})
	f.Add(append([]byte{0x30, 0x03, 0x02, 0x01, 0x02}, 0x30, 0x00))
	f.Fuzz(func(t *testing.T, data []byte) {
		passed, err := readAll(t, data, MaxOperation)
		if err == nil && len(passed) != len(data) {
			t.Fatalf("%d of %d bytes pass without an error", len(passed), len(data))
		}
		if !strings.HasPrefix(string(data), string(passed)) {
			t.Fatal("other bytes pass than came")
		}
	})
}
