package provider

import (
	"context"
	"fmt"
	"os"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/provider/process"
	"github.com/doorward/doorward/sdk/plugin"
)

// Describe starts a binary, asks it what it is, and ends it. The caller closes the
// binary.
func Describe(ctx context.Context, binary *process.Binary, hostVersion string) (plugin.Description, error) {
	p, end, err := startAlone(ctx, binary, hostVersion)
	if err != nil {
		return plugin.Description{}, err
	}
	end()
	return p.Description, nil
}

// startAlone starts a binary for a command, which serves nothing. The error is nil, or
// end need not be called.
func startAlone(ctx context.Context, binary *process.Binary, hostVersion string) (p *process.Process, end func(), err error) {
	dir, err := makeSocketDir("doorward-alone-*")
	if err != nil {
		return nil, nil, fmt.Errorf("making a folder for the sockets of plugins: %w", err)
	}
	p, err = process.Start(ctx, binary, process.Launch{RuntimeDir: dir, Logger: hclog.NewNullLogger(), Limits: process.DefaultLimits, Version: hostVersion})
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, nil, err
	}
	return p, func() { p.Stop(); _ = os.RemoveAll(dir) }, nil
}
