package provider

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// wantAsBefore checks that a trial has left nothing behind.
func (h host) wantAsBefore(t *testing.T, before []Plugin, providers []sso.Provider) {
	t.Helper()
	if diff := cmp.Diff(providers, h.List()); diff != "" {
		t.Errorf("providers after a trial (-before +after):\n%s", diff)
	}
	after := h.Plugins()
	if len(after) != len(before) {
		t.Fatalf("%d plugins after a trial, %d before", len(after), len(before))
	}
	for i := range after {
		if after[i].PID != before[i].PID || after[i].Swaps != before[i].Swaps || len(after[i].Providers) != len(before[i].Providers) {
			t.Errorf("after a trial: %+v, before: %+v", after[i], before[i])
		}
	}
	if folders, _ := filepath.Glob(filepath.Join(h.runtime.path, "plugin*")); len(folders) != len(after) {
		t.Errorf("%d processes are left, want %d", len(folders), len(after))
	}
}

func TestPlan(t *testing.T) {
	b := binaries(t, "fake", "other")
	stays, changes, goes := configured("fake", "stays"), configured("fake", "changes"), configured("fake", "goes")
	h := startHost(t, Config{Binaries: b, Providers: []Configured{stays, changes, goes}})
	before, list := h.Plugins(), h.List()
	for name, c := range map[string]struct {
		configured []Configured
		want       Reloaded
		failed     []string // parts of what fails
	}{
		"nothing": {configured: []Configured{stays, changes, goes}},
		"everything": {
			configured: []Configured{stays, configured("fake", "changes", "number", 7), configured("other", "comes")},
			want:       Reloaded{Added: []string{"comes"}, Changed: []string{"changes"}, Removed: []string{"goes"}, Started: []string{"other"}},
		},
		"bad options": {
			configured: []Configured{stays, configured("fake", "changes", "number", "many"), goes, configured("fake", "comes", "nubmer", 1)},
			want:       Reloaded{Added: []string{"comes"}, Changed: []string{"changes"}},
			failed:     []string{"AUTH_CHANGES_NUMBER", "AUTH_COMES_NUBMER"},
		},
		"a driver that is not there": {
			configured: []Configured{stays, changes, goes, configured("none", "comes")},
			want:       Reloaded{Added: []string{"comes"}},
			failed:     []string{"plugin none: ", `provider comes: provider "comes": `},
		},
		"all removed": {want: Reloaded{Removed: []string{"changes", "goes", "stays"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := h.Plan(t.Context(), c.configured)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Failed) != len(c.failed) {
				t.Errorf("what would fail: %q, want %q", got.Failed, c.failed)
			}
			for i, failed := range got.Failed {
				if i < len(c.failed) && !strings.Contains(failed, c.failed[i]) {
					t.Errorf("what would fail: %q, want %q", failed, c.failed[i])
				}
			}
			got.Failed = nil
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("what would be done (-want +got):\n%s", diff)
			}
			h.wantAsBefore(t, before, list)
		})
	}
	for _, name := range []string{"stays", "changes", "goes"} {
		h.mustBegin(t, name)
	}
}

// A plugin with another digest is started next to the running one, and ended.
func TestPlanOfAReplacement(t *testing.T) {
	b := binaries(t, "fake")
	h := startHost(t, Config{Binaries: b, Providers: []Configured{configured("fake", "a")}})
	before, list := h.Plugins(), h.List()
	replaceBinary(t, b, "fake", namedPlugin(t, "newer"))
	lockAll(t, b, "fake")
	got, err := h.Plan(t.Context(), []Configured{configured("fake", "a")})
	if want := (Reloaded{Replaced: []string{"fake"}}); err != nil || !cmp.Equal(want, got) {
		t.Errorf("a newer one: %+v, %v", got, err)
	}
	h.wantAsBefore(t, before, list)

	replaceBinary(t, b, "fake", "/bin/false") // ends at once
	lockAll(t, b, "fake")
	got, err = h.Plan(t.Context(), []Configured{configured("fake", "a")})
	if err != nil || len(got.Failed) == 0 || !strings.Contains(got.Failed[0], "plugin fake") {
		t.Errorf("one that does not start: %+v, %v", got, err)
	}
	h.wantAsBefore(t, before, list)
	h.mustBegin(t, "a")
}

func TestCheckConfigured(t *testing.T) {
	stays, goes := configured("fake", "stays", "expires", "2400h"), configured("fake", "goes")
	h := startHost(t, Config{Binaries: binaries(t, "fake", "other"), Providers: []Configured{stays, configured("fake", "changes"), goes}})
	before, list := h.Plugins(), h.List()
	now := []Configured{
		stays, configured("fake", "changes", "expires", "240h"), configured("other", "comes"), configured("fake", "bad", "number", "many"),
	}
	all, err := h.CheckConfigured(t.Context(), now, "")
	if err != nil || len(all) != 5 {
		t.Fatalf("checking all: %+v, %v", all, err)
	}
	for i, want := range []struct {
		provider string
		pending  Pending
		finding  string
	}{
		{"stays", "", "certificate"}, {"changes", PendingChanged, "certificate"}, {"comes", PendingAdded, "provider"},
		{"bad", PendingAdded, "AUTH_BAD_NUMBER"}, {"goes", PendingRemoved, "provider"},
	} {
		got := all[i]
		if got.Provider != want.provider || got.Pending != want.pending || len(got.Findings) == 0 ||
			!strings.Contains(got.Findings[0].Subject+got.Findings[0].Text, want.finding) {
			t.Errorf("checked: %+v, want %+v", got, want)
		}
	}
	if f := all[3].Findings; len(f) != 1 || f[0].Severity != sdk.SeverityError {
		t.Errorf("bad options: %+v", f)
	}
	for i, want := range []string{"stays", "changes", "comes", "", "goes"} {
		if got := all[i].As; got.Name != want || got.MaxInbound == 0 && want != "" {
			t.Errorf("checked as %+v, want %q", got, want)
		}
	}
	// The settings for accounts are shown as they will be, without opening the provider again.
	stays.AllowPublicRegistration = true
	if one, err := h.CheckConfigured(t.Context(), []Configured{stays}, "stays"); err != nil || !one[0].As.AllowPublicRegistration || one[0].Pending != PendingChanged {
		t.Errorf("checking with registration opened: %+v, %v", one, err)
	}
	one, err := h.CheckConfigured(t.Context(), now, "comes")
	if err != nil || len(one) != 1 || one[0].Provider != "comes" {
		t.Errorf("checking one: %+v, %v", one, err)
	}
	if _, err := h.CheckConfigured(t.Context(), now, "nobody"); !errors.Is(err, sso.ErrUnknownProvider) || !strings.Contains(err.Error(), "comes") {
		t.Errorf("checking nobody: %v", err)
	}
	h.wantAsBefore(t, before, list)
}
