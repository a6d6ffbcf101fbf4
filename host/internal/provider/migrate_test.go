package provider

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

func isolated(c Configured) Configured {
	c.Isolated = true
	return c
}

// TestReloadThatMovesAProvider gives providers to another plugin process.
func TestReloadThatMovesAProvider(t *testing.T) {
	t.Run("logins go on until it is open there", func(t *testing.T) {
		b := binaries(t, "fake", "slow")
		h := startHost(t, Config{Binaries: b, Providers: []Configured{configured("fake", "moves"), configured("fake", "stays")}})
		old := h.mustBegin(t, "moves")
		reloaded := make(chan Reloaded)
		go func() {
			done, _ := h.Reload(t.Context(), []Configured{configured("slow", "moves"), configured("fake", "stays")})
			reloaded <- done
		}()
		awaitFile(t, filepath.Join(b.Dir, "starts"))
		if got := h.mustBegin(t, "moves"); got != old {
			t.Errorf("process %d answers while the other one starts, want %d", got, old)
		}
		touch(t, filepath.Join(b.Dir, "go"))
		if done := <-reloaded; len(done.Failed) > 0 {
			t.Errorf("failed: %q", done.Failed)
		}
		if got := h.mustBegin(t, "moves"); got == old {
			t.Error("it did not move")
		}
		if got := h.plugin(t, "fake").Providers; len(got) != 1 || got[0].Name != "stays" {
			t.Errorf("the plugin that it left has %v", got)
		}
	})
	for name, moved := range map[string]Configured{
		"to a plugin that does not start":     configured("quitter", "moves"),
		"to a plugin that cannot open it":     isolated(configured("fake", "moves", "number", "seven")),
		"to a plugin that has others to open": configured("other", "moves", "number", "seven"),
	} {
		t.Run(name, func(t *testing.T) {
			b := binaries(t, "fake", "other", "quitter")
			before := []Configured{configured("fake", "moves"), configured("fake", "stays"), configured("other", "neighbour")}
			h := startHost(t, Config{Binaries: b, Providers: before})
			old := h.mustBegin(t, "moves")
			done := h.reload(t, moved, before[1], before[2])
			if !strings.Contains(strings.Join(done.Failed, "\n"), "provider moves stays as it was") {
				t.Errorf("failed: %q", done.Failed)
			}
			if got := h.mustBegin(t, "moves"); got != old {
				t.Errorf("process %d answers, want that of before, %d", got, old)
			}
			if got := h.plugin(t, "other").Providers; len(got) != 1 {
				t.Errorf("the plugin to which it did not move has %v", got)
			}
			if p, _ := h.Provider("moves"); p.Driver != "fake" {
				t.Errorf("its driver is %s", p.Driver)
			}
			if done := h.reload(t, before...); !done.Empty() {
				t.Errorf("back to the old configuration: %s", done)
			}
		})
	}
	t.Run("by a reload that is broken off", func(t *testing.T) {
		before := []Configured{isolated(configured("fake", "moves")), configured("fake", "stays")}
		h := startHost(t, Config{Binaries: binaries(t, "fake"), Providers: before})
		old := h.mustBegin(t, "moves")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for {
			if _, err := h.Reload(ctx, []Configured{configured("fake", "moves"), before[1]}); err == nil {
				break // it got past waiting for its turn
			}
		}
		if got := h.mustBegin(t, "moves"); got != old {
			t.Errorf("process %d answers, want that of before, %d", got, old)
		}
	})
}
