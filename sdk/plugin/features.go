package plugin

import (
	"fmt"
	"regexp"

	"github.com/doorward/doorward/sdk"
)

// ReasonFeatures is the reason of the refusal of a plugin that requires what the
// host lacks. No provider is to blame, so that it is an sdk.ErrUnavailable, with
// which a host of the first version serves its other providers.
const ReasonFeatures sdk.Reason = "features"

// maxFeatures bounds the features that one end tells the other.
const maxFeatures = 1000

func featuresToWire(features []sdk.Feature) []string {
	var names []string
	for _, f := range features {
		names = append(names, string(f))
	}
	return names
}

func featuresFromWire(names []string) []sdk.Feature {
	var list []sdk.Feature
	for _, name := range names[:min(len(names), maxFeatures)] {
		list = append(list, sdk.Feature(printable(name, sdk.MaxOptionName)))
	}
	return list
}

// maxStateParameters bounds the names under which a state may come back.
const maxStateParameters = 4

var parameterName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,31}$`)

// checkStateParameters refuses names that no protocol has.
func checkStateParameters(names []string) error {
	if len(names) > maxStateParameters {
		return fmt.Errorf("%d state parameters, at most %d are allowed", len(names), maxStateParameters)
	}
	for _, name := range names {
		if !parameterName.MatchString(name) {
			return fmt.Errorf("the state parameter %q is not made of at most 32 letters, digits, dots, hyphens and underscores", printable(name, sdk.MaxOptionName))
		}
	}
	return nil
}
