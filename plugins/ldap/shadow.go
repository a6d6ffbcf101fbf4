package main

import (
	"time"

	"github.com/doorward/doorward/sdk"
)

// shadowStanding reads the attributes of shadowAccount (RFC 2307 section 5.1, shadow(5)):
// days since 1970.
func shadowStanding(e entry, now time.Time) standing {
	const day = 24 * time.Hour
	today := now.Unix() / int64(day/time.Second)
	if expire, ok := e.number("shadowExpire"); ok && expire >= 0 && today >= expire {
		return standing{reason: sdk.ReasonAccountExpired, detail: "shadowExpire"}
	}
	changed, ok := e.number("shadowLastChange")
	if !ok || changed < 0 {
		return standing{}
	}
	if changed == 0 {
		return standing{reason: sdk.ReasonPasswordMustChange, detail: "shadowLastChange", changeable: true}
	}
	const forever = 99999 // and more: what shadow(5) tools write for no limit
	most, ok := e.number("shadowMax")
	if !ok || most < 0 || most >= forever || changed >= forever {
		return standing{}
	}
	if inactive, ok := e.number("shadowInactive"); ok && inactive >= 0 && inactive < forever && today > changed+most+inactive {
		return standing{reason: sdk.ReasonAccountDisabled, detail: "shadowInactive"}
	}
	if today > changed+most {
		return standing{reason: sdk.ReasonPasswordExpired, detail: "shadowMax", changeable: true}
	}
	return standing{passwordExpires: time.Unix((changed+most+1)*int64(day/time.Second), 0).UTC()}
}
