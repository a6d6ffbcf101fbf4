package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// needAxe returns the script of axe-core, which finds accessibility problems of a page.
func needAxe(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(repository(t), "host", "e2e", "axe", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		missing(t, "axe: run npm ci in host/e2e/axe")
	}
	return string(script)
}

// wantAxeClean checks that axe finds no violations of WCAG 2.2, level A or AA, or of its best
// practices.
func (b *tab) wantAxeClean(what string) {
	b.t.Helper()
	script := needAxe(b.t)
	ctx, cancel := context.WithTimeout(b.ctx, tabBound)
	defer cancel()
	const run = `axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
		.then(r => JSON.stringify({passes: r.passes.length, violations: r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.html + " " + n.failureSummary)}))}))`
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script+"; true")); err != nil {
		b.t.Fatalf("loading axe: %v", err)
	}
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](run, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("running axe: %v", err)
	}
	var found struct {
		Passes     int
		Violations []struct {
			ID, Help string
			Nodes    []string
		}
	}
	if err := json.Unmarshal([]byte(text), &found); err != nil || found.Passes < 10 {
		b.t.Fatalf("axe passed %d rules: %v\n%s", found.Passes, err, text)
	}
	for _, v := range found.Violations {
		b.t.Errorf("%s at %s: axe: %s: %s\n%q", what, b.location(), v.ID, v.Help, v.Nodes)
	}
}

// inEachLook shows the page in light and dark, on a wide screen and on one of 320 px, takes a
// picture of each, and runs axe. At 320 px, the page must not need horizontal scrolling (WCAG
// 2.2, 1.4.10).
func (b *tab) inEachLook(name string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for width, size := range map[int64]string{1000: "", 320: "-320"} {
			b.do("changing the look", emulate(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
			}), chromedp.EmulateViewport(width, 800))
			b.screenshot(name + "-" + scheme + size)
			b.wantAxeClean(name + ", " + scheme + size)
			if wide := evaluate(b, "String(document.documentElement.scrollWidth > innerWidth)"); wide != "false" {
				b.t.Errorf("%s at %d px: the page is wider than the screen: %s", name, width, wide)
			}
		}
	}
}

func emulate[P any](command cdp.Command[P, cdp.Empty], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// scripts turns scripts on or off. axe needs scripts.
func (b *tab) scripts(run bool) {
	b.t.Helper()
	b.do("switching scripts", emulate(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !run}))
}
