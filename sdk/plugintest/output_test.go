package plugintest

import (
	"bytes"
	"fmt"
	"testing"
)

func TestOutputEndsWithItsTest(t *testing.T) {
	var log bytes.Buffer
	var o *output
	t.Run("short", func(t *testing.T) {
		o = outputOf(t)
		o.to = &log
		fmt.Fprint(o, "in time")
	})
	n, err := fmt.Fprint(o, "late")
	if n != 4 || err != nil || log.String() != "in time" {
		t.Errorf("got %d, %v, %q", n, err, &log)
	}
}
