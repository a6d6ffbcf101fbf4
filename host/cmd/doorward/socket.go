package main

import (
	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/control"
)

// reach is how a command finds the running host. It needs no more of the
// configuration than where the socket is.
type reach struct {
	environ []string
	file    string // YAML file of the host
	socket  string // path of the socket; empty: as the configuration says
}

func reachFlags(cmd *cobra.Command, environ []string) *reach {
	r := &reach{environ: environ}
	cmd.Flags().StringVarP(&r.file, "config", "c", "", "file that the host was started with (or CONFIG_PATH)")
	cmd.Flags().StringVar(&r.socket, "socket", "", "control socket of the host (or CONTROL_SOCKET, or DB_FILENAME and .sock)")
	return r
}

func (r *reach) client() (*control.Client, error) {
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
