package lock

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPresetsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	want := Plugin{
		Mechanism: "oauth2", Name: "doorward-plugin-oauth2", Version: "1", SHA256: digestA,
		Presets: []Preset{{Name: "github", Title: "GitHub", Icon: "branches"}, {Name: "389ds"}},
	}
	if err := Write(path, File{}.With(want)); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if diff := cmp.Diff(File{Plugins: []Plugin{want}}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestBadPresets(t *testing.T) {
	many := make([]Preset, maxPresets+1)
	for i := range many {
		many[i].Name = fmt.Sprintf("p%d", i)
	}
	for name, presets := range map[string][]Preset{
		"name": {{Name: "Git Hub"}}, "empty": {{}}, "title": {{Name: "a", Title: strings.Repeat("x", maxTitle+1)}},
		"control character": {{Name: "a", Icon: "a\nb"}}, "many": many,
	} {
		p := Plugin{Mechanism: "x", Name: "doorward-plugin-x", Version: "1", SHA256: digestA, Presets: presets}
		if err := (File{Plugins: []Plugin{p}}).check(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
