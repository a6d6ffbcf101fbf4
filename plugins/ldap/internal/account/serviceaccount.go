package account

import (
	"cmp"
	"fmt"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
)

// DescribeServiceBind says what the answer to a bind of bind_dn means: why it was refused, or
// what the password policy says although it was accepted. It is empty if there is nothing to
// say.
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

// DescribeExternalBind is the same for a bind by SASL EXTERNAL.
func DescribeExternalBind(err error) string {
	if err == nil {
		return ""
	}
	if _, ok := directory.ResultCode(err); !ok {
		return err.Error() // of the connection
	}
	return fmt.Sprintf("the directory does not map it to an entry (%s): check tls_cert, and how the directory maps certificates to entries", directory.Describe(err))
}

// ServiceStatus is the status of a service account whose bind was accepted.
func ServiceStatus(controls []ldap.Control, now time.Time) Status {
	return bindStatus(nil, controls, now)
}

// ServiceWarning describes the status and what to do. It is empty if there is nothing to say.
func ServiceWarning(s Status) string {
	switch {
	case !s.Good():
		return fmt.Sprintf("%s (%s)", serviceAdvice(s.Reason), s.Detail)
	case !s.PasswordExpires.IsZero():
		return fmt.Sprintf("its password expires at %s: set a new one before then", s.PasswordExpires.UTC().Format("2006-01-02 15:04 MST"))
	}
	return ""
}

// serviceAdvice says what to do about a service account with that status.
func serviceAdvice(reason sdk.Reason) string {
	switch reason {
	case sdk.ReasonPasswordExpired:
		return "its password has expired: set a new one, and write it to bind_password"
	case sdk.ReasonPasswordMustChange:
		return "its password must be changed before it can do anything else: set a password that need not be changed"
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

// serviceSubCodes are those of Active Directory that users are not told about.
var serviceSubCodes = map[string]string{
	"525": "there is no account with that name: check bind_dn",
	"52e": "bind_dn or bind_password is wrong; has the password changed?",
}

const wantsTLS = "the directory requires TLS for passwords: use ldaps:// or start_tls"

// serviceCodes explain a result code for bind_dn, if the answer contains nothing more
// precise.
var serviceCodes = map[uint16]string{
	ldap.LDAPResultStrongAuthRequired:          wantsTLS,
	ldap.LDAPResultConfidentialityRequired:     wantsTLS,
	ldap.LDAPResultInvalidCredentials:          "bind_dn or bind_password is wrong; has the password changed or expired?",
	ldap.LDAPResultInappropriateAuthentication: "the entry has no password to compare with",
	ldap.LDAPResultNoSuchObject:                "there is no entry with that name: check bind_dn",
	ldap.LDAPResultInvalidDNSyntax:             "the directory cannot read bind_dn as a name",
	ldap.LDAPResultConstraintViolation:         serviceAdvice(sdk.ReasonAccountLocked),
	ldap.LDAPResultUnwillingToPerform:          serviceAdvice(sdk.ReasonAccountDisabled) + ", or the directory requires another kind of bind",
	ldap.LDAPResultInsufficientAccessRights:    serviceAdvice(sdk.ReasonNotAllowed) + ": in authentik, give it access to the application",
	ldap.LDAPResultOperationsError:             "the directory could not determine whether the account has access",
	ldap.LDAPResultAuthMethodNotSupported:      "the directory does not accept simple binds",
}
