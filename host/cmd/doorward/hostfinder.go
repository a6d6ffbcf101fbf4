package main

import (
	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/control"
)

// hostFinder finds the running host for a command. It needs nothing of the configuration but
// the path of the socket.
type hostFinder struct {
	environ []string
	file    string // YAML file of the host
	socket  string // path of the socket; empty: from the configuration
}

func hostFlags(cmd *cobra.Command, environ []string) *hostFinder {
	r := &hostFinder{environ: environ}
	cmd.Flags().StringVarP(&r.file, "config", "c", "", "file that the host was started with (or CONFIG_PATH)")
	cmd.Flags().StringVar(&r.socket, "socket", "", "control socket of the host (or CONTROL_SOCKET, or DB_FILENAME with .sock)")
	return r
}

func (r *hostFinder) client() (*control.Client, error) {
	if r.socket != "" {
		return control.NewClient(r.socket), nil
	}
	in, err := configInput(r.environ, r.file)
	if err != nil {
		return nil, err
	}
	path, err := config.SocketPath(in)
	if err != nil {
		return nil, err
	}
	return control.NewClient(path), nil
}
