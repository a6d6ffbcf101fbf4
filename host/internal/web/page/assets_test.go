package page_test

import (
	"bytes"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/web/page"
)

// assetNames returns the names of the assets that a page loads.
func assetNames(t testing.TB, v page.Page) []string {
	t.Helper()
	var names []string
	for _, found := range regexp.MustCompile(`"`+base+`/assets/([^"]+)"`).FindAllSubmatch(render(t, v), -1) {
		names = append(names, string(found[1]))
	}
	return names
}

func assetLike(t testing.TB, prefix string) []byte {
	t.Helper()
	p := newPages(t)
	for _, v := range samples {
		for _, name := range assetNames(t, v) {
			if strings.HasPrefix(name, prefix) {
				content, _, _ := p.Asset(name)
				return content
			}
		}
	}
	t.Fatalf("no page loads %s", prefix)
	return nil
}

func TestAssets(t *testing.T) {
	wanted := map[string]string{
		`^style-[0-9a-f]{16}\.css$`:   "text/css; charset=utf-8",
		`^submit-[0-9a-f]{16}\.js$`:   "text/javascript; charset=utf-8",
		`^times-[0-9a-f]{16}\.js$`:    "text/javascript; charset=utf-8",
		`^favicon-[0-9a-f]{16}\.svg$`: "image/svg+xml",
	}
	p := newPages(t)
	for pattern, wantType := range wanted {
		t.Run(wantType, func(t *testing.T) {
			for _, name := range append(assetNames(t, samples["submit"]), assetNames(t, samples["account"])...) {
				if !regexp.MustCompile(pattern).MatchString(name) {
					continue
				}
				content, contentType, ok := p.Asset(name)
				if !ok || contentType != wantType || len(content) == 0 {
					t.Errorf("Asset(%q): %d bytes, %q, %v", name, len(content), contentType, ok)
				}
				return
			}
			t.Errorf("the page loads nothing like %s", pattern)
		})
	}
	for _, name := range []string{"", "style.css", "style-0000000000000000.css", "../pages.go", "static/style.css", "/"} {
		if content, _, ok := p.Asset(name); ok || content != nil {
			t.Errorf("Asset(%q) exists", name)
		}
	}
}

func TestEveryAssetOfEveryPageIsThere(t *testing.T) {
	p := newPages(t)
	for name, v := range samples {
		for _, a := range assetNames(t, v) {
			if _, _, ok := p.Asset(a); !ok {
				t.Errorf("%s loads %s, which does not exist", name, a)
			}
		}
	}
}

// maxTransfer is the maximum size of a page with its assets, uncompressed, in bytes.
const maxTransfer = 20_000

func TestPagesAreSmall(t *testing.T) {
	p := newPages(t)
	for name, v := range samples {
		total := len(render(t, v))
		for _, a := range assetNames(t, v) {
			content, _, _ := p.Asset(a)
			total += len(content)
		}
		if total > maxTransfer {
			t.Errorf("%s takes %d bytes", name, total)
		}
	}
}

func TestAssetsNeedNothingElse(t *testing.T) {
	for _, prefix := range []string{"style-", "submit-", "times-", "favicon-"} {
		content := bytes.ReplaceAll(assetLike(t, prefix), []byte(`xmlns="http://www.w3.org/2000/svg"`), nil)
		for _, word := range []string{"http:", "https:", "url(", "@import", "eval", "innerHTML", "<script", "<style", "href"} {
			if bytes.Contains(content, []byte(word)) {
				t.Errorf("%s has %q in it", prefix, word)
			}
		}
	}
}

func TestFaviconShowsTheMark(t *testing.T) {
	shapes := regexp.MustCompile(` (d|cx|cy|r)="[^"]+"`)
	header := one(t, parse(t, page.SignIn{}), "header")
	var inPage []string
	for _, n := range append(all(header, "path"), all(header, "circle")...) {
		for _, a := range n.Attr {
			if a.Key != "class" {
				inPage = append(inPage, " "+a.Key+`="`+a.Val+`"`)
			}
		}
	}
	if got, want := strings.Join(inPage, ""), string(bytes.Join(shapes.FindAll(assetLike(t, "favicon-"), -1), nil)); got != want {
		t.Errorf("mark %s, favicon %s", got, want)
	}
}

// TestContrast holds the style sheet to WCAG 2.2 AA in both colour schemes:
// 4.5:1 for text (1.4.3), 3:1 for controls (1.4.11).
func TestContrast(t *testing.T) {
	css := string(assetLike(t, "style-"))
	light, dark, ok := strings.Cut(css, "prefers-color-scheme: dark")
	if !ok {
		t.Fatal("no dark scheme")
	}
	dark, _, _ = strings.Cut(dark, "box-sizing")
	pairs := []struct {
		front, back string
		want        float64
	}{
		{"ink", "card", 4.5}, {"ink", "paper", 4.5}, {"ink", "glow", 4.5}, {"ink", "tint", 4.5}, {"soft", "card", 4.5}, {"soft", "tint", 4.5},
		{"accent", "card", 4.5}, {"accent-strong", "card", 4.5}, {"on-accent", "accent", 4.5}, {"on-accent", "accent-strong", 4.5}, {"bad", "bad-tint", 4.5},
		{"edge", "card", 3}, {"focus", "card", 3}, {"focus", "paper", 3}, {"accent", "tint", 3}, {"frame", "paper", 3},
	}
	for scheme, rules := range map[string]string{"light": light, "dark": dark} {
		colours := map[string]float64{}
		for _, found := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(rules, -1) {
			colours[found[1]] = luminance(t, found[2])
		}
		for _, pair := range pairs {
			if got := contrast(colours, pair.front, pair.back); got < pair.want {
				t.Errorf("%s: %s on %s is %.2f:1, want %.1f:1", scheme, pair.front, pair.back, got, pair.want)
			}
		}
	}
	tones := regexp.MustCompile(`\.tone-\d { background: #([0-9a-f]{6}); }`).FindAllStringSubmatch(css, -1)
	if len(tones) != 7 {
		t.Errorf("%d tones of monograms, want 7", len(tones))
	}
	for _, tone := range tones {
		if got := 1.05 / (luminance(t, tone[1]) + 0.05); got < 4.5 {
			t.Errorf("white on %s is %.2f:1", tone[0], got)
		}
	}
}

func contrast(colours map[string]float64, front, back string) float64 {
	f, okFront := colours[front]
	b, okBack := colours[back]
	if !okFront || !okBack {
		return 0
	}
	return (max(f, b) + 0.05) / (min(f, b) + 0.05)
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	rgb, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
		c := float64(rgb>>(8*i)&0xff) / 255
		if c <= 0.04045 {
			sum += weight * c / 12.92
		} else {
			sum += weight * math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return sum
}
