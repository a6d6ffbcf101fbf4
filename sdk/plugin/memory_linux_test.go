package plugin_test

import (
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/doorward/doorward/sdk"
)

func init() {
	memoryState = func() string {
		dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		if err != nil {
			return err.Error()
		}
		return strconv.Itoa(dumpable)
	}
}

func TestK11MemoryIsHiddenFromOtherPlugins(t *testing.T) {
	step, err := openProcessOf(t).Begin(t.Context(), sdk.BeginRequest{LoginHint: "memory"})
	if err != nil {
		t.Fatal(err)
	}
	if got := step.(sdk.FormPost).Fields[0].Value; got != "0" {
		t.Errorf("the process may be dumped, and so read, by others of the same user: %s", got)
	}
}
