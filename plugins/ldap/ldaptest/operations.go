package ldaptest

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"strings"
	"unicode/utf16"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

func (s *session) bind(id int64, op *ber.Packet) error {
	if len(op.Children) != 3 {
		return errBye
	}
	dn, password := op.Children[1].Data.String(), op.Children[2].Data.String()
	s.d.mu.Lock()
	s.d.counts.Binds++
	if !s.d.config.Unrecorded {
		s.d.binds = append(s.d.binds, dn)
	}
	answer := s.d.judge(dn, password)
	s.d.mu.Unlock()
	s.bound = ""
	if s.misbehaves(Request{Operation: Bind, ID: id, DN: dn, Password: password}) {
		return errBye
	}
	if answer.Code == ldap.LDAPResultSuccess && password != "" { // otherwise anonymous (RFC 4513 section 5.1.2)
		s.bound = dn
	}
	return s.finish(id, Bind, answer)
}

// judge answers a bind. An empty password is the unauthenticated bind, which succeeds and
// does not prove anything (RFC 4513 section 5.1.2).
func (d *Directory) judge(dn, password string) Answer {
	if password == "" {
		return Answer{}
	}
	for _, e := range d.entries {
		if !sameDN(e.DN, dn) {
			continue
		}
		switch {
		case e.Any != nil:
			return *e.Any
		case e.Password == "" || e.Password != password:
			return Answer{Code: ldap.LDAPResultInvalidCredentials}
		case e.Right != nil:
			return *e.Right
		}
		return Answer{}
	}
	return Answer{Code: ldap.LDAPResultInvalidCredentials}
}

func (s *session) extended(id int64, op *ber.Packet) error {
	name := op.Children[0].Data.String()
	switch name {
	case oidStartTLS:
		return s.startTLS(id)
	case oidPasswordModify:
		return s.passwordModify(id, op)
	}
	return s.finish(id, StartTLS, Answer{Code: ldap.LDAPResultProtocolError, Text: "unknown extended operation"})
}

func (s *session) startTLS(id int64) error {
	s.d.mu.Lock()
	s.d.counts.StartTLS++
	s.d.mu.Unlock()
	if s.misbehaves(Request{Operation: StartTLS, ID: id}) {
		return errBye
	}
	if s.d.config.NoStartTLS || s.tls {
		return s.finish(id, StartTLS, Answer{Code: ldap.LDAPResultProtocolError, Text: "no TLS"})
	}
	answer := Result(id, StartTLS, Answer{})
	if s.d.config.Injected {
		answer = append(answer, Result(id+1, Bind, Answer{})...)
	}
	if err := s.send(answer); err != nil {
		return err
	}
	secured := tls.Server(s.conn, s.d.tls)
	if err := secured.HandshakeContext(context.Background()); err != nil {
		return err
	}
	s.conn, s.reader, s.tls = secured, bufio.NewReader(secured), true
	return nil
}

// passwordModify implements RFC 3062. The old password must be right; the bound identity must
// be the entry itself or any other entry with a password.
func (s *session) passwordModify(id int64, op *ber.Packet) error {
	if len(op.Children) < 2 {
		return errBye
	}
	value, err := ber.DecodePacketErr(op.Children[1].Data.Bytes())
	if err != nil {
		return err
	}
	var dn, previous, chosen string
	for _, part := range value.Children {
		switch part.Tag {
		case 0:
			dn = part.Data.String()
		case 1:
			previous = part.Data.String()
		case 2:
			chosen = part.Data.String()
		}
	}
	s.noteChanger()
	if s.misbehaves(Request{Operation: PasswordModify, ID: id, DN: dn}) {
		return errBye
	}
	if s.bound == "" {
		return s.finish(id, PasswordModify, Answer{Code: ldap.LDAPResultInsufficientAccessRights})
	}
	return s.finish(id, PasswordModify, s.d.changePassword(dn, previous, chosen))
}

func (d *Directory) changePassword(dn, previous, chosen string) Answer {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.entries {
		e := &d.entries[i]
		switch {
		case !sameDN(e.DN, dn):
			continue
		case e.Password != previous:
			return Answer{Code: ldap.LDAPResultConstraintViolation, Text: "00000056: AtrErr: DSID-03191083"}
		case len(chosen) < d.config.MinPassword:
			return Answer{Code: ldap.LDAPResultConstraintViolation, Text: "0000052D: too short"}
		}
		e.Password, e.Right = chosen, nil
		if len(e.values("pwdLastSet")) > 0 {
			e.set("pwdLastSet", "132000000000000000")
		}
		d.counts.Changes++
		return Answer{}
	}
	return Answer{Code: ldap.LDAPResultNoSuchObject}
}

// modify supports delete and add of unicodePwd (MS-ADTS section 3.1.1.3.1.5), and replace of
// other attributes.
func (s *session) modify(id int64, op *ber.Packet) error {
	dn := op.Children[0].Data.String()
	if s.misbehaves(Request{Operation: Modify, ID: id, DN: dn}) {
		return errBye
	}
	if s.bound == "" {
		return s.finish(id, Modify, Answer{Code: ldap.LDAPResultInsufficientAccessRights})
	}
	var previous, chosen string
	for _, change := range op.Children[1].Children {
		kind, _ := change.Children[0].Value.(int64)
		name := change.Children[1].Children[0].Data.String()
		value := change.Children[1].Children[1].Children[0].Data.String()
		if !strings.EqualFold(name, "unicodePwd") {
			s.d.replace(dn, name, value)
			continue
		}
		if !s.tls {
			return s.finish(id, Modify, Answer{Code: ldap.LDAPResultUnwillingToPerform, Text: "unicodePwd needs TLS"})
		}
		switch kind {
		case ldap.DeleteAttribute:
			previous = fromUnicode(value)
		case ldap.AddAttribute:
			chosen = fromUnicode(value)
		}
	}
	if previous == "" && chosen == "" { // a change of other attributes only
		return s.finish(id, Modify, Answer{})
	}
	s.noteChanger()
	return s.finish(id, Modify, s.d.changePassword(dn, previous, chosen))
}

func (d *Directory) replace(dn, name, value string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.entries {
		if sameDN(d.entries[i].DN, dn) {
			d.entries[i].set(name, value)
		}
	}
}

func fromUnicode(value string) string {
	var units []uint16
	for b := []byte(value); len(b) > 1; b = b[2:] {
		units = append(units, binary.LittleEndian.Uint16(b))
	}
	return strings.Trim(string(utf16.Decode(units)), `"`)
}
