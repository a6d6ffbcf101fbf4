package account

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
)

// subCodes are system error codes in hexadecimal (MS-ERREF section 2.2). 525 (no such user)
// and 52e (wrong password) are omitted on purpose: both mean bad credentials.
var subCodes = map[string]Status{
	"52f": {Reason: sdk.ReasonNotAllowed, Detail: "an account restriction applies"},
	"530": {Reason: sdk.ReasonLogonNotPermitted, Detail: "sign-in is not permitted at this time"},
	"531": {Reason: sdk.ReasonLogonNotPermitted, Detail: "sign-in is not permitted from this machine: add the domain controller to userWorkstations"},
	"532": {Reason: sdk.ReasonPasswordExpired, Detail: "the password has expired", Changeable: true},
	"533": {Reason: sdk.ReasonAccountDisabled, Detail: "the account is disabled"},
	"701": {Reason: sdk.ReasonAccountExpired, Detail: "the account has expired"},
	"773": {Reason: sdk.ReasonPasswordMustChange, Detail: "the password must be changed", Changeable: true},
	"775": {Reason: sdk.ReasonAccountLocked, Detail: "the account is locked", unverified: true},
}

// Flags of userAccountControl and msDS-User-Account-Control-Computed (MS-ADTS
// sections 2.2.16 and 3.1.1.4.5.17).
const (
	uacDisabled        = 0x2
	uacLocked          = 0x10
	uacNeverExpires    = 0x10000
	uacPasswordExpired = 0x800000
)

// activeDirectoryStatuses reads the attributes of Active Directory.
func activeDirectoryStatuses(e directory.Entry, now time.Time) []Status {
	control, _ := e.Number("userAccountControl")
	computed, hasComputed := e.Number("msDS-User-Account-Control-Computed")
	flags := control | computed
	changed, hasChanged := e.Number("pwdLastSet")
	var list []Status
	if flags&uacDisabled != 0 {
		list = append(list, Status{Reason: sdk.ReasonAccountDisabled, Detail: "userAccountControl"})
	}
	if flags&uacLocked != 0 { // only wrong passwords set it, and anyone can type them
		list = append(list, Status{Reason: sdk.ReasonAccountLocked, Detail: "msDS-User-Account-Control-Computed", temporary: true})
	}
	if filetimePassed(e, "accountExpires", now) {
		list = append(list, Status{Reason: sdk.ReasonAccountExpired, Detail: "accountExpires"})
	}
	switch {
	case hasChanged && changed == 0 && control&uacNeverExpires == 0 && (!hasComputed || computed&uacPasswordExpired != 0):
		list = append(list, Status{Reason: sdk.ReasonPasswordMustChange, Detail: "pwdLastSet", Changeable: true})
	case flags&uacPasswordExpired != 0:
		list = append(list, Status{Reason: sdk.ReasonPasswordExpired, Detail: "msDS-User-Account-Control-Computed", Changeable: true})
	}
	expires, _ := filetime(e, "msDS-UserPasswordExpiryTimeComputed")
	return append(list, Status{PasswordExpires: expires})
}

// filetime reads a number of 100-nanosecond intervals since 1601. 0 and the largest number
// mean never.
func filetime(e directory.Entry, name string) (time.Time, bool) {
	const never, epoch = 1<<63 - 1, 11644473600 // seconds from 1601 to 1970
	n, ok := e.Number(name)
	if !ok || n <= 0 || n == never {
		return time.Time{}, false
	}
	return time.Unix(n/1e7-epoch, n%1e7*100).UTC(), true
}

func filetimePassed(e directory.Entry, name string, now time.Time) bool {
	at, ok := filetime(e, name)
	return ok && !now.Before(at)
}

// LogonNameFilter returns a filter that finds the entry of a bind name other than a DN.
// Active Directory also accepts user@domain and DOMAIN\user (MS-ADTS section 5.1.1.1.1).
func LogonNameFilter(name string) (filter string, ok bool) {
	if _, err := ldap.ParseDN(name); err == nil {
		return "", false
	}
	if _, user, ok := strings.Cut(name, `\`); ok {
		return "(sAMAccountName=" + ldap.EscapeFilter(user) + ")", true
	}
	return "(userPrincipalName=" + ldap.EscapeFilter(name) + ")", true
}

// PrimaryGroupSID is the SID of the primary group: the SID of the domain with the number of
// the group (MS-ADTS section 3.1.1.4.5.4). The group does not list its members.
func PrimaryGroupSID(e directory.Entry) ([]byte, bool) {
	sids := e.Raw("objectSid")
	number, err := strconv.ParseUint(e.Text("primaryGroupID"), 10, 32)
	if err != nil || len(sids) != 1 || len(sids[0]) < 12 || len(sids[0]) != 8+4*int(sids[0][1]) {
		return nil, false
	}
	domain := sids[0][:len(sids[0])-4]
	return binary.LittleEndian.AppendUint32(append([]byte(nil), domain...), uint32(number)), true
}
