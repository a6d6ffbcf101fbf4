package idtoken

import (
	"fmt"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// CheckSessionID is about sid (Front-Channel Logout 1.0 section 3), by which a provider
// names one session of an end user. The text of the error follows its name.
func CheckSessionID(sid string) error {
	if len(sid) > sdk.MaxAttribute {
		return fmt.Errorf("has %d bytes, at most %d are read", len(sid), sdk.MaxAttribute)
	}
	if !upstream.IsPrintable(sid) {
		return fmt.Errorf("has a character that cannot be shown")
	}
	return nil
}
