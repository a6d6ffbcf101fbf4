package main

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/doorward/doorward/sdk"
)

// subCodes are system error codes in hexadecimal (MS-ERREF section 2.2). 525 (no such
// user) and 52e (wrong password) are missing on purpose: both are bad credentials.
var subCodes = map[string]standing{
	"52f": {reason: sdk.ReasonNotAllowed, detail: "an account restriction"},
	"530": {reason: sdk.ReasonLogonNotPermitted, detail: "not at this time"},
	"531": {reason: sdk.ReasonLogonNotPermitted, detail: "not from this machine: put the domain controller into userWorkstations"},
	"532": {reason: sdk.ReasonPasswordExpired, detail: "the password has expired", changeable: true},
	"533": {reason: sdk.ReasonAccountDisabled, detail: "the account is disabled"},
	"701": {reason: sdk.ReasonAccountExpired, detail: "the account has expired"},
	"773": {reason: sdk.ReasonPasswordMustChange, detail: "the password must be changed", changeable: true},
	"775": {reason: sdk.ReasonAccountLocked, detail: "the account is locked", unproven: true},
}

// Flags of userAccountControl and msDS-User-Account-Control-Computed (MS-ADTS
// sections 2.2.16 and 3.1.1.4.5.17).
const (
	uacDisabled        = 0x2
	uacLocked          = 0x10
	uacNeverExpires    = 0x10000
	uacPasswordExpired = 0x800000
)

// activeDirectoryStanding reads the attributes of Active Directory.
func activeDirectoryStanding(e entry, now time.Time) standing {
	control, _ := e.number("userAccountControl")
	computed, hasComputed := e.number("msDS-User-Account-Control-Computed")
	flags := control | computed
	changed, hasChanged := e.number("pwdLastSet")
	switch {
	case flags&uacDisabled != 0:
		return standing{reason: sdk.ReasonAccountDisabled, detail: "userAccountControl"}
	case flags&uacLocked != 0:
		return standing{reason: sdk.ReasonAccountLocked, detail: "msDS-User-Account-Control-Computed"}
	case filetimePassed(e, "accountExpires", now):
		return standing{reason: sdk.ReasonAccountExpired, detail: "accountExpires"}
	case hasChanged && changed == 0 && control&uacNeverExpires == 0 && (!hasComputed || computed&uacPasswordExpired != 0):
		return standing{reason: sdk.ReasonPasswordMustChange, detail: "pwdLastSet", changeable: true}
	case flags&uacPasswordExpired != 0:
		return standing{reason: sdk.ReasonPasswordExpired, detail: "msDS-User-Account-Control-Computed", changeable: true}
	}
	expires, _ := filetime(e, "msDS-UserPasswordExpiryTimeComputed")
	return standing{passwordExpires: expires}
}

// filetime reads 100-nanosecond steps since 1601. 0 and the largest number mean never.
func filetime(e entry, name string) (time.Time, bool) {
	const never, epoch = 1<<63 - 1, 11644473600 // seconds from 1601 to 1970
	n, ok := e.number(name)
	if !ok || n <= 0 || n == never {
		return time.Time{}, false
	}
	return time.Unix(n/1e7-epoch, n%1e7*100).UTC(), true
}

func filetimePassed(e entry, name string, now time.Time) bool {
	at, ok := filetime(e, name)
	return ok && !now.Before(at)
}

// primaryGroupSID is the SID of the primary group: that of the domain with the number
// of the group (MS-ADTS section 3.1.1.4.5.4). It lists no members.
func primaryGroupSID(e entry) ([]byte, bool) {
	sids := e.raw("objectSid")
	number, err := strconv.ParseUint(e.text("primaryGroupID"), 10, 32)
	if err != nil || len(sids) != 1 || len(sids[0]) < 12 || len(sids[0]) != 8+4*int(sids[0][1]) {
		return nil, false
	}
	domain := sids[0][:len(sids[0])-4]
	return binary.LittleEndian.AppendUint32(append([]byte(nil), domain...), uint32(number)), true
}
