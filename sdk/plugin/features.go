package plugin

import (
	"fmt"
	"regexp"

	"github.com/doorward/doorward/sdk"
)

// ReasonFeatures is the reason when a plugin is refused because it requires features that
// the host lacks. It is an sdk.ErrUnavailable, because the provider is not to blame and a
// host of the first version then still serves its other providers.
const ReasonFeatures sdk.Reason = "features"

// maxFeatures bounds the features that one end sends to the other.
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

// maxStateParameters bounds the number of names under which a state can come back.
const maxStateParameters = 4

var parameterName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,31}$`)

// checkStateParameters refuses names that no protocol has.
func checkStateParameters(names []string) error {
	if len(names) > maxStateParameters {
		return fmt.Errorf("%d state parameters, at most %d are allowed", len(names), maxStateParameters)
	}
	for _, name := range names {
		if !parameterName.MatchString(name) {
			return fmt.Errorf("the state parameter %q does not consist of at most 32 letters, digits, dots, hyphens and underscores", printable(name, sdk.MaxOptionName))
		}
	}
	return nil
}
