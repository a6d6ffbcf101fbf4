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
	Status Status // what the answer says about the account
}

// Wrong reports whether the answer says only that the name or the password is wrong.
func (v Verdict) Wrong() bool { return !v.right && v.Status.Good() }

// Verify binds on a separate connection: on any other connection, the bind would abort
// operations in progress and change the identity that searches. It tries servers until one
// answers, and that answer is final. If the bind succeeds, then runs on its connection; it
// may be nil.
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

// bindAs binds and interprets the answer. It returns an error for an answer that says nothing
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

// wrongCodes are the result codes (RFC 4511 appendix A.2) of a bind that mean that the name
// or the password is wrong. Some servers use other codes than invalidCredentials for an entry
// that does not exist or has no password.
var wrongCodes = map[uint16]bool{
	ldap.LDAPResultInvalidCredentials:          true,
	ldap.LDAPResultInappropriateAuthentication: true,
	ldap.LDAPResultNoSuchObject:                true,
	ldap.LDAPResultInvalidDNSyntax:             true,
	ldap.LDAPResultNoSuchAttribute:             true,
}

// refusedCodes are the result codes that refuse an account, possibly without checking the
// password. The outpost of authentik answers insufficientAccessRights if the user has no
// access to the application, and operationsError if it could not determine that.
var refusedCodes = map[uint16]Status{
	ldap.LDAPResultConstraintViolation:      {Reason: sdk.ReasonAccountLocked, Detail: "too many wrong passwords", unverified: true},                                           // 389 Directory Server
	ldap.LDAPResultUnwillingToPerform:       {Reason: sdk.ReasonAccountDisabled, Detail: "the directory refuses binds as this account (unwillingToPerform)", unverified: true}, // 389 Directory Server, FreeIPA
	ldap.LDAPResultInsufficientAccessRights: {Reason: sdk.ReasonNotAllowed, Detail: "the directory denies the account access (insufficientAccessRights)", unverified: true},
	ldap.LDAPResultOperationsError:          {Reason: sdk.ReasonNotAllowed, Detail: "the directory could not determine whether the account has access (operationsError)", unverified: true, anyAccount: true},
}

// bindRefusal handles the remaining codes, which neither concern the user nor mean that a
// server failed.
func bindRefusal(code uint16, err error) error {
	switch code {
	case ldap.LDAPResultAuthMethodNotSupported:
		return sdk.Misconfigured(ReasonBindRefused, "the directory does not accept simple binds (%s), which Doorward needs to sign users in", directory.Describe(err))
	case ldap.LDAPResultProtocolError, ldap.LDAPResultUnavailableCriticalExtension:
		return sdk.Misconfigured(ReasonBindRefused, "the directory does not understand the bind of a user (%s)", directory.Describe(err))
	case ldap.LDAPResultReferral:
		return sdk.Misconfigured(ReasonBindRefused, "the directory refers to another server for the entry of a user: set client_url to that server, because referrals are not followed")
	}
	return err
}

// Proved reports whether the directory confirmed the password: it accepted the bind, or
// reported something that it reports only for the right password.
func (v Verdict) Proved() bool { return v.right || !v.Status.Good() && !v.Status.unverified }

// ForAnyAccount reports whether the directory refused without looking at the account. An
// unknown name must then get the same answer; otherwise the answer would reveal that it is
// unknown.
func (v Verdict) ForAnyAccount() bool { return v.Status.anyAccount }

// Concealed turns a refusal that does not depend on the password into a wrong password.
func (v Verdict) Concealed() Verdict {
	if !v.right && v.Status.unverified {
		return Verdict{}
	}
	return v
}
