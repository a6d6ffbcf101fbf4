package directory

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/ldap/ldaptest"
)

// readAll passes bytes through an EnvelopeConn.
func readAll(t testing.TB, data []byte, budget int64) ([]byte, error) {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		_, _ = theirs.Write(data)
		_ = theirs.Close()
	}()
	c := NewEnvelopeConn(ours, time.Second)
	c.Allow(budget)
	got, err := io.ReadAll(c)
	_ = c.Close()
	return got, err
}

func TestEnvelope(t *testing.T) {
	entry := ldaptest.SearchEntry(3, "uid=alice,ou=people,dc=example,dc=com", map[string][]string{"uid": {"alice"}, "photo": {strings.Repeat("x", 100_000)}})
	done := ldaptest.Result(3, ldaptest.Search, ldaptest.Answer{Controls: []ldaptest.Control{ldaptest.Policy(1, -1, -1)}})
	good := append(bytes.Clone(entry), done...)
	if got, err := readAll(t, good, MaxOperation); err != nil || !bytes.Equal(got, good) {
		t.Errorf("good messages: %d of %d bytes, %v", len(got), len(good), err)
	}
	for name, test := range map[string]struct {
		data   []byte
		budget int64
		text   string
	}{
		"over the budget":   {good, int64(len(entry)), "more bytes than"},
		"large result":      {ldaptest.Result(1, ldaptest.Bind, ldaptest.Answer{Text: strings.Repeat("x", maxSmall+1)}), MaxOperation, "at most"},
		"large control":     {ldaptest.Result(1, ldaptest.Bind, ldaptest.Answer{Controls: []ldaptest.Control{{OID: "1.2", Value: make([]byte, maxSmall+1)}}}), MaxOperation, "at most"},
		"too many elements": {ldaptest.SearchEntry(1, "x", map[string][]string{"x": make([]string, maxElements)}), MaxOperation, "elements"},
		"another tag":       {[]byte{0x31, 0x00}, MaxOperation, "begins with"},
		"4 GiB":             {[]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, MaxOperation, "length"},
		"over 4 MiB":        {[]byte{0x30, 0x83, 0x40, 0x00, 0x01}, MaxOperation, "at most"},
		"5 bytes of length": {[]byte{0x30, 0x85, 0, 0, 0, 0, 1}, MaxOperation, "length"},
		"ends in a length":  {[]byte{0x30, 0x02, 0x04, 0x82}, MaxOperation, "ends within"},
	} {
		_, err := readAll(t, test.data, test.budget)
		if !errors.Is(err, errEnvelope) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v, want %q", name, err, test.text)
		}
	}
	if _, err := readAll(t, good[:len(good)-1], MaxOperation); errors.Is(err, errEnvelope) || err == nil {
		t.Errorf("a connection that ends within a message: %v", err)
	}
}
