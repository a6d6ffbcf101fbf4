package account

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
)

// Status is what the directory says about an account, apart from the password.
type Status struct {
	Reason          sdk.Reason // empty: the account may sign in
	Detail          string     // for the log
	Changeable      bool       // a new password corrects it
	unverified      bool       // the directory reports it without checking the password
	anyAccount      bool       // and without looking at the account
	temporary       bool       // a lock caused by wrong passwords, which ends by itself or manually
	PasswordExpires time.Time  // zero: unknown, or never
}

// Denied is the refusal of an account with this status.
func (s Status) Denied() error {
	return sdk.Denied(s.Reason, "the directory refuses the account: %s", s.Detail)
}

// Good reports whether the account may sign in.
func (s Status) Good() bool { return s.Reason == "" }

// policyAttributes are requested with every entry. Servers omit those that they do not
// support.
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
	// Active Directory Lightweight Directory Services; eDirectory; PingDirectory and related servers
	"msDS-UserAccountDisabled", "loginDisabled", "ds-pwp-account-disabled",
}

// disabledBy lists the attributes, and their values, that say that an administrator has
// disabled an account.
var disabledBy = []struct{ attribute, word string }{
	{"nsAccountLock", "TRUE"}, {"ak-active", "FALSE"},
	{"msDS-UserAccountDisabled", "TRUE"}, {"loginDisabled", "TRUE"}, {"ds-pwp-account-disabled", "TRUE"},
}

// StatusOf reads the status from the entry. It is used only after the password was right:
// others must not learn anything about an account.
func StatusOf(e directory.Entry, now time.Time, ignoreShadow bool) Status {
	return Worst(statusesOf(e, now, ignoreShadow)...)
}

// StatusOfSession is the same for an existing session. A lock caused by wrong passwords does
// not end it: anyone who knows a name can type them.
func StatusOfSession(e directory.Entry, now time.Time, ignoreShadow bool) Status {
	return Worst(slices.DeleteFunc(statusesOf(e, now, ignoreShadow), func(s Status) bool { return s.temporary })...)
}

func statusesOf(e directory.Entry, now time.Time, ignoreShadow bool) []Status {
	all := append(activeDirectoryStatuses(e, now), lockStatus(e, now), expiryStatus(e, now))
	if !ignoreShadow {
		all = append(all, shadowStatus(e, now))
	}
	return all
}

// Worst returns the first status that a new password does not correct, otherwise the first
// that is not good, otherwise the earliest expiry.
func Worst(all ...Status) Status {
	var changeable, expiring Status
	for _, s := range all {
		switch {
		case s.Good():
			if expiring.PasswordExpires.IsZero() || !s.PasswordExpires.IsZero() && s.PasswordExpires.Before(expiring.PasswordExpires) {
				expiring = s
			}
		case !s.Changeable:
			return s
		case changeable.Good():
			changeable = s
		}
	}
	if !changeable.Good() {
		return changeable
	}
	return expiring
}

// lockStatus reads the attributes of password policies that lock an account.
func lockStatus(e directory.Entry, now time.Time) Status {
	const forever = "000001010000Z" // draft-behera section 5.3.3: until an administrator resets it
	for _, by := range disabledBy {
		if e.Is(by.attribute, by.word) {
			return Status{Reason: sdk.ReasonAccountDisabled, Detail: by.attribute}
		}
	}
	locked := e.Text("pwdAccountLockedTime")
	switch {
	case strings.HasPrefix(locked, strings.TrimSuffix(forever, "Z")):
		return Status{Reason: sdk.ReasonAccountLocked, Detail: "pwdAccountLockedTime"}
	case generalizedPassed(e, "pwdEndTime", now), generalizedPassed(e, "krbPrincipalExpiration", now):
		return Status{Reason: sdk.ReasonAccountExpired, Detail: "pwdEndTime or krbPrincipalExpiration"}
	}
	if start, ok := GeneralizedTime(e.Text("pwdStartTime")); ok && now.Before(start) {
		return Status{Reason: sdk.ReasonNotAllowed, Detail: "pwdStartTime"}
	}
	return Status{}
}

// expiryStatus reads when a password expires.
func expiryStatus(e directory.Entry, now time.Time) Status {
	if e.Is("pwdReset", "TRUE") {
		return Status{Reason: sdk.ReasonPasswordMustChange, Detail: "pwdReset", Changeable: true}
	}
	var earliest Status
	for _, name := range []string{"passwordExpirationTime", "krbPasswordExpiration"} {
		at, ok := GeneralizedTime(e.Text(name))
		if !ok || at.Year() <= 1970 { // 389 Directory Server writes 1970 for never, or for must change
			continue
		}
		if !now.Before(at) {
			return Status{Reason: sdk.ReasonPasswordExpired, Detail: name, Changeable: true}
		}
		if earliest.PasswordExpires.IsZero() || at.Before(earliest.PasswordExpires) {
			earliest.PasswordExpires = at
		}
	}
	return earliest
}

// GeneralizedTime reads the forms of RFC 4517 section 3.3.13 that directories use.
func GeneralizedTime(text string) (time.Time, bool) {
	for _, layout := range []string{"20060102150405Z0700", "20060102150405.999999999Z0700", "200601021504Z0700"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func generalizedPassed(e directory.Entry, name string, now time.Time) bool {
	at, ok := GeneralizedTime(e.Text(name))
	return ok && !now.Before(at)
}

// bindStatus reads the status from the answer to a bind: the sub-code of Active Directory,
// and the controls of password policies.
func bindStatus(err error, controls []ldap.Control, now time.Time) Status {
	if s, ok := subCodes[directory.SubCode(err)]; ok {
		return s
	}
	all := make([]Status, 0, len(controls))
	for _, control := range controls {
		all = append(all, controlStatus(control, now))
	}
	return Worst(all...)
}

func controlStatus(control ldap.Control, now time.Time) Status {
	switch c := control.(type) {
	case *ldap.ControlBeheraPasswordPolicy:
		return policyStatus(c, now)
	case *ldap.ControlVChuPasswordMustChange: // draft-vchu-ldap-pwd-policy-00
		return Status{Reason: sdk.ReasonPasswordMustChange, Detail: "password expired control", Changeable: true}
	case *ldap.ControlVChuPasswordWarning:
		return Status{PasswordExpires: after(now, c.Expire)}
	}
	return Status{}
}

// Errors of the password policy response (draft-behera-ldap-password-policy-10
// section 6.2).
const (
	policyExpired    = 0
	policyLocked     = 1
	policyMustChange = 2
)

// policyStatus reads the control. A password with grace logins left counts as expired: the
// next grace login can be the last.
func policyStatus(c *ldap.ControlBeheraPasswordPolicy, now time.Time) Status {
	switch c.Error {
	case policyExpired:
		return Status{Reason: sdk.ReasonPasswordExpired, Detail: "password policy", Changeable: true}
	case policyLocked:
		return Status{Reason: sdk.ReasonAccountLocked, Detail: "password policy", unverified: true}
	case policyMustChange:
		return Status{Reason: sdk.ReasonPasswordMustChange, Detail: "password policy", Changeable: true}
	}
	if c.Grace >= 0 {
		return Status{Reason: sdk.ReasonPasswordExpired, Detail: fmt.Sprintf("password policy: %d grace logins are left", c.Grace), Changeable: true}
	}
	if c.Expire >= 0 {
		return Status{PasswordExpires: after(now, c.Expire)}
	}
	return Status{}
}

func after(now time.Time, seconds int64) time.Time {
	const most = 10 * 365 * 24 * 3600
	return now.Add(time.Duration(max(0, min(seconds, most))) * time.Second)
}

// AccountAttributes are the attributes that this package reads.
var AccountAttributes = slices.Concat(subjectAttributes, policyAttributes)
