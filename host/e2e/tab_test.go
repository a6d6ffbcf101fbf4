package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tabBound is how long a step in the browser may take.
const tabBound = time.Minute

// startBrowser runs Chromium with its own profile until the test ends. It returns the
// context for tabs. Start it after the host: then it is closed before the host stops,
// which would otherwise wait for the spare connections of the browser.
func startBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(needBrowser(t)),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Env("TMPDIR="+t.TempDir()), // it leaves a socket there
		chromedp.NoSandbox,                  // the CI runs as root, for which Chromium has no sandbox
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(1000, 800),
	)
	options = append(options, more...)
	// The context of the test ends before its cleanups, which close the browser.
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(stop)
	browser, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(browser); err != nil {
			t.Errorf("closing the browser: %v", err)
		}
		closeBrowser()
	})
	if err := chromedp.Do(browser, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("starting the browser: %v", err)
	}
	return browser
}

// tab is one tab of the browser, and the problems in it.
type tab struct {
	t   *testing.T
	ctx context.Context

	expected string // part of an error that is not a problem; empty: every error is one

	mu       sync.Mutex
	problems []string
}

// newTab opens a tab. At the end of the test, its console must be free of errors,
// such as those of a content security policy that does not fit its page.
func newTab(t *testing.T, browser context.Context) *tab {
	t.Helper()
	b := &tab{t: t}
	var closeTab context.CancelFunc
	b.ctx, closeTab = chromedp.NewContext(browser, chromedp.WithListener(b.listen))
	// The tab lives as long as the context of its first step, so the first one is not the
	// context of a single step.
	if err := chromedp.Do(b.ctx); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	t.Cleanup(func() {
		closeTab()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, problem := range b.problems {
			if b.expected == "" || !strings.Contains(problem, b.expected) {
				t.Errorf("console of the browser: %s", problem)
			}
		}
	})
	return b
}

// listen records errors. An answer with status 401 is an entry of source network
// and not a problem of a page.
func (b *tab) listen(event any) {
	var problem string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		problem = "exception: " + e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			problem = fmt.Sprintf("console.error: %v", e.Args)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			problem = fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	}
	if problem == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, problem)
}

func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, tabBound)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v, at %s\n%s", what, err, b.location(), b.text())
	}
}

func (b *tab) open(url string) {
	b.t.Helper()
	b.do("opening "+url, chromedp.Navigate(url))
}

// click clicks the element of the CSS selector, as soon as it is visible and the page has
// its styles: before that, the element can move away from the mouse.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.waitFor(selector)
	eventually(b.t, "the page with "+selector+" is complete", func() bool { return evaluate(b, "document.readyState") == "complete" })
	b.do("clicking "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// waitFor waits until the element of the CSS selector is visible.
func (b *tab) waitFor(selector string) {
	b.t.Helper()
	b.do("waiting for "+selector, chromedp.WaitVisible(chromedp.CSS(selector)))
}

func (b *tab) location() string { return evaluate(b, "location.href") }
func (b *tab) text() string     { return evaluate(b, "document.body ? document.body.innerText : ''") }

// evaluate returns the value of an expression, or the error.
func evaluate(b *tab, expression string) string {
	ctx, cancel := context.WithTimeout(b.ctx, tabBound)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		return err.Error()
	}
	return value
}

// wantText checks that the page shows all the texts.
func (b *tab) wantText(texts ...string) {
	b.t.Helper()
	shown := b.text()
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			b.t.Errorf("%s does not show %q:\n%s", b.location(), text, shown)
		}
	}
}

// screenshot saves a picture of the whole page with the artifacts of the test
// (go test -artifacts).
func (b *tab) screenshot(name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, tabBound)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatalf("taking a screenshot: %v", err)
	}
	if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), picture, 0o600); err != nil {
		b.t.Fatal(err)
	}
}
