package idtoken

import (
	"fmt"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// CheckSessionID checks sid (Front-Channel Logout 1.0 section 3), with which a provider names
// one session of an end user. The text of the error continues the claim's name.
func CheckSessionID(sid string) error {
	if len(sid) > sdk.MaxAttribute {
		return fmt.Errorf("has %d bytes, at most %d are read", len(sid), sdk.MaxAttribute)
	}
	if !upstream.IsPrintable(sid) {
		return fmt.Errorf("has a character that is not printable")
	}
	return nil
}
