package provider

import (
	"context"
	"sync/atomic"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/sdk/plugin"
)

// backend is what all calls to one plugin share, whichever process runs it and
// whichever provider they are for. It is used by anybody.
type backend struct {
	name    string // of the mechanism, and of the provider if that is isolated
	limits  limits
	logger  hclog.Logger
	metrics Metrics
	queue   *queue
	prober  *prober

	described atomic.Pointer[plugin.Description] // what the plugin said last, also while it is down; nil: nothing yet
}

// newBackend makes the backend of a plugin that is needed for as long as life.
func newBackend(life context.Context, name string, config Config) *backend {
	return &backend{
		name: name, limits: config.limits, logger: config.Logger, metrics: config.Metrics,
		queue:  newQueue(config.limits.shared),
		prober: &prober{life: life, plugin: name, limits: config.limits, logger: config.Logger},
	}
}
