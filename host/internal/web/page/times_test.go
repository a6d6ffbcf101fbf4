package page_test

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// Without scripts people see times in UTC. The script reads the datetime of each.
func TestTimes(t *testing.T) {
	shown := 0
	eachSample(t, func(t *testing.T, root *html.Node) {
		times := all(root, "time")
		shown += len(times)
		for _, n := range times {
			moment, err := time.Parse(time.RFC3339, attribute(n, "datetime"))
			if want := moment.UTC().Format("2 January 2006, 15:04 UTC"); err != nil || text(n) != want {
				t.Errorf("%q for %q: %v", text(n), attribute(n, "datetime"), err)
			}
		}
		scripts := 0
		for _, script := range all(root, "script") {
			if strings.HasPrefix(attribute(script, "src"), base+"/assets/times-") && has(script, "defer") {
				scripts++
			}
		}
		if scripts > 1 || len(times) > 0 && scripts == 0 {
			t.Errorf("%d times, and the script of times %d times", len(times), scripts)
		}
	})
	if shown < 8 {
		t.Errorf("%d times on all pages", shown)
	}
}
