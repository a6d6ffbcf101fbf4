package account

import (
	"cmp"
	"fmt"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
)

// DescribeServiceBind tells in words what came with a bind of bind_dn: why it was refused, or
// what its own password policy says though it was not. Empty: nothing.
func DescribeServiceBind(controls []ldap.Control, err error, now time.Time) string {
	if err == nil {
		return ServiceWarning(ServiceStatus(controls, now))
	}
	code, ok := directory.ResultCode(err)
	if !ok {
		return err.Error() // of the connection
	}
	if s := bindStatus(err, controls, now); !s.Good() {
		return fmt.Sprintf("%s (%s)", serviceAdvice(s.Reason), s.Detail)
	}
	if why := cmp.Or(serviceSubCodes[directory.SubCode(err)], serviceCodes[code]); why != "" {
		return fmt.Sprintf("%s (%s)", why, directory.Describe(err))
	}
	return directory.Describe(err) + "; has the password changed or expired?"
}

// DescribeExternalBind is the same of a bind by SASL EXTERNAL.
func DescribeExternalBind(err error) string {
	if err == nil {
		return ""
	}
	if _, ok := directory.ResultCode(err); !ok {
		return err.Error() // of the connection
	}
	return fmt.Sprintf("the directory knows nobody by it (%s): look at tls_cert, and at how the directory maps certificates to entries", directory.Describe(err))
}

// ServiceStatus is what the password policy says of a service account that was let in.
func ServiceStatus(controls []ldap.Control, now time.Time) Status {
	return bindStatus(nil, controls, now)
}

// ServiceWarning says so in words, and what to do. Empty: nothing was said.
func ServiceWarning(s Status) string {
	switch {
	case !s.Good():
		return fmt.Sprintf("%s (%s)", serviceAdvice(s.Reason), s.Detail)
	case !s.PasswordExpires.IsZero():
		return fmt.Sprintf("its password expires at %s: set a new one before", s.PasswordExpires.UTC().Format("2006-01-02 15:04 MST"))
	}
	return ""
}

// serviceAdvice is what to do about a service account of that status.
func serviceAdvice(reason sdk.Reason) string {
	switch reason {
	case sdk.ReasonPasswordExpired:
		return "its password has expired: set a new one, and write it as bind_password"
	case sdk.ReasonPasswordMustChange:
		return "its password must be changed before it may do anything else: set one that need not be"
	case sdk.ReasonAccountLocked:
		return "the account is locked by wrong passwords: is bind_password the right one?"
	case sdk.ReasonAccountDisabled:
		return "the account is disabled"
	case sdk.ReasonAccountExpired:
		return "the account has expired"
	case sdk.ReasonLogonNotPermitted:
		return "the account may not sign in at this time or from this machine"
	}
	return "the account has no access"
}

// serviceSubCodes are those of Active Directory that an end user is not told about.
var serviceSubCodes = map[string]string{
	"525": "there is no account with that name: look at bind_dn",
	"52e": "bind_dn or bind_password is wrong; has the password changed?",
}

const wantsTLS = "the directory wants TLS before a password: write ldaps:// or start_tls"

// serviceCodes say what a result code means for bind_dn, where nothing more precise came
// along.
var serviceCodes = map[uint16]string{
	ldap.LDAPResultStrongAuthRequired:          wantsTLS,
	ldap.LDAPResultConfidentialityRequired:     wantsTLS,
	ldap.LDAPResultInvalidCredentials:          "bind_dn or bind_password is wrong; has the password changed or expired?",
	ldap.LDAPResultInappropriateAuthentication: "the entry has no password to compare with",
	ldap.LDAPResultNoSuchObject:                "there is no entry with that name: look at bind_dn",
	ldap.LDAPResultInvalidDNSyntax:             "bind_dn is no name that the directory can read",
	ldap.LDAPResultConstraintViolation:         serviceAdvice(sdk.ReasonAccountLocked),
	ldap.LDAPResultUnwillingToPerform:          serviceAdvice(sdk.ReasonAccountDisabled) + ", or the directory wants something else of a bind",
	ldap.LDAPResultInsufficientAccessRights:    serviceAdvice(sdk.ReasonNotAllowed) + ": in authentik, give it the application",
	ldap.LDAPResultOperationsError:             "the directory could not find out whether the account has access",
	ldap.LDAPResultAuthMethodNotSupported:      "the directory takes no simple binds",
}
