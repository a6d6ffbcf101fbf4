package sso

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"
)

// The first byte of an encoded attempt contains its flags, and its mode in two bits.
// Older hosts refuse flagLinks and flagInvited, and so never sign anybody in with such an
// attempt.
const (
	flagOver = 1 << iota
	flagRedirectAsked
	modeShift   = 2
	modeMask    = 0b11
	flagLinks   = 1 << 4
	flagInvited = 1 << 5
	allFlags    = 0b111111
)

// nameAfter cannot occur in the name of a field.
const nameAfter = "\x00"

var codedModes = []Mode{"", ModeJSON, ModeCookie, ModeSession}

// encodeAttempt encodes an attempt in binary: JSON would take half as much again of a
// cookie's limited size. It is not compressed: the compressed length would depend on what
// the redirect, which an attacker can choose, has in common with the memory, and so would
// reveal the memory (RFC 3749 section 6).
func encodeAttempt(a Attempt) []byte {
	flags := byte(max(0, slices.Index(codedModes, a.Mode))) << modeShift
	if a.Over {
		flags |= flagOver
	}
	if a.RedirectAsked {
		flags |= flagRedirectAsked
	}
	if a.LinkTo != "" {
		flags |= flagLinks
	}
	if a.Invitation.Open() {
		flags |= flagInvited
	}
	out := binary.AppendVarint([]byte{flags}, a.ExpiresAt.UnixMilli())
	// A finished attempt has a session, an unfinished one has a login name. Both use the
	// same place, because older hosts know only one.
	last := a.LoginField + nameAfter + a.LoginName
	if a.LoginName == "" {
		last = a.LoginField
	}
	if a.Over {
		last = a.Session
	}
	for _, text := range []string{a.Step, a.Redirect, string(a.Memory), last, a.CallbackURL} {
		out = appendText(out, text)
	}
	out = binary.AppendUvarint(out, uint64(len(a.Fields)))
	for _, name := range a.Fields {
		out = appendText(out, name)
		out = append(out, boolByte(slices.Contains(a.Optional, name)))
	}
	if a.LinkTo != "" {
		out = appendText(out, a.LinkTo)
	}
	if a.Invitation.Open() {
		out = appendText(appendText(out, a.Invitation.Hash), a.Invitation.UserID)
	}
	return out
}

func appendText(out []byte, text string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(text))), text...)
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

var errNotAnAttempt = errors.New("not an attempt")

// decodeAttempt decodes exactly what encodeAttempt wrote.
func decodeAttempt(plain []byte) (Attempt, error) {
	r := attemptReader{rest: plain}
	flags := r.byte(allFlags)
	a := Attempt{
		Over: flags&flagOver != 0, RedirectAsked: flags&flagRedirectAsked != 0, Mode: codedModes[flags>>modeShift&modeMask],
		ExpiresAt: time.UnixMilli(r.number()).UTC(), Step: string(r.text()), Redirect: string(r.text()), Memory: r.text(), LoginField: string(r.text()), CallbackURL: string(r.text()),
	}
	if a.Over {
		a.Session, a.LoginField = a.LoginField, ""
	}
	a.LoginField, a.LoginName, _ = strings.Cut(a.LoginField, nameAfter)
	for count := r.size(); count > 0 && !r.bad; count-- {
		name := string(r.text())
		r.bad = r.bad || slices.Contains(a.Fields, name) // names in a prompt are unique
		a.Fields = append(a.Fields, name)
		if r.byte(1) == 1 {
			a.Optional = append(a.Optional, name)
		}
	}
	if flags&flagLinks != 0 {
		a.LinkTo = string(r.text())
		r.bad = r.bad || a.LinkTo == ""
	}
	if flags&flagInvited != 0 {
		a.Invitation = Invitation{Hash: string(r.text()), UserID: string(r.text())}
		r.bad = r.bad || !a.Invitation.Open()
	}
	if r.bad || len(r.rest) > 0 {
		return Attempt{}, errNotAnAttempt
	}
	return a, nil
}

// attemptReader reads the parts of an encoded attempt. After an invalid part it returns
// zero values.
type attemptReader struct {
	rest []byte
	bad  bool
}

func (r *attemptReader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.rest) {
		r.rest, r.bad = nil, true
		return nil
	}
	taken := r.rest[:n:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *attemptReader) byte(most byte) byte {
	taken := r.take(1)
	if r.bad || taken[0] > most {
		r.bad = true
		return 0
	}
	return taken[0]
}

func (r *attemptReader) number() int64 {
	value, n := binary.Varint(r.rest)
	r.bad = r.bad || n <= 0
	r.take(n)
	return value
}

// size reads a length or a count, which is never more than the number of remaining bytes.
func (r *attemptReader) size() int {
	value, n := binary.Uvarint(r.rest)
	r.bad = r.bad || n <= 0 || value > uint64(len(r.rest))
	r.take(n)
	if r.bad {
		return 0
	}
	return int(value)
}

func (r *attemptReader) text() []byte { return r.take(r.size()) }
