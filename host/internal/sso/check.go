package sso

import (
	"errors"
	"fmt"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
)

func fault(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrPluginFault, fmt.Errorf(format, args...))
}

// contractError converts a violation of the contract to the error that it stands for: an
// invalid response of the provider, or a fault of the plugin. All values from a mechanism
// are untrusted and checked here.
func contractError(err error) error {
	if err == nil {
		return nil
	}
	if broken, ok := errors.AsType[*contract.Broken](err); ok && broken.Reason() != "" {
		return sdk.InvalidResponse(broken.Reason(), "%w", err)
	}
	return fault("%w", err)
}

// acceptIdentity returns an identity that is safe for headers, log lines and pages (D05,
// D12), and the names of the attributes that it left out.
func acceptIdentity(identity sdk.Identity, now time.Time) (sdk.Identity, []string, error) {
	identity, warnings := contract.Tidy(identity)
	return identity, warnings, contractError(contract.CheckIdentity(identity, now))
}
