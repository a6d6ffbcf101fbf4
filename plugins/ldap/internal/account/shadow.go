package account

import (
	"time"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/sdk"
)

// shadowStanding reads the attributes of shadowAccount (RFC 2307 section 5.1, shadow(5)):
// days since 1970.
func shadowStanding(e directory.Entry, now time.Time) Standing {
	const day = 24 * time.Hour
	today := now.Unix() / int64(day/time.Second)
	if expire, ok := e.Number("shadowExpire"); ok && expire >= 0 && today >= expire {
		return Standing{Reason: sdk.ReasonAccountExpired, Detail: "shadowExpire"}
	}
	changed, ok := e.Number("shadowLastChange")
	if !ok || changed < 0 {
		return Standing{}
	}
	if changed == 0 {
		return Standing{Reason: sdk.ReasonPasswordMustChange, Detail: "shadowLastChange", Changeable: true}
	}
	const forever = 99999 // and more: what shadow(5) tools write for no limit
	most, ok := e.Number("shadowMax")
	if !ok || most < 0 || most >= forever || changed >= forever {
		return Standing{}
	}
	if inactive, ok := e.Number("shadowInactive"); ok && inactive >= 0 && inactive < forever && today > changed+most+inactive {
		return Standing{Reason: sdk.ReasonAccountDisabled, Detail: "shadowInactive"}
	}
	if today > changed+most {
		return Standing{Reason: sdk.ReasonPasswordExpired, Detail: "shadowMax", Changeable: true}
	}
	return Standing{PasswordExpires: time.Unix((changed+most+1)*int64(day/time.Second), 0).UTC()}
}
