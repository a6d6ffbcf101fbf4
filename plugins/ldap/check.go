package main

import (
	"context"

	"github.com/doorward/doorward/sdk"
)

// Check looks at everything that a login will need.
func (m *mechanism) Check(ctx context.Context) ([]sdk.Finding, error) {
	return nil, nil
}
