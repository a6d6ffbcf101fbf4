package directory

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
)

// Limits on what a server may send.
const (
	maxMessage   = 4 << 20  // bytes of one LDAP message
	maxSmall     = 64 << 10 // bytes of a message other than an entry, and of the controls of an entry
	MaxOperation = 16 << 20 // bytes of all answers to one request
	maxElements  = 60_000   // BER elements in one message: each takes about 300 bytes when decoded
	maxDepth     = 32       // levels of BER elements
)

// init limits what the BER library decodes, in the whole process. It is a second barrier
// behind EnvelopeConn, which does not see control values: they are BER inside an octet
// string.
func init() {
	ber.MaxPacketLengthBytes = maxMessage
	ber.MaxNestingDepth = maxDepth
}

// Tags of RFC 4511 appendix B.
const (
	TagSequence  = 0x30
	tagEntry     = 0x64 // SearchResultEntry
	tagReference = 0x73 // SearchResultReference
	tagControls  = 0xa0
)

// errEnvelope wraps every refusal of EnvelopeConn.
var errEnvelope = errors.New("malformed or oversized LDAP message")

// EnvelopeConn passes on only whole LDAP messages, after checking their size, depth and
// number of elements. The LDAP library decodes any input, into several hundred bytes for
// every two bytes on the wire.
type EnvelopeConn struct {
	net.Conn
	reader       *bufio.Reader
	message      bytes.Buffer // checked, not yet passed on
	writeTimeout time.Duration
	budget       atomic.Int64 // bytes that may still be received for the current operation
	refusal      atomic.Pointer[error]
	ended        atomic.Pointer[error] // by the latest read
}

// NewEnvelopeConn takes ownership of conn.
func NewEnvelopeConn(conn net.Conn, writeTimeout time.Duration) *EnvelopeConn {
	return &EnvelopeConn{Conn: conn, reader: bufio.NewReader(conn), writeTimeout: writeTimeout}
}

// Allow sets how many bytes may be received until the next call.
func (c *EnvelopeConn) Allow(n int64) { c.budget.Store(n) }

// refused returns why a message was refused, or nil.
func (c *EnvelopeConn) refused() error {
	if err := c.refusal.Load(); err != nil {
		return *err
	}
	return nil
}

// Write does not wait for a server that has stopped reading.
func (c *EnvelopeConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.writeTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// Read returns bytes of checked messages.
func (c *EnvelopeConn) Read(p []byte) (int, error) {
	if c.message.Len() == 0 {
		if err := c.next(); err != nil {
			if errors.Is(err, errEnvelope) {
				c.refusal.Store(&err)
			}
			c.ended.Store(&err)
			return 0, err
		}
	}
	return c.message.Read(p)
}

// next reads one message. Its buffer grows with the bytes received, not with the claimed
// length.
func (c *EnvelopeConn) next() error {
	c.message.Reset()
	if c.message.Cap() > maxSmall {
		c.message = bytes.Buffer{} // do not keep the buffer of a large entry for the life of the connection
	}
	header, length, err := readHeader(c.reader)
	if err != nil {
		return err
	}
	if c.budget.Add(-int64(length)) < 0 {
		return fmt.Errorf("%w: more bytes than one operation may return", errEnvelope)
	}
	c.message.Write(header)
	if _, err := io.CopyN(&c.message, c.reader, int64(length)); err != nil {
		return unexpected(err)
	}
	return checkEnvelope(c.message.Bytes()[len(header):])
}

// unexpected distinguishes an end within a message from an end between messages.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readHeader reads the tag and length of an LDAPMessage. The length must be definite (RFC
// 4511 section 5.1).
func readHeader(r *bufio.Reader) (header []byte, length int, err error) {
	tag, err := r.ReadByte()
	if err != nil {
		return nil, 0, err
	}
	first, err := r.ReadByte()
	if err != nil {
		return nil, 0, unexpected(err)
	}
	header = []byte{tag, first}
	if tag != TagSequence {
		return nil, 0, fmt.Errorf("%w: it begins with 0x%02x", errEnvelope, tag)
	}
	for range lengthBytes(first) {
		b, err := r.ReadByte()
		if err != nil {
			return nil, 0, unexpected(err)
		}
		header = append(header, b)
	}
	length, _, err = readLength(header[1:])
	if err == nil && length > maxMessage {
		err = fmt.Errorf("%w: %d bytes, at most %d are allowed", errEnvelope, length, maxMessage)
	}
	return header, length, err
}

// lengthBytes returns how many bytes of length follow the first one.
func lengthBytes(first byte) int {
	if first < 0x80 || first > 0x84 {
		return 0
	}
	return int(first & 0x7f)
}

// readLength reads a definite length and returns what follows it.
func readLength(b []byte) (length int, rest []byte, err error) {
	if len(b) == 0 {
		return 0, nil, fmt.Errorf("%w: it ends within a length", errEnvelope)
	}
	first, rest := b[0], b[1:]
	n := lengthBytes(first)
	switch {
	case first < 0x80:
		return int(first), rest, nil
	case n == 0:
		return 0, nil, fmt.Errorf("%w: an indefinite or invalid length", errEnvelope)
	case len(rest) < n:
		return 0, nil, fmt.Errorf("%w: it ends within a length", errEnvelope)
	}
	var value int64
	for _, digit := range rest[:n] {
		value = value<<8 | int64(digit)
	}
	if value > 1<<31-1 {
		return 0, nil, fmt.Errorf("%w: a length of %d bytes", errEnvelope, value)
	}
	return int(value), rest[n:], nil
}

// checkEnvelope checks the body of an LDAPMessage: messageID, protocolOp and optional
// controls.
func checkEnvelope(body []byte) error {
	elements, large := 0, false
	for i := 0; len(body) > 0; i++ {
		tag, content, rest, err := splitElement(body)
		if err != nil {
			return err
		}
		if i == 1 {
			large = tag == tagEntry || tag == tagReference
		}
		if (!large || tag == tagControls) && len(content) > maxSmall {
			return fmt.Errorf("%w: %d bytes where at most %d are allowed", errEnvelope, len(content), maxSmall)
		}
		if err := countElements(tag, content, 1, &elements); err != nil {
			return err
		}
		body = rest
	}
	return nil
}

func countElements(tag byte, content []byte, depth int, elements *int) error {
	if *elements++; *elements > maxElements {
		return fmt.Errorf("%w: more than %d elements", errEnvelope, maxElements)
	}
	const constructed = 0x20
	if tag&constructed == 0 {
		return nil
	}
	if depth >= maxDepth {
		return fmt.Errorf("%w: more than %d levels", errEnvelope, maxDepth)
	}
	for len(content) > 0 {
		inner, value, rest, err := splitElement(content)
		if err != nil {
			return err
		}
		if err := countElements(inner, value, depth+1, elements); err != nil {
			return err
		}
		content = rest
	}
	return nil
}

// splitElement splits off the first element of b. LDAP does not use tag numbers above 30.
func splitElement(b []byte) (tag byte, content, rest []byte, err error) {
	const highTag = 0x1f
	if b[0]&highTag == highTag {
		return 0, nil, nil, fmt.Errorf("%w: the unsupported tag 0x%02x", errEnvelope, b[0])
	}
	length, rest, err := readLength(b[1:])
	if err != nil {
		return 0, nil, nil, err
	}
	if length > len(rest) {
		return 0, nil, nil, fmt.Errorf("%w: an element is longer than its parent", errEnvelope)
	}
	return b[0], rest[:length], rest[length:], nil
}
