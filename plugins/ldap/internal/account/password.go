package account

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

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
)

// The values of password_change.
const (
	ChangeAuto     = "auto"
	ChangeExtended = "extended-operation"
	ChangeUnicode  = "unicode-pwd"
	ChangeOff      = "off"
)

// Errors of [PasswordChange.Run] that the user can correct.
var (
	ErrPreviousWrong = errors.New("the old password is wrong")
	ErrRejected      = errors.New("the directory does not accept the new password")
)

// PasswordChange is one change. It uses one server only: others can learn the new password
// later.
type PasswordChange struct {
	Directory        *directory.Directory
	Entry            directory.Entry
	Previous, Chosen string
	Method           string // a value of password_change
	IgnoreShadow     bool
	Now              time.Time
	Logger           *slog.Logger

	// Then runs on a connection that is bound with the new password.
	Then func(ctx context.Context, c *directory.Connection, s Status) error
}

// Run changes the password on that server, and binds with the new one.
func (p *PasswordChange) Run(ctx context.Context, s *directory.Server) error {
	c, err := p.Directory.Open(ctx, s)
	if err != nil {
		return err
	}
	defer c.Close()
	v, err := bindAs(ctx, c, p.Entry.DN, p.Previous, p.Now)
	switch {
	case err != nil:
		return err
	case v.Wrong():
		return ErrPreviousWrong
	case !v.Status.Good() && !v.Status.Changeable:
		return v.Status.Denied()
	}
	if err := p.change(ctx, s, c, v.right); err != nil {
		return err
	}
	p.Logger.Info("the password was changed", "dn", p.Entry.DN)
	err = p.signIn(ctx, s, v.right)
	if directory.IsServerFailure(err) {
		// Another server must not change it again.
		return sdk.Unavailable(directory.ReasonUnreachable, "the password was changed, but the server failed before the user was signed in; the user can sign in with the new password: %v", err)
	}
	return err
}

// change acts as the user if they could bind, otherwise as the service account: with an
// expired password, Active Directory and policies without grace logins do not let anyone
// bind. The old password is always sent, and the directory checks it.
func (p *PasswordChange) change(ctx context.Context, s *directory.Server, c *directory.Connection, bound bool) error {
	if !bound {
		own, err := p.Directory.OpenService(ctx, s)
		if err != nil {
			return err
		}
		defer own.Close()
		c = own
	}
	err := p.modify(ctx, c)
	if directory.IsServerFailure(err) {
		// The server may have done it: do not repeat it on another one.
		return sdk.Unavailable(directory.ReasonUnreachable, "changing the password: the server did not answer, but may have changed it: %v", err)
	}
	return changeRefusal(err)
}

func (p *PasswordChange) modify(ctx context.Context, c *directory.Connection) error {
	if p.usesUnicodePwd() {
		req := ldap.NewModifyRequest(p.Entry.DN, nil)
		req.Delete("unicodePwd", []string{unicodePwd(p.Previous)})
		req.Add("unicodePwd", []string{unicodePwd(p.Chosen)})
		return c.Modify(ctx, "changing unicodePwd", req)
	}
	err := c.ChangePassword(ctx, p.Entry.DN, p.Previous, p.Chosen)
	if err == nil {
		p.updateShadowLastChange(ctx, c)
	}
	return err
}

// usesUnicodePwd decides by an attribute that only Active Directory has, unless the operator
// has decided.
func (p *PasswordChange) usesUnicodePwd() bool {
	switch p.Method {
	case ChangeUnicode:
		return true
	case ChangeExtended:
		return false
	}
	return len(p.Entry.Raw("objectGUID")) > 0
}

// unicodePwd encodes a password as Active Directory expects it: in quotes, in UTF-16LE
// (MS-ADTS section 3.1.1.3.1.5). A delete and an add in one request are a change, which
// requires the old password and no special right. A replace would be a reset.
func unicodePwd(password string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(`"` + password + `"`)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return string(b)
}

// updateShadowLastChange writes the day of the change, because servers without an overlay do
// not: the next login would still find the password expired.
func (p *PasswordChange) updateShadowLastChange(ctx context.Context, c *directory.Connection) {
	if _, ok := p.Entry.Number("shadowLastChange"); !ok || p.IgnoreShadow {
		return
	}
	req := ldap.NewModifyRequest(p.Entry.DN, nil)
	req.Replace("shadowLastChange", []string{strconv.FormatInt(p.Now.Unix()/int64(24*time.Hour/time.Second), 10)})
	if err := c.Modify(ctx, "writing shadowLastChange", req); err != nil {
		p.Logger.Warn("shadowLastChange could not be written, so the password still appears as old as before", "dn", p.Entry.DN, "error", directory.Describe(err))
	}
}

// changeRefusal separates what the user can correct from what the operator must change.
func changeRefusal(err error) error {
	result, ok := errors.AsType[*ldap.Error](err)
	if err == nil || !ok {
		return err
	}
	const invalidPassword = "00000056:" // ERROR_INVALID_PASSWORD: the old password is wrong (MS-ERREF)
	switch result.ResultCode {
	case ldap.LDAPResultConstraintViolation:
		if result.Err != nil && strings.HasPrefix(result.Err.Error(), invalidPassword) {
			return ErrPreviousWrong
		}
		return ErrRejected
	case ldap.LDAPResultInvalidCredentials:
		return ErrPreviousWrong
	case ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultProtocolError,
		ldap.LDAPResultUnavailableCriticalExtension, ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultStrongAuthRequired:
		return sdk.Misconfigured(ReasonChangeRefused, "the directory refuses to change the password (%s): give bind_dn the right to change passwords, or set another password_change", directory.Describe(err))
	}
	return sdk.Unavailable(ReasonChangeRefused, "changing the password: %s", directory.Describe(err))
}

// signIn proves that the new password works. If bind_dn has written it, a policy may treat it
// as a reset and require another password at once. It is the choice of the user, so it is
// written again as the user, which is not a reset.
func (p *PasswordChange) signIn(ctx context.Context, s *directory.Server, boundAsUser bool) error {
	c, err := p.Directory.Open(ctx, s)
	if err != nil {
		return err
	}
	defer c.Close()
	v, err := bindAs(ctx, c, p.Entry.DN, p.Chosen, p.Now)
	switch {
	case err != nil:
		return err
	case !v.right && v.Status.Good():
		return sdk.Unavailable(ReasonChangeRefused, "the password was changed, but the directory does not accept the new one yet")
	case v.right && v.Status.Changeable:
		if !boundAsUser {
			p.rewriteAsUser(ctx, c)
		}
		v.Status = Status{}
	case !v.Status.Good():
		return v.Status.Denied()
	}
	return p.Then(ctx, c, v.Status)
}

// rewriteAsUser writes the new password again as the user. If the directory refuses, it asks
// for another password at the next login.
func (p *PasswordChange) rewriteAsUser(ctx context.Context, c *directory.Connection) {
	if err := c.ChangePassword(ctx, p.Entry.DN, p.Chosen, p.Chosen); err != nil {
		p.Logger.Warn("the directory requires another password at the next login, because bind_dn has written this one", "dn", p.Entry.DN, "error", directory.Describe(err))
	}
}
