package main

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

// The values of password_change.
const (
	changeAuto     = "auto"
	changeExtended = "extended-operation"
	changeUnicode  = "unicode-pwd"
	changeOff      = "off"
)

var (
	errPreviousWrong = errors.New("the old password is wrong")
	errRejected      = errors.New("the directory does not accept the new password")
)

// passwordChange is one change, all of it at one server: another one may learn of the
// new password only later.
type passwordChange struct {
	directory        *directory
	entry            entry
	previous, chosen string
	method           string // of password_change
	ignoreShadow     bool
	now              time.Time
	logger           *slog.Logger

	// then runs on a connection that is bound with the new password.
	then func(ctx context.Context, c *connection, s standing) error
}

func (p *passwordChange) run(ctx context.Context, s *server) error {
	c, err := p.directory.open(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	v, err := bindAs(ctx, c, p.entry.dn, p.previous, p.now)
	switch {
	case err != nil:
		return err
	case v.wrong():
		return errPreviousWrong
	case !v.standing.good() && !v.standing.changeable:
		return v.standing.denied()
	}
	if err := p.change(ctx, s, c, v.right); err != nil {
		return err
	}
	p.logger.Info("the password was changed", "dn", p.entry.dn)
	return p.signIn(ctx, s)
}

// change acts as the end user if they could bind, else as the service account: Active
// Directory, and policies without grace logins, let nobody bind with an expired
// password. The old one goes along, and the directory checks it.
func (p *passwordChange) change(ctx context.Context, s *server, c *connection, bound bool) error {
	if !bound {
		own, err := p.directory.openService(ctx, s)
		if err != nil {
			return err
		}
		defer own.close()
		c = own
	}
	err := p.modify(ctx, c)
	if isServerFailure(err) {
		// It may have happened all the same: it is not repeated elsewhere.
		return sdk.Unavailable(reasonUnreachable, "changing the password: the server did not answer, and may have done it: %v", err)
	}
	return changeRefusal(err)
}

func (p *passwordChange) modify(ctx context.Context, c *connection) error {
	if p.usesUnicodePwd() {
		req := ldap.NewModifyRequest(p.entry.dn, nil)
		req.Delete("unicodePwd", []string{unicodePwd(p.previous)})
		req.Add("unicodePwd", []string{unicodePwd(p.chosen)})
		return c.within(ctx, "changing unicodePwd", func() error { return c.ldap.Modify(req) })
	}
	req := ldap.NewPasswordModifyRequest(p.entry.dn, p.previous, p.chosen)
	err := c.within(ctx, "changing the password", func() error {
		_, err := c.ldap.PasswordModify(req)
		return err
	})
	if err == nil {
		p.touchShadow(ctx, c)
	}
	return err
}

// usesUnicodePwd goes by an attribute that only Active Directory has, if the operator
// has not said.
func (p *passwordChange) usesUnicodePwd() bool {
	switch p.method {
	case changeUnicode:
		return true
	case changeExtended:
		return false
	}
	return len(p.entry.raw("objectGUID")) > 0
}

// unicodePwd writes a password as Active Directory wants it: in quotes, in UTF-16LE
// (MS-ADTS section 3.1.1.3.1.5). Delete and add in one request is a change, which needs
// the old password and no special right (a replace would be a reset).
func unicodePwd(password string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(`"` + password + `"`)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return string(b)
}

// touchShadow writes the day of the change, which servers without an overlay for it
// leave as it was: the next login would find the password expired still.
func (p *passwordChange) touchShadow(ctx context.Context, c *connection) {
	if _, ok := p.entry.number("shadowLastChange"); !ok || p.ignoreShadow {
		return
	}
	req := ldap.NewModifyRequest(p.entry.dn, nil)
	req.Replace("shadowLastChange", []string{strconv.FormatInt(p.now.Unix()/int64(24*time.Hour/time.Second), 10)})
	if err := c.within(ctx, "writing shadowLastChange", func() error { return c.ldap.Modify(req) }); err != nil {
		p.logger.Warn("shadowLastChange cannot be written, the password seems as old as before", "dn", p.entry.dn, "error", describe(err))
	}
}

// changeRefusal tells what the end user can do better from what the operator must.
func changeRefusal(err error) error {
	result, ok := errors.AsType[*ldap.Error](err)
	if err == nil || !ok {
		return err
	}
	const invalidPassword = "00000056:" // ERROR_INVALID_PASSWORD: the old one (MS-ERREF)
	switch result.ResultCode {
	case ldap.LDAPResultConstraintViolation:
		if result.Err != nil && strings.HasPrefix(result.Err.Error(), invalidPassword) {
			return errPreviousWrong
		}
		return errRejected
	case ldap.LDAPResultInvalidCredentials:
		return errPreviousWrong
	case ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultProtocolError,
		ldap.LDAPResultUnavailableCriticalExtension, ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultStrongAuthRequired:
		return sdk.Misconfigured(reasonChangeRefused, "the directory does not change the password (%s): give bind_dn the right to, or write another password_change", describe(err))
	}
	return sdk.Unavailable(reasonChangeRefused, "changing the password: %s", describe(err))
}

// signIn proves that the new password works.
func (p *passwordChange) signIn(ctx context.Context, s *server) error {
	c, err := p.directory.open(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	v, err := bindAs(ctx, c, p.entry.dn, p.chosen, p.now)
	switch {
	case err != nil:
		return err
	case !v.right && v.standing.good():
		return sdk.Unavailable(reasonChangeRefused, "the password was changed, and the directory does not accept the new one yet")
	case !v.standing.good():
		return v.standing.denied()
	}
	return p.then(ctx, c, v.standing)
}
