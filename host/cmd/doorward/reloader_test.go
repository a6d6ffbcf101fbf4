package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/control"
)

// A file that an editor has just emptied lacks what is required. The text of that
// alone does not tell where it should stand.
func TestReloadThatFailsNamesTheFile(t *testing.T) {
	const file = "/etc/doorward/doorward.yaml"
	var log bytes.Buffer
	r := &reloader{
		load:   func() (*config.Config, error) { return nil, errors.New("SECRET: is required and not set") },
		logger: hclog.New(&hclog.LoggerOptions{Output: &log}),
		last:   &config.Config{Sources: []string{file}},
	}
	for _, how := range []control.Reloading{{}, {DryRun: true}} {
		_, err := r.reload(t.Context(), how)
		if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "SECRET: is required") {
			t.Errorf("%+v: %v", how, err)
		}
	}
	if !strings.Contains(log.String(), file) {
		t.Errorf("the log: %s", log.String())
	}
}
