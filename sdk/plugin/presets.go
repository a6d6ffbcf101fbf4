package plugin

import (
	"errors"
	"fmt"
	"regexp"

	"github.com/doorward/doorward/sdk/options"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

// presetName is the form of the names that operators write and that lock files contain.
var presetName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// maxTitle bounds title and icon of a preset, in bytes.
const maxTitle = 64

// checkPresets tells the author about presets that the host would leave out.
func checkPresets(presets []Preset, schema options.Schema) error {
	if len(presets) == 0 {
		return nil
	}
	if _, ok := schema.Lookup("preset"); !ok {
		return errors.New("it has presets, but no option preset")
	}
	if len(presets) > MaxPresets {
		return fmt.Errorf("it has %d presets, at most %d are used", len(presets), MaxPresets)
	}
	seen := map[string]bool{}
	for _, p := range presets {
		if !presetName.MatchString(p.Name) || seen[p.Name] {
			return fmt.Errorf("preset %q occurs twice, or does not consist of lower-case letters, digits and hyphens", p.Name)
		}
		seen[p.Name] = true
	}
	return nil
}

func presetsToWire(presets []Preset) []*doorwardv1.Preset {
	var list []*doorwardv1.Preset
	for _, p := range presets {
		list = append(list, &doorwardv1.Preset{Name: p.Name, Title: p.Title, Icon: p.Icon})
	}
	return list
}

// presetsFromWire leaves out presets with a name that no operator could write, and
// duplicates.
func presetsFromWire(presets []*doorwardv1.Preset) []Preset {
	var list []Preset
	seen := map[string]bool{}
	for _, p := range presets[:min(len(presets), MaxPresets)] {
		if !presetName.MatchString(p.GetName()) || seen[p.GetName()] {
			continue
		}
		seen[p.GetName()] = true
		list = append(list, Preset{Name: p.GetName(), Title: printable(p.GetTitle(), maxTitle), Icon: printable(p.GetIcon(), maxTitle)})
	}
	return list
}
