package plugin

import (
	"fmt"
	"testing"
	"time"
)

func TestWarningsAreSaidOnceAnHour(t *testing.T) {
	var s repeats
	now := time.Unix(1_700_000_000, 0)
	if !s.first("a", "x", now) || s.first("a", "x", now.Add(repeatAfter-1)) || !s.first("b", "x", now) || !s.first("a", "y", now) {
		t.Error("a warning is said twice, or kept back")
	}
	if !s.first("a", "x", now.Add(repeatAfter)) || !s.first("b", "x", now.Add(-1)) {
		t.Error("a warning is not repeated after its time, or when the clock was set back")
	}
	for i := range 3 * maxRemembered {
		s.first("flood", fmt.Sprint(i), now)
	}
	if len(s.at) > maxRemembered {
		t.Errorf("%d warnings are remembered", len(s.at))
	}
}
