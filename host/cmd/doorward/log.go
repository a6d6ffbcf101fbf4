package main

import (
	"io"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/config"
)

func newLogger(cfg *config.Config, out io.Writer) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Name: "doorward", Level: hclog.LevelFromString(cfg.LogLevel), JSONFormat: cfg.LogStyle == "json", Output: out,
	})
}
