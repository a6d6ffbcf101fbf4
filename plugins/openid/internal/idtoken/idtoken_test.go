package idtoken

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/plugintest"
)

// TestMissingTimesAreNamed: an absent time is not treated as one in the year 1.
func TestMissingTimesAreNamed(t *testing.T) {
	now := plugintest.NewClock().Now()
	for _, name := range []string{"exp", "iat"} {
		object := claims.Object{"exp": json.Number("4070908800"), "iat": json.Number("4070908800")}
		delete(object, name)
		if err := checkTimes(object, now); err == nil || !strings.Contains(err.Error(), "no "+name) {
			t.Errorf("F07 F08 without %s: %v", name, err)
		}
	}
}
