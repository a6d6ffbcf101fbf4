package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
)

func fuzzMechanism(f *testing.F, values map[string]any) *mechanism {
	f.Helper()
	all := map[string]any{"client_url": "ldaps://x", "user_dn": base, "user_scope": "sub", "user_attribute": "uid,mail", "user_filter": "(objectClass=person)"}
	for k, v := range values {
		all[k] = v
	}
	o, err := options.Decode[Options](all)
	if err != nil {
		f.Fatal(err)
	}
	if o, err = o.settle(); err != nil {
		f.Fatal(err)
	}
	return &mechanism{options: o, users: o.users()}
}

// FuzzFilter: whatever is typed, the filter is the one that was meant, with what was
// typed as its value.
func FuzzFilter(f *testing.F) {
	m := fuzzMechanism(f, nil)
	for _, seed := range []string{"alice", "*", "*)(uid=*", "u1)(|(uid=*", `\2a`, "a\x00b", "ü", "\xff\xfe", `\`, "(", strings.Repeat("a", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > maxUsername { // is not searched for
			return
		}
		packet, err := ldap.CompileFilter(m.users.nameFilter(name))
		if err != nil {
			t.Fatalf("%q: %v", m.users.nameFilter(name), err)
		}
		if packet.Tag != ldap.FilterAnd || len(packet.Children) != 2 || packet.Children[1].Tag != ldap.FilterOr || len(packet.Children[1].Children) != 2 {
			t.Fatalf("%q has another form", m.users.nameFilter(name))
		}
		for i, attribute := range m.options.UserAttribute {
			match := packet.Children[1].Children[i]
			if match.Tag != ldap.FilterEqualityMatch || match.Children[0].Data.String() != attribute || match.Children[1].Data.String() != name {
				t.Fatalf("%q asks for something else than %q", m.users.nameFilter(name), name)
			}
		}
	})
}

// FuzzTemplate: whatever is typed is one value of the DN, in its place.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"alice", "a,ou=admins", "a+cn=b", "#616c", `\`, " a ", "a\x00", `"`, "<>;=", "\xff", "\n"} {
		f.Add(seed)
	}
	template := "uid={username},ou=people," + base
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > maxUsername {
			return // no login fills in a longer one: escaped, it might be longer than any DN that is read
		}
		filled := fillTemplate(template, name)
		dn, err := ldap.ParseDN(filled)
		if err != nil {
			return // refused by whoever reads it
		}
		if len(dn.RDNs) != 4 || len(dn.RDNs[0].Attributes) != 1 || !isUnder(filled, people) {
			t.Fatalf("%q becomes %q", name, filled)
		}
		if got := dn.RDNs[0].Attributes[0].Value; utf8.ValidString(name) && got != name {
			t.Fatalf("%q becomes the value %q", name, got)
		}
	})
}

// FuzzDN: two spellings of a DN are one, and normalising twice is normalising once.
func FuzzDN(f *testing.F) {
	for _, seed := range []string{aliceDN, "UID=Alice , OU=People", `cn=a\,b+sn=c,dc=x`, "cn=#0401ff", "cn=\u200bx", "=", "cn=", "ｃｎ=x", `cn=\ x\ `, "\x94\xaa\\00="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once, err := normalDN(text)
		if err != nil {
			return
		}
		twice, err := normalDN(once)
		if err != nil || twice != once {
			t.Fatalf("%q becomes %q, then %q, %v", text, once, twice, err)
		}
		upper, err := normalDN(strings.ToUpper(text))
		if isASCII(text) && !strings.ContainsAny(text, `\#`) && (err != nil || upper != once) {
			t.Fatalf("%q becomes %q, in capitals %q, %v", text, once, upper, err)
		}
		_ = isUnder(text, base)
		_ = nameOfDN(text)
	})
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// FuzzEntry: whatever a server sends, an identity keeps within what the host accepts.
func FuzzEntry(f *testing.F) {
	mechanisms := []*mechanism{
		fuzzMechanism(f, nil), fuzzMechanism(f, map[string]any{"id_attribute": "objectGUID", "preset": "active-directory"}),
		fuzzMechanism(f, map[string]any{"id_attribute": "dn", "attributes": "uid,description"}),
	}
	f.Add(ldaptest.SearchEntry(1, aliceDN, map[string][]string{"uid": {"alice"}, "entryUUID": {aliceUUID}, "description": {"a", "b"}}))
	f.Add(ldaptest.SearchEntry(1, "cn=x", map[string][]string{"objectGUID": {"0123456789abcdef"}, "accountExpires": {"9223372036854775807"}, "pwdLastSet": {"0"}}))
	f.Add(ldaptest.SearchEntry(1, "", map[string][]string{"memberOf;range=0-1499": {"x"}, "objectSid": {"\x01\x05"}, "primaryGroupID": {"513"}}))
	f.Add(ldaptest.SearchEntry(1, "\xff", map[string][]string{"uid": {"\x00"}, "shadowExpire": {"-1"}, "krbPasswordExpiration": {"19700101000000Z"}}))
	clock := newClock()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 2 || data[0] != tagSequence {
			return
		}
		passed, _ := readAll(t, data, maxOperation)
		packet, err := ber.DecodePacketErr(passed)
		if err != nil {
			return
		}
		e, ok := decodeEntry(packet)
		if !ok {
			return
		}
		for _, m := range mechanisms {
			m.now = clock.Now
			_ = m.standingOf(e)
			_, _ = primaryGroupSID(e)
			id, err := subjectOf(e, m.options.IDAttribute)
			if err != nil {
				continue
			}
			identity, err := m.identify(e, id, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{identity.Subject, identity.Username, identity.Email, identity.GivenName, identity.FamilyName, identity.Name} {
				if text != "" && !isPlain([]byte(text)) {
					t.Fatalf("%q in the identity", text)
				}
			}
			if identity.Subject == "" || len(identity.Subject) > sdk.MaxSubject || len(identity.Grant) > sdk.MaxGrant {
				t.Fatalf("subject %q, grant %q", identity.Subject, identity.Grant)
			}
		}
	})
}

// decodeEntry reads what the library would: it has no exported decoder.
func decodeEntry(packet *ber.Packet) (entry, bool) {
	if len(packet.Children) < 2 || packet.Children[1].Tag != ldap.ApplicationSearchResultEntry || len(packet.Children[1].Children) != 2 {
		return entry{}, false
	}
	e := &ldap.Entry{DN: packet.Children[1].Children[0].Data.String()}
	for _, attribute := range packet.Children[1].Children[1].Children {
		if len(attribute.Children) != 2 {
			return entry{}, false
		}
		a := &ldap.EntryAttribute{Name: attribute.Children[0].Data.String()}
		for _, value := range attribute.Children[1].Children {
			a.ByteValues = append(a.ByteValues, value.Data.Bytes())
		}
		e.Attributes = append(e.Attributes, a)
	}
	return newEntry(e), true
}

// FuzzEnvelope: what passes is whole messages within the limits, as the library reads
// them.
func FuzzEnvelope(f *testing.F) {
	f.Add(ldaptest.Result(1, ldaptest.Bind, ldaptest.Answer{Code: 49, Text: "no", Controls: []ldaptest.Control{ldaptest.Policy(-1, 2, 1)}}))
	f.Add(ldaptest.SearchEntry(2, aliceDN, map[string][]string{"uid": {"alice"}}))
	f.Add([]byte{0x30, 0x80, 0x00, 0x00})
	f.Add([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff})
	f.Add(append([]byte{0x30, 0x03, 0x02, 0x01, 0x02}, 0x30, 0x00))
	f.Fuzz(func(t *testing.T, data []byte) {
		passed, err := readAll(t, data, maxOperation)
		if err == nil && len(passed) != len(data) {
			t.Fatalf("%d of %d bytes pass without an error", len(passed), len(data))
		}
		if !strings.HasPrefix(string(data), string(passed)) {
			t.Fatal("other bytes pass than came")
		}
	})
}
