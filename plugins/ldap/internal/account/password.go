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

// Errors of [PasswordChange.Run] that are the end user's to put right.
var (
	ErrPreviousWrong = errors.New("the old password is wrong")
	ErrRejected      = errors.New("the directory does not accept the new password")
)

// PasswordChange is one change, all of it at one server: another one may learn of the
// new password only later.
type PasswordChange struct {
	Directory        *directory.Directory
	Entry            directory.Entry
	Previous, Chosen string
	Method           string // of password_change
	IgnoreShadow     bool
	Now              time.Time
	Logger           *slog.Logger

	// Then runs on a connection that is bound with the new password.
	Then func(ctx context.Context, c *directory.Connection, s Status) error
}

// Run changes the password at that server, and binds with the new one.
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
		// Another server must not be asked to change it again.
		return sdk.Unavailable(directory.ReasonUnreachable, "the password was changed, and the server failed before the end user was signed in, who can sign in with the new one: %v", err)
	}
	return err
}

// change acts as the end user if they could bind, else as the service account: Active
// Directory, and policies without grace logins, let nobody bind with an expired
// password. The old one goes along, and the directory checks it.
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
		// It may have happened all the same: it is not repeated elsewhere.
		return sdk.Unavailable(directory.ReasonUnreachable, "changing the password: the server did not answer, and may have done it: %v", err)
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

// usesUnicodePwd goes by an attribute that only Active Directory has, if the operator
// has not said.
func (p *PasswordChange) usesUnicodePwd() bool {
	switch p.Method {
	case ChangeUnicode:
		return true
	case ChangeExtended:
		return false
	}
	return len(p.Entry.Raw("objectGUID")) > 0
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

// updateShadowLastChange writes the day of the change, which servers without an overlay for it
// leave as it was: the next login would find the password expired still.
func (p *PasswordChange) updateShadowLastChange(ctx context.Context, c *directory.Connection) {
	if _, ok := p.Entry.Number("shadowLastChange"); !ok || p.IgnoreShadow {
		return
	}
	req := ldap.NewModifyRequest(p.Entry.DN, nil)
	req.Replace("shadowLastChange", []string{strconv.FormatInt(p.Now.Unix()/int64(24*time.Hour/time.Second), 10)})
	if err := c.Modify(ctx, "writing shadowLastChange", req); err != nil {
		p.Logger.Warn("shadowLastChange cannot be written, the password seems as old as before", "dn", p.Entry.DN, "error", directory.Describe(err))
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
			return ErrPreviousWrong
		}
		return ErrRejected
	case ldap.LDAPResultInvalidCredentials:
		return ErrPreviousWrong
	case ldap.LDAPResultUnwillingToPerform, ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultProtocolError,
		ldap.LDAPResultUnavailableCriticalExtension, ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultStrongAuthRequired:
		return sdk.Misconfigured(ReasonChangeRefused, "the directory does not change the password (%s): give bind_dn the right to, or write another password_change", directory.Describe(err))
	}
	return sdk.Unavailable(ReasonChangeRefused, "changing the password: %s", directory.Describe(err))
}

// signIn proves that the new password works. A policy may call it a reset if bind_dn has
// written it, and want another one at once: it is the end user's own choice, so it is
// written once more as the end user, which is no reset.
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
		return sdk.Unavailable(ReasonChangeRefused, "the password was changed, and the directory does not accept the new one yet")
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

// rewriteAsUser makes the new password the end user's, as who is bound. If the directory does not
// want that, it asks for another password at the next login.
func (p *PasswordChange) rewriteAsUser(ctx context.Context, c *directory.Connection) {
	if err := c.ChangePassword(ctx, p.Entry.DN, p.Chosen, p.Chosen); err != nil {
		p.Logger.Warn("the directory takes the new password for one that must be changed, because bind_dn has written it", "dn", p.Entry.DN, "error", directory.Describe(err))
	}
}
