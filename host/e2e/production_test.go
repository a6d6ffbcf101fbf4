package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The figures in docs/production.md are those of the source.
func TestProductionPageIsTrue(t *testing.T) {
	page := source(t, "docs/production.md")
	const server, second = "host/internal/web/server.go", ` (\d+) \* time\.Second`
	for _, fact := range []struct{ file, figure, said string }{
		{server, `writeTimeout +=` + second, "| %s s at most |"},
		{server, `idleTimeout +=` + second, "| closed after %s s |"},
		{server, `shutdownTimeout +=` + second, "Requests under way have %s s to finish."},
		{server, `maxHeader += (\d+) << 10`, "| %s KB | nginx `large_client_header_buffers`"},
		{"host/internal/config/settings.go", `"shutdown_delay" default:"(\d+)s"`, "for `SHUTDOWN_DELAY` (%s s)"},
		{"host/internal/provider/limits.go", `first:` + second, "or %s s after the start"},
	} {
		if want := fmt.Sprintf(fact.said, figure(t, source(t, fact.file), fact.figure)); !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	longest := number(t, source(t, server), `writeTimeout +=`+second)
	for _, timeout := range []string{"proxy_read_timeout", "timeout server", "response_header_timeout"} {
		if got := number(t, page, timeout+` (\d+)s`); got <= longest {
			t.Errorf("%s is %d s, and the host answers within %d", timeout, got, longest)
		}
	}
	idle := number(t, source(t, server), `idleTimeout +=`+second)
	for _, timeout := range []string{"keepalive_timeout", "keepalive"} {
		if got := number(t, page, timeout+` (\d+)s`); got >= idle {
			t.Errorf("%s is %d s, and the host closes connections after %d", timeout, got, idle)
		}
	}
}

func source(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository(t), path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// figure is the text that the first group of the expression matches.
func figure(t *testing.T, text, expression string) string {
	t.Helper()
	found := regexp.MustCompile(expression).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("there is no %s", expression)
	}
	return found[1]
}

func number(t *testing.T, text, expression string) int {
	t.Helper()
	n, err := strconv.Atoi(figure(t, text, expression))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
