package plugin

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

type withPreset struct {
	Preset string `option:"preset" doc:"a kind"`
}

func TestPresetsOfADescription(t *testing.T) {
	describe := func(presets ...Preset) error {
		_, err := newServer(Description{Mechanism: "x", Presets: presets}, func(context.Context, sdk.Env, withPreset) (sdk.Mechanism, error) { return nil, nil }, environment{})
		return err
	}
	if err := describe(Preset{Name: "github", Title: "GitHub"}, Preset{Name: "389ds"}); err != nil {
		t.Error(err)
	}
	many := make([]Preset, MaxPresets+1)
	for i := range many {
		many[i].Name = fmt.Sprintf("p%d", i)
	}
	for name, presets := range map[string][]Preset{"twice": {{Name: "a"}, {Name: "a"}}, "upper case": {{Name: "GitHub"}}, "empty": {{}}, "many": many} {
		if describe(presets...) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	_, err := newServer(Description{Mechanism: "x", Presets: []Preset{{Name: "a"}}}, func(context.Context, sdk.Env, struct{}) (sdk.Mechanism, error) { return nil, nil }, environment{})
	if err == nil {
		t.Error("presets without an option preset: accepted")
	}
}

// TestHostilePresets: the description of a plugin is bounded and printable.
func TestHostilePresets(t *testing.T) {
	var sent []*doorwardv1.Preset
	for _, p := range []Preset{{Name: "good", Title: "Good", Icon: "key"}, {Name: "good", Title: "Again"}, {Name: "Bad"}, {Name: "a/../b"}, {Name: ""}, {Name: "long", Title: strings.Repeat("x", 500), Icon: "a\nb"}} {
		sent = append(sent, &doorwardv1.Preset{Name: p.Name, Title: p.Title, Icon: p.Icon})
	}
	got := presetsFromWire(sent)
	want := []Preset{{Name: "good", Title: "Good", Icon: "key"}, {Name: "long", Title: strings.Repeat("x", maxTitle) + "…", Icon: "a b"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for i := range 1000 {
		sent = append(sent, &doorwardv1.Preset{Name: fmt.Sprintf("p%d", i)})
	}
	if got := presetsFromWire(sent); len(got) > MaxPresets {
		t.Errorf("%d presets", len(got))
	}
	if diff := cmp.Diff([]Preset{{Name: "a", Title: "A", Icon: "i"}}, presetsFromWire(presetsToWire([]Preset{{Name: "a", Title: "A", Icon: "i"}}))); diff != "" {
		t.Error(diff)
	}
}
