package ldaptest

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// Request is a request that a misbehaviour can answer.
type Request struct {
	Operation Operation
	ID        int64
	DN        string // of the bind or the change; the base of a search
	Password  string
	Filter    string

	session *session
}

// Misbehaviour answers a request. It returns false to let the directory answer as well, and
// true to end the connection.
type Misbehaviour func(Request) (over bool)

// Send writes to the client.
func (r Request) Send(data []byte) {
	_, _ = r.session.conn.Write(data) // the client may have gone, which is under test
}

// Next waits for the next request on the connection, so that the misbehaviour can answer it.
// It returns false when the client has gone.
func (r *Request) Next() bool {
	packet, err := ber.ReadPacket(r.session.reader)
	if err != nil || len(packet.Children) < 2 {
		return false
	}
	id, ok := packet.Children[0].Value.(int64)
	r.ID = id
	return ok
}

// Stall waits until the client goes away.
func (r Request) Stall() { _, _ = io.Copy(io.Discard, r.session.conn) }

// On limits the misbehaviour to requests of that operation.
func On(op Operation, m Misbehaviour) Misbehaviour {
	return func(r Request) bool { return r.Operation == op && m(r) }
}

// Times limits how often the misbehaviour happens.
func Times(n int, m Misbehaviour) Misbehaviour {
	left := make(chan struct{}, n)
	for range n {
		left <- struct{}{}
	}
	return func(r Request) bool {
		select {
		case <-left:
			return m(r)
		default:
			return false
		}
	}
}

// Silent never answers.
func Silent(r Request) bool {
	r.Stall()
	return true
}

// HangUp closes the connection instead of answering.
func HangUp(Request) bool { return true }

// Reply answers with that result.
func Reply(a Answer) Misbehaviour {
	return func(r Request) bool {
		r.Send(Result(r.ID, r.Operation, a))
		return true
	}
}

// Truncated sends half of an answer and then stops.
func Truncated(r Request) bool {
	whole := Result(r.ID, r.Operation, Answer{Text: strings.Repeat("x", 100)})
	r.Send(whole[:len(whole)/2])
	r.Stall()
	return true
}

// WrongID answers with the ID of another request.
func WrongID(r Request) bool {
	r.Send(Result(r.ID+1000, r.Operation, Answer{}))
	r.Stall()
	return true
}

// HugeLength announces a message of 2 GiB.
func HugeLength(r Request) bool {
	r.Send([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff})
	r.Stall()
	return true
}

// Deep sends a message with that many levels.
func Deep(levels int) Misbehaviour {
	return func(r Request) bool {
		var b []byte
		for range levels {
			header := binary.BigEndian.AppendUint32([]byte{0x30, 0x84}, uint32(len(b)))
			b = append(header, b...)
		}
		r.Send(b)
		r.Stall()
		return true
	}
}

// Crowded sends an entry with very many empty values, which is small on the wire and large
// when decoded.
func Crowded(values int) Misbehaviour {
	// Created once: creating it takes more memory than a client within its limits.
	entry := SearchEntry(1, "uid=x,dc=example,dc=com", map[string][]string{"x": make([]string, values)})
	id := 2 + 2 // tag and length of the message, tag and length of its ID
	if long := entry[1]; long > 0x80 {
		id += int(long - 0x80)
	}
	return func(r Request) bool {
		own := bytes.Clone(entry)
		own[id] = byte(r.ID) // up to 127, which no test reaches
		r.Send(own)
		return false
	}
}

// Disconnection is the unsolicited notice of RFC 4511 section 4.4.1.
func Disconnection(r Request) bool {
	p := result(ldap.ApplicationExtendedResponse, Answer{Code: ldap.LDAPResultUnavailable, Text: "going down"})
	p.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 10, "1.3.6.1.4.1.1466.20036", "responseName"))
	r.Send(message(0, p))
	return true
}

// Flood sends entries under a base endlessly.
func Flood(base string) Misbehaviour {
	return func(r Request) bool {
		one := SearchEntry(r.ID, "uid=flood,"+base, map[string][]string{"uid": {strings.Repeat("x", 1000)}})
		block := bytes.Repeat(one, 64)
		for {
			if _, err := r.session.conn.Write(block); err != nil {
				return true
			}
		}
	}
}

// Photograph sends an entry with an unrequested attribute of that many bytes.
func Photograph(size int) Misbehaviour {
	return func(r Request) bool {
		head := headOf(0x04, nil, size)
		for _, level := range []struct {
			tag    byte
			before []byte
		}{
			{0x31, nil},                         // vals
			{0x30, octets("jpegPhoto").Bytes()}, // attribute
			{0x30, nil},                         // attributes
			{0x64, octets("uid=x,dc=example,dc=com").Bytes()}, // SearchResultEntry
			{0x30, ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, r.ID, "").Bytes()},
		} {
			inner := append(level.before, head...)
			head = headOf(level.tag, inner, size)
		}
		r.Send(head)
		block := make([]byte, 1<<20)
		for left := size; left > 0; left -= len(block) {
			r.Send(block[:min(left, len(block))])
		}
		return false
	}
}

// headOf returns tag, length and the beginning of an element that is followed by rest bytes.
func headOf(tag byte, begin []byte, rest int) []byte {
	length := uint32(len(begin) + rest)
	return append(binary.BigEndian.AppendUint32([]byte{tag, 0x84}, length), begin...)
}

// Stranger sends an entry before the others, whether or not it matches.
func Stranger(dn string, attributes map[string][]string) Misbehaviour {
	return func(r Request) bool {
		r.Send(SearchEntry(r.ID, dn, attributes))
		return false
	}
}

// Refer sends a continuation reference before the result.
func Refer(url string) Misbehaviour {
	return func(r Request) bool {
		r.Send(SearchReference(r.ID, url))
		return false
	}
}
