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

// held turns a broken rule of the contract into the refusal that it is: of what
// the provider said, or else a fault of the plugin. What a mechanism returns is
// untrusted: everything of it comes through here.
func held(err error) error {
	if err == nil {
		return nil
	}
	if broken, ok := errors.AsType[*contract.Broken](err); ok && broken.Reason() != "" {
		return sdk.InvalidResponse(broken.Reason(), "%w", err)
	}
	return fault("%w", err)
}

// accept returns an identity as it may go on into headers, log lines and pages
// (D05, D12), with what was left out of it.
func accept(identity sdk.Identity, now time.Time) (sdk.Identity, []string, error) {
	identity, warnings := contract.Tidy(identity)
	return identity, warnings, held(contract.CheckIdentity(identity, now))
}
