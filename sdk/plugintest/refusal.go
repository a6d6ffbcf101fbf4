package plugintest

import (
	"errors"
	"testing"

	"github.com/doorward/doorward/sdk"
)

// Refused checks that err is an error of that kind, such as [sdk.ErrDenied], with that
// reason.
func Refused(t testing.TB, err, kind error, reason sdk.Reason) {
	t.Helper()
	refusal, ok := errors.AsType[*sdk.Error](err)
	if !ok || !errors.Is(refusal.Kind, kind) || refusal.Reason != reason {
		t.Errorf("error: %v\nwant: %v (%s)", err, kind, reason)
	}
}
