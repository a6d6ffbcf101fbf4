package account

import (
	"context"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
)

// Verdict is what a directory says about a password.
type Verdict struct {
	right  bool   // the bind succeeded
	Status Status // what came along with the answer
}

// Wrong reports whether there is nothing to say but that name or password are wrong.
func (v Verdict) Wrong() bool { return !v.right && v.Status.Good() }

// Verify binds on a connection of its own: on any other, the bind would end what is
// going on there, and change who searches. Servers are tried until one answers; what
// it answers is final. If the bind succeeds, then runs on its connection; it may be
// nil.
func Verify(ctx context.Context, d *directory.Directory, dn, password string, now time.Time, then func(context.Context, *directory.Connection, Status) error) (Verdict, error) {
	var v Verdict
	err := d.Try(ctx, func(ctx context.Context, s *directory.Server) error {
		c, err := d.Open(ctx, s)
		if err != nil {
			return err
		}
		defer c.Close()
		v, err = bindAs(ctx, c, dn, password, now)
		if err == nil && v.right && then != nil {
			err = then(ctx, c, v.Status)
		}
		return err
	})
	return v, directory.Refusal(err)
}

// bindAs binds and judges the answer. The error is for an answer that says nothing
// about the password.
func bindAs(ctx context.Context, c *directory.Connection, dn, password string, now time.Time) (Verdict, error) {
	controls, err := c.Bind(ctx, dn, password)
	if err == nil {
		return Verdict{right: true, Status: bindStatus(err, controls, now)}, nil
	}
	code, ok := directory.ResultCode(err)
	switch {
	case !ok:
		return Verdict{}, err
	case wrongCodes[code]:
		return Verdict{Status: bindStatus(err, controls, now)}, nil
	}
	if s, ok := refusedCodes[code]; ok {
		return Verdict{Status: s}, nil
	}
	return Verdict{}, bindRefusal(code, err)
}

// wrongCodes are the result codes (RFC 4511 appendix A.2) of a bind that mean that name or
// password is wrong. Some servers say so in other words for an entry without a password,
// or that is not there.
var wrongCodes = map[uint16]bool{
	ldap.LDAPResultInvalidCredentials:          true,
	ldap.LDAPResultInappropriateAuthentication: true,
	ldap.LDAPResultNoSuchObject:                true,
	ldap.LDAPResultInvalidDNSyntax:             true,
	ldap.LDAPResultNoSuchAttribute:             true,
}

// refusedCodes are those that turn down an account, whatever the password was for all
// that is known. The outpost of authentik answers insufficientAccessRights to who may not
// use the application, and operationsError where it could not find out.
var refusedCodes = map[uint16]Status{
	ldap.LDAPResultConstraintViolation:      {Reason: sdk.ReasonAccountLocked, Detail: "too many wrong passwords", unverified: true},                // 389 Directory Server
	ldap.LDAPResultUnwillingToPerform:       {Reason: sdk.ReasonAccountDisabled, Detail: "the directory is unwilling to bind it", unverified: true}, // 389 Directory Server, FreeIPA
	ldap.LDAPResultInsufficientAccessRights: {Reason: sdk.ReasonNotAllowed, Detail: "the directory gives it no access (insufficientAccessRights)", unverified: true},
	ldap.LDAPResultOperationsError:          {Reason: sdk.ReasonNotAllowed, Detail: "the directory could not find out whether it has access (operationsError)", unverified: true, anyAccount: true},
}

// bindRefusal is what is left over: no word about the person, and no server that fails.
func bindRefusal(code uint16, err error) error {
	switch code {
	case ldap.LDAPResultAuthMethodNotSupported:
		return sdk.Misconfigured(ReasonBindRefused, "the directory takes no simple binds (%s), which are all that end users sign in by", directory.Describe(err))
	case ldap.LDAPResultProtocolError, ldap.LDAPResultUnavailableCriticalExtension:
		return sdk.Misconfigured(ReasonBindRefused, "the directory does not understand the bind of an end user (%s)", directory.Describe(err))
	case ldap.LDAPResultReferral:
		return sdk.Misconfigured(ReasonBindRefused, "the directory refers to another server for the entry of an end user: name that one in client_url, referrals are not followed")
	}
	return err
}

// Proved reports whether the directory knows the password: it let the account in, or said
// something that only who knows it is told.
func (v Verdict) Proved() bool { return v.right || !v.Status.Good() && !v.Status.unverified }

// ForAnyAccount reports whether the directory has refused without looking at the account. An
// unknown name must be refused in the same words then: others would tell that it is one.
func (v Verdict) ForAnyAccount() bool { return v.Status.anyAccount }

// Concealed makes a wrong password of what others may learn.
func (v Verdict) Concealed() Verdict {
	if !v.right && v.Status.unverified {
		return Verdict{}
	}
	return v
}
