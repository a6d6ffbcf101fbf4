package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

// maxChangeTries bounds the wrong old passwords of one conversation.
const maxChangeTries = 3

// changePrompt asks for a new password, and for the old one again: it is not kept, and
// only the end user may use it up.
func changePrompt(reason sdk.Reason, mem memory) (sdk.Step, error) {
	mem.Step = stepChange
	data, err := json.Marshal(mem)
	if err != nil {
		return nil, fmt.Errorf("encoding the memory of the login: %w", err)
	}
	if len(data) > sdk.MaxMemory {
		return nil, sdk.Denied(sdk.ReasonPasswordExpired, "the DN is too long to change the password in the login")
	}
	return sdk.Prompt{
		Reason: reason,
		Memory: data,
		Fields: []sdk.PromptField{
			{Name: fieldPassword, Kind: sdk.FieldPassword, Label: "Current password"},
			{Name: fieldNew, Kind: sdk.FieldNewPassword},
			{Name: fieldAgain, Kind: sdk.FieldNewPassword, Label: "New password, again"},
		},
	}, nil
}

// changePassword changes the password of the entry whose old one was right, and signs in
// with the new one.
func (m *mechanism) changePassword(ctx context.Context, mem memory, answers map[string]string) (sdk.Step, error) {
	previous, chosen := answers[fieldPassword], answers[fieldNew]
	switch {
	case chosen != answers[fieldAgain]:
		return changePrompt(sdk.ReasonPasswordsDiffer, mem)
	case !isPassword(chosen) || chosen == previous:
		return changePrompt(sdk.ReasonPasswordRejected, mem)
	case !isPassword(previous):
		return changePrompt(sdk.ReasonBadCredentials, mem)
	}
	e := entry{dn: mem.DN}
	if !m.searchesAsUser() {
		var err error
		if e, err = m.findSubject(ctx, subject{attribute: mem.Attribute, text: mem.Value}, mem.DN); err != nil {
			return nil, err
		}
	}
	if !m.throttle.take(mem.Value) {
		return nil, sdk.Denied(sdk.ReasonBadCredentials, "too many wrong passwords")
	}
	change := passwordChange{m: m, entry: e, previous: previous, chosen: chosen}
	err := refusal(m.directory.try(ctx, change.run))
	switch {
	case errors.Is(err, errPreviousWrong):
		return m.previousWrong(mem)
	case err != nil && !errors.Is(err, errRejected):
		m.throttle.giveBack(mem.Value)
		return nil, err
	}
	m.throttle.forget(mem.Value)
	if errors.Is(err, errRejected) {
		return changePrompt(sdk.ReasonPasswordRejected, mem)
	}
	return change.step, nil
}

func (m *mechanism) previousWrong(mem memory) (sdk.Step, error) {
	mem.Tries++
	if mem.Tries >= maxChangeTries {
		return nil, sdk.Denied(sdk.ReasonBadCredentials, "the old password was wrong %d times", mem.Tries)
	}
	return changePrompt(sdk.ReasonBadCredentials, mem)
}

var (
	errPreviousWrong = errors.New("the old password is wrong")
	errRejected      = errors.New("the directory does not accept the new password")
)

// passwordChange is one change, all of it at one server: another one may learn of the
// new password only later.
type passwordChange struct {
	m                *mechanism
	entry            entry
	previous, chosen string
	step             sdk.Step
}

func (p *passwordChange) run(ctx context.Context, s *server) error {
	c, err := p.m.directory.dialer.open(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	v, err := p.m.bindAs(ctx, c, p.entry.dn, p.previous)
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
	p.m.logger.Info("the password was changed", "dn", p.entry.dn)
	return p.signIn(ctx, s)
}

// change acts as the end user if they could bind, else as the service account: Active
// Directory, and policies without grace logins, let nobody bind with an expired
// password. The old one goes along, and the directory checks it.
func (p *passwordChange) change(ctx context.Context, s *server, c *connection, bound bool) error {
	if !bound {
		own, err := p.m.directory.openService(ctx, s)
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
	if p.m.usesUnicodePwd(p.entry) {
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
func (m *mechanism) usesUnicodePwd(e entry) bool {
	switch m.options.PasswordChange {
	case changeUnicode:
		return true
	case changeExtended:
		return false
	}
	return len(e.raw("objectGUID")) > 0
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
	if _, ok := p.entry.number("shadowLastChange"); !ok || p.m.options.IgnoreShadow {
		return
	}
	req := ldap.NewModifyRequest(p.entry.dn, nil)
	req.Replace("shadowLastChange", []string{strconv.FormatInt(p.m.now().Unix()/int64(24*time.Hour/time.Second), 10)})
	if err := c.within(ctx, "writing shadowLastChange", func() error { return c.ldap.Modify(req) }); err != nil {
		p.m.logger.Warn("shadowLastChange cannot be written, the password seems as old as before", "dn", p.entry.dn, "error", describe(err))
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
	m := p.m
	c, err := m.directory.dialer.open(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	v, err := m.bindAs(ctx, c, p.entry.dn, p.chosen)
	switch {
	case err != nil:
		return err
	case !v.right && v.standing.good():
		return sdk.Unavailable(reasonChangeRefused, "the password was changed, and the directory does not accept the new one yet")
	case !v.standing.good():
		return v.standing.denied()
	}
	search := m.service
	if m.searchesAsUser() {
		search = func(_ context.Context, operation func(*connection) error) error { return operation(c) }
		if p.entry, err = m.readEntry(ctx, search, p.entry.dn); err != nil {
			return err
		}
	}
	p.step, err = m.admit(ctx, search, p.entry, v.standing, true)
	return err
}
