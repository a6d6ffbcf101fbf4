package main

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

// standing is what the directory says about an account besides the password.
type standing struct {
	reason          sdk.Reason // empty: it may sign in
	detail          string     // for the log
	changeable      bool       // a new password puts it right
	unproven        bool       // the directory says so without knowing the password
	passwordExpires time.Time  // zero: not told, or never
}

// denied is the refusal of an account of this standing.
func (s standing) denied() error {
	return sdk.Denied(s.reason, "the directory says no: %s", s.detail)
}

func (s standing) good() bool { return s.reason == "" }

// policyAttributes are read with every entry. Servers leave out those that they do
// not know.
var policyAttributes = []string{
	// Active Directory
	"userAccountControl", "msDS-User-Account-Control-Computed", "accountExpires", "pwdLastSet", "msDS-UserPasswordExpiryTimeComputed",
	// draft-behera-ldap-password-policy section 5.3
	"pwdAccountLockedTime", "pwdReset", "pwdEndTime", "pwdStartTime",
	// RFC 2307
	"shadowExpire", "shadowLastChange", "shadowMax", "shadowInactive",
	// 389 Directory Server, FreeIPA
	"nsAccountLock", "passwordExpirationTime", "krbPrincipalExpiration", "krbPasswordExpiration",
	// authentik
	"ak-active",
}

// standingOf reads what the entry says. It is asked only after the password was
// proved right, or for a session that exists: others learn nothing of an account.
func standingOf(e entry, now time.Time, ignoreShadow bool) standing {
	all := []standing{activeDirectoryStanding(e, now), lockStanding(e, now), expiryStanding(e, now)}
	if !ignoreShadow {
		all = append(all, shadowStanding(e, now))
	}
	return worst(all...)
}

// worst returns the first standing that no new password puts right, else the first
// that is not good, else the earliest expiry.
func worst(all ...standing) standing {
	var changeable, expiring standing
	for _, s := range all {
		switch {
		case s.good():
			if expiring.passwordExpires.IsZero() || !s.passwordExpires.IsZero() && s.passwordExpires.Before(expiring.passwordExpires) {
				expiring = s
			}
		case !s.changeable:
			return s
		case changeable.good():
			changeable = s
		}
	}
	if !changeable.good() {
		return changeable
	}
	return expiring
}

// lockStanding reads the attributes of password policies that lock an account.
func lockStanding(e entry, now time.Time) standing {
	const forever = "000001010000Z" // draft-behera section 5.3.3: until an administrator resets it
	locked := e.text("pwdAccountLockedTime")
	switch {
	case e.is("nsAccountLock", "TRUE"):
		return standing{reason: sdk.ReasonAccountDisabled, detail: "nsAccountLock"}
	case e.is("ak-active", "FALSE"):
		return standing{reason: sdk.ReasonAccountDisabled, detail: "ak-active"}
	case strings.HasPrefix(locked, strings.TrimSuffix(forever, "Z")):
		return standing{reason: sdk.ReasonAccountLocked, detail: "pwdAccountLockedTime"}
	case generalizedPassed(e, "pwdEndTime", now), generalizedPassed(e, "krbPrincipalExpiration", now):
		return standing{reason: sdk.ReasonAccountExpired, detail: "pwdEndTime or krbPrincipalExpiration"}
	}
	if start, ok := generalizedTime(e.text("pwdStartTime")); ok && now.Before(start) {
		return standing{reason: sdk.ReasonNotAllowed, detail: "pwdStartTime"}
	}
	return standing{}
}

// expiryStanding reads when a password expires.
func expiryStanding(e entry, now time.Time) standing {
	if e.is("pwdReset", "TRUE") {
		return standing{reason: sdk.ReasonPasswordMustChange, detail: "pwdReset", changeable: true}
	}
	var earliest standing
	for _, name := range []string{"passwordExpirationTime", "krbPasswordExpiration"} {
		at, ok := generalizedTime(e.text(name))
		if !ok || at.Year() <= 1970 { // 1970 is how 389 Directory Server says never, or must change
			continue
		}
		if !now.Before(at) {
			return standing{reason: sdk.ReasonPasswordExpired, detail: name, changeable: true}
		}
		if earliest.passwordExpires.IsZero() || at.Before(earliest.passwordExpires) {
			earliest.passwordExpires = at
		}
	}
	return earliest
}

// generalizedTime reads the forms of RFC 4517 section 3.3.13 that directories write.
func generalizedTime(text string) (time.Time, bool) {
	for _, layout := range []string{"20060102150405Z0700", "20060102150405.999999999Z0700", "200601021504Z0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func generalizedPassed(e entry, name string, now time.Time) bool {
	at, ok := generalizedTime(e.text(name))
	return ok && !now.Before(at)
}

// bindStanding reads what came with the answer to a bind: the sub-code of Active
// Directory, and the controls of password policies.
func bindStanding(err error, controls []ldap.Control, now time.Time) standing {
	if s, ok := subCodes[subCode(err)]; ok {
		return s
	}
	all := make([]standing, 0, len(controls))
	for _, control := range controls {
		all = append(all, controlStanding(control, now))
	}
	return worst(all...)
}

func controlStanding(control ldap.Control, now time.Time) standing {
	switch c := control.(type) {
	case *ldap.ControlBeheraPasswordPolicy:
		return policyStanding(c, now)
	case *ldap.ControlVChuPasswordMustChange: // draft-vchu-ldap-pwd-policy-00
		return standing{reason: sdk.ReasonPasswordMustChange, detail: "password expired control", changeable: true}
	case *ldap.ControlVChuPasswordWarning:
		return standing{passwordExpires: after(now, c.Expire)}
	}
	return standing{}
}

// Errors of the password policy response (draft-behera-ldap-password-policy-10
// section 6.2).
const (
	policyExpired    = 0
	policyLocked     = 1
	policyMustChange = 2
)

// policyStanding reads the control. The end of a password's life with logins left
// over (grace) is the end all the same: the next one may be the last.
func policyStanding(c *ldap.ControlBeheraPasswordPolicy, now time.Time) standing {
	switch c.Error {
	case policyExpired:
		return standing{reason: sdk.ReasonPasswordExpired, detail: "password policy", changeable: true}
	case policyLocked:
		return standing{reason: sdk.ReasonAccountLocked, detail: "password policy", unproven: true}
	case policyMustChange:
		return standing{reason: sdk.ReasonPasswordMustChange, detail: "password policy", changeable: true}
	}
	if c.Grace >= 0 {
		return standing{reason: sdk.ReasonPasswordExpired, detail: "password policy: a grace login", changeable: true}
	}
	if c.Expire >= 0 {
		return standing{passwordExpires: after(now, c.Expire)}
	}
	return standing{}
}

func after(now time.Time, seconds int64) time.Time {
	const most = 10 * 365 * 24 * 3600
	return now.Add(time.Duration(max(0, min(seconds, most))) * time.Second)
}

// isBadCredentials reports whether a bind was refused because of name or password.
// Some servers say so in other words for an entry without a password.
func isBadCredentials(err error) bool {
	result, ok := errors.AsType[*ldap.Error](err)
	if !ok {
		return false
	}
	switch result.ResultCode {
	case ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultNoSuchObject,
		ldap.LDAPResultInvalidDNSyntax, ldap.LDAPResultNoSuchAttribute:
		return true
	}
	return false
}

// accountAttributes are what is looked at here and by subjectOf.
var accountAttributes = slices.Concat(subjectAttributes, policyAttributes)
