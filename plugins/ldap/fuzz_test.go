package main

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/account"
	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/plugins/ldap/ldaptest"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/plugintest"
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

// FuzzFilter: for any input, the filter is the intended one with the input as its value.
func FuzzFilter(f *testing.F) {
	m := fuzzMechanism(f, nil)
	for _, seed := range []string{"alice", "*", "*)(uid=*", "u1)(|(uid=*", `\2a`, "a\x00b", "ü", "\xff\xfe", `\`, "(", strings.Repeat("a", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > account.MaxUsername { // is not searched for
			return
		}
		packet, err := ldap.CompileFilter(m.users.NameFilter(name))
		if err != nil {
			t.Fatalf("%q: %v", m.users.NameFilter(name), err)
		}
		if packet.Tag != ldap.FilterAnd || len(packet.Children) != 2 || packet.Children[1].Tag != ldap.FilterOr || len(packet.Children[1].Children) != 2 {
			t.Fatalf("%q has another form", m.users.NameFilter(name))
		}
		for i, attribute := range m.options.UserAttribute {
			match := packet.Children[1].Children[i]
			if match.Tag != ldap.FilterEqualityMatch || match.Children[0].Data.String() != attribute || match.Children[1].Data.String() != name {
				t.Fatalf("%q asks for something else than %q", m.users.NameFilter(name), name)
			}
		}
	})
}

// FuzzEntry: for any entry, the identity stays within what the host accepts.
func FuzzEntry(f *testing.F) {
	mechanisms := []*mechanism{
		fuzzMechanism(f, nil), fuzzMechanism(f, map[string]any{"id_attribute": "objectGUID", "preset": "active-directory"}),
		fuzzMechanism(f, map[string]any{"id_attribute": "dn", "attributes": "uid,description"}),
	}
	f.Add(ldaptest.SearchEntry(1, aliceDN, map[string][]string{"uid": {"alice"}, "entryUUID": {aliceUUID}, "description": {"a", "b"}}))
	f.Add(ldaptest.SearchEntry(1, "cn=x", map[string][]string{"objectGUID": {"0123456789abcdef"}, "accountExpires": {"9223372036854775807"}, "pwdLastSet": {"0"}}))
	f.Add(ldaptest.SearchEntry(1, "", map[string][]string{"memberOf;range=0-1499": {"x"}, "objectSid": {"\x01\x05"}, "primaryGroupID": {"513"}}))
	f.Add(ldaptest.SearchEntry(1, "\xff", map[string][]string{"uid": {"\x00"}, "shadowExpire": {"-1"}, "krbPasswordExpiration": {"19700101000000Z"}}))
	clock := plugintest.NewClock()
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 2 || data[0] != directory.TagSequence {
			return
		}
		passed := wholeMessages(data)
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
			_ = m.statusOf(e)
			_, _ = account.PrimaryGroupSID(e)
			id, err := account.SubjectOf(e, m.options.IDAttribute)
			if err != nil {
				continue
			}
			identity, err := m.identify(e, id, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{identity.Subject, identity.Username, identity.Email, identity.GivenName, identity.FamilyName, identity.Name} {
				if text != "" && !directory.IsPlain([]byte(text)) {
					t.Fatalf("%q in the identity", text)
				}
			}
			if identity.Subject == "" || len(identity.Subject) > sdk.MaxSubject || len(identity.Grant) > sdk.MaxGrant {
				t.Fatalf("subject %q, grant %q", identity.Subject, identity.Grant)
			}
		}
	})
}

// wholeMessages returns the part of the bytes that passes EnvelopeConn.
func wholeMessages(data []byte) []byte {
	ours, theirs := net.Pipe()
	go func() {
		_, _ = theirs.Write(data)
		_ = theirs.Close()
	}()
	c := directory.NewEnvelopeConn(ours, time.Second)
	c.Allow(directory.MaxOperation)
	passed, _ := io.ReadAll(c)
	_ = c.Close()
	return passed
}

// decodeEntry decodes as the library does, which has no exported decoder.
func decodeEntry(packet *ber.Packet) (directory.Entry, bool) {
	if len(packet.Children) < 2 || packet.Children[1].Tag != ldap.ApplicationSearchResultEntry || len(packet.Children[1].Children) != 2 {
		return directory.Entry{}, false
	}
	e := &ldap.Entry{DN: packet.Children[1].Children[0].Data.String()}
	for _, attribute := range packet.Children[1].Children[1].Children {
		if len(attribute.Children) != 2 {
			return directory.Entry{}, false
		}
		a := &ldap.EntryAttribute{Name: attribute.Children[0].Data.String()}
		for _, value := range attribute.Children[1].Children {
			a.ByteValues = append(a.ByteValues, value.Data.Bytes())
		}
		e.Attributes = append(e.Attributes, a)
	}
	return directory.NewEntry(e), true
}
