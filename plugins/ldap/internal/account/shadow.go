package account

import (
	"time"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
)

// shadowStatus reads the attributes of shadowAccount (RFC 2307 section 5.1, shadow(5)), which
// count days since 1970.
func shadowStatus(e directory.Entry, now time.Time) Status {
	const day = 24 * time.Hour
	today := now.Unix() / int64(day/time.Second)
	if expire, ok := e.Number("shadowExpire"); ok && expire >= 0 && today >= expire {
		return Status{Reason: sdk.ReasonAccountExpired, Detail: "shadowExpire"}
	}
	changed, ok := e.Number("shadowLastChange")
	if !ok || changed < 0 {
		return Status{}
	}
	if changed == 0 {
		return Status{Reason: sdk.ReasonPasswordMustChange, Detail: "shadowLastChange", Changeable: true}
	}
	const forever = 99999 // shadow(5) tools write this or more for no limit
	most, ok := e.Number("shadowMax")
	if !ok || most < 0 || most >= forever || changed >= forever {
		return Status{}
	}
	if inactive, ok := e.Number("shadowInactive"); ok && inactive >= 0 && inactive < forever && today > changed+most+inactive {
		return Status{Reason: sdk.ReasonAccountDisabled, Detail: "shadowInactive"}
	}
	if today > changed+most {
		return Status{Reason: sdk.ReasonPasswordExpired, Detail: "shadowMax", Changeable: true}
	}
	return Status{PasswordExpires: time.Unix((changed+most+1)*int64(day/time.Second), 0).UTC()}
}
