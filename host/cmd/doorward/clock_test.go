package main

import (
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/store/sqlite"
)

func TestClocksThatDiffer(t *testing.T) {
	for ahead, want := range map[time.Duration]string{
		0: "", 999 * time.Millisecond: "", -999 * time.Millisecond: "",
		30 * time.Second: "this host is 30s ahead of the database", -1500 * time.Millisecond: "this host is 1.5s behind the database",
	} {
		err := clockError(ahead)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", ahead, err, want)
		}
	}
	if tasks := clocksTogether(&sqlite.Alone{}, time.Now); len(tasks) > 0 {
		t.Error("one host has one clock")
	}
}
