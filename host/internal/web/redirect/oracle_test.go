package redirect_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/web/redirect"
)

// oracle is testdata/oracle.json, which testdata/oracle.mjs made.
type oracle struct {
	PublicURL string
	AllowList []string
	Cases     []oracleCase
}

type oracleCase struct {
	Raw      string
	Directus *string // what Directus answers; nil: it refuses
	Lands    *string // the origin at which a browser ends, nil: nowhere
}

func (c *oracleCase) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&c.Raw, &c.Directus, &c.Lands})
}

func readOracle(t testing.TB) oracle {
	t.Helper()
	content, err := os.ReadFile("testdata/oracle.json")
	if err != nil {
		t.Fatal(err)
	}
	var o oracle
	if err := json.Unmarshal(content, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// Origins of the public URL and the allow list of the oracle, as a browser
// writes them.
var allowedOrigins = []string{
	"https://sso.example", "https://app.example", "https://app.example:8443", "http://127.0.0.1:3000", "https://xn--bcher-kva.example",
}

// hardenings explain why a target is refused that Directus allows. They are written
// independently of the code that they check.
var hardenings = []struct {
	row     string
	applies func(cleaned string, c oracleCase) bool
}{
	{"B02 encoded control character in the path", func(_ string, c oracleCase) bool {
		path, _, _ := strings.Cut(strings.SplitN(*c.Directus, "#", 2)[0], "?")
		return regexp.MustCompile(`(?i)%(25)*([01][0-9a-f]|7f)`).MatchString(path)
	}},
	{"B03-B08 authority not written plainly", func(cleaned string, _ oracleCase) bool {
		hasScheme := regexp.MustCompile(`(?i)^https?:`).MatchString(cleaned)
		cleaned = strings.ReplaceAll(cleaned, "ſ", "%C5%BF") // which (?i) takes for an s
		plain := regexp.MustCompile(`(?i)^(https://(sso|app)\.example(:443|:8443)?|http://127\.0\.0\.1:3000|https://xn--bcher-kva\.example)([/?#]|$)`)
		return hasScheme && !plain.MatchString(cleaned)
	}},
	{"B07 path that lands elsewhere", func(_ string, c oracleCase) bool {
		return c.Lands == nil || !slices.Contains(allowedOrigins, *c.Lands)
	}},
	{"B07 path that may be read as the name of a host", func(_ string, c oracleCase) bool {
		return regexp.MustCompile(`(?i)^/((%20|\.|%2e)*(;[^/]*)?/)+`).MatchString(*c.Directus)
	}},
}

func TestOracle(t *testing.T) {
	o := readOracle(t)
	if len(o.Cases) < 400 {
		t.Fatalf("B11 wants at least 400 cases, there are %d", len(o.Cases))
	}
	r := rules(t, o.PublicURL, o.AllowList...)
	used := map[string]int{}
	for _, c := range o.Cases {
		got, err := r.Resolve(c.Raw)
		switch {
		case err != nil:
			used[explainRefusal(t, c, err)]++
		case c.Directus == nil:
			t.Errorf("B11 Resolve(%q) = %q, Directus refuses", c.Raw, got)
		case got == *c.Directus:
			used["same answer"]++
			if c.Lands == nil || !slices.Contains(allowedOrigins, *c.Lands) {
				t.Errorf("B11 Resolve(%q) = %q, a browser ends elsewhere", c.Raw, got)
			}
		case got == redirect.Home && regexp.MustCompile(`(?i)login`).MatchString(*c.Directus):
			used["B09 loop"]++
		default:
			t.Errorf("B11 Resolve(%q) = %q, want %q", c.Raw, got, *c.Directus)
		}
	}
	t.Logf("%d cases: %v", len(o.Cases), used)
	for _, want := range []string{"same answer", "refused by both", "B09 loop", hardenings[0].row, hardenings[1].row, hardenings[2].row, hardenings[3].row} {
		if used[want] == 0 {
			t.Errorf("no case for %q", want)
		}
	}
}

func explainRefusal(t *testing.T, c oracleCase, err error) string {
	t.Helper()
	if c.Directus == nil {
		return "refused by both"
	}
	cleaned := strings.TrimFunc(regexp.MustCompile(`[\t\r\n]`).ReplaceAllString(c.Raw, ""), func(r rune) bool { return r <= ' ' })
	for _, h := range hardenings {
		if h.applies(cleaned, c) {
			return h.row
		}
	}
	t.Errorf("B11 Resolve(%q): %v, but Directus answers %q and nothing explains it", c.Raw, err, *c.Directus)
	return "unexplained"
}

// TestOracleIsCurrent runs Node again, so that neither the stored answers nor the script
// can become outdated.
func TestOracleIsCurrent(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("node is not on the PATH: install Node 20 or later")
		}
		t.Skip("node is not on the PATH")
	}
	live, err := exec.CommandContext(t.Context(), node, "testdata/oracle.mjs").Output()
	if err != nil {
		t.Fatal(err)
	}
	frozen, err := os.ReadFile("testdata/oracle.json")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(live, frozen) {
		return
	}
	liveLines, frozenLines := bytes.Split(live, []byte("\n")), bytes.Split(frozen, []byte("\n"))
	for i := range min(len(liveLines), len(frozenLines)) {
		if !bytes.Equal(liveLines[i], frozenLines[i]) {
			t.Errorf("line %d: node says %s, oracle.json %s", i+1, liveLines[i], frozenLines[i])
		}
	}
	t.Error("run: node testdata/oracle.mjs > testdata/oracle.json, and read the difference")
}

// FuzzResolve checks accepted targets against a second model of a browser, which only knows
// bytes, and against a third, net/url.
func FuzzResolve(f *testing.F) {
	for _, c := range readOracle(f).Cases {
		f.Add(c.Raw)
	}
	public := "https://sso.example/base/"
	one := rules(f, public, "https://app.example/cb", "https://app.example:8443/cb", "http://127.0.0.1:3000/done", "https://bücher.example/")
	many, err := one.WithPublicURLs([]string{"https://app.example:8443/sso", "http://127.0.0.1:3000"})
	if err != nil {
		f.Fatal(err)
	}
	base, err := url.Parse(public)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		target, err := many.Resolve(raw)
		if err != nil {
			return
		}
		if !staysByBytes(target) {
			t.Errorf("Resolve(%q) = %q, which leaves", raw, target)
		}
		// net/url requires each percent sign to encode something; browsers do not.
		u, err := base.Parse(strings.ReplaceAll(target, "%", "%25"))
		if err != nil || u.User != nil || !slices.Contains(allowedOrigins, u.Scheme+"://"+u.Host) {
			t.Errorf("Resolve(%q) = %q, which net/url takes to %v (%v)", raw, target, u, err)
		}
		if alone, err := one.Resolve(raw); err == nil && alone != target && target != redirect.Home {
			t.Errorf("Resolve(%q) = %q, and with more public URLs %q", raw, alone, target)
		}
		if again, err := many.Resolve(target); err != nil || again != target {
			t.Errorf("Resolve(%q) = %q, and that again %q (%v)", raw, target, again, err)
		}
	})
}

// staysByBytes accepts two forms of target: one slash and something that a browser cannot
// take for a second one, or an allowed origin and its end.
func staysByBytes(target string) bool {
	if len(target) > redirect.MaxSize || regexp.MustCompile(`[^!-~]`).MatchString(target) {
		return false
	}
	if regexp.MustCompile(`^/([^/\\]|$)`).MatchString(target) {
		return true
	}
	return slices.ContainsFunc(allowedOrigins, func(origin string) bool {
		rest, ok := strings.CutPrefix(target, origin)
		return ok && strings.HasPrefix(rest, "/")
	})
}
