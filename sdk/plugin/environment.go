package plugin

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/outbound"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
	"github.com/doorward/doorward/sdk/redact"
)

// environment is what an Env is made of; the zero value is the real thing.
type environment struct {
	now     func() time.Time
	log     io.Writer
	secrets *redact.Set
}

// envFor is the Env of a provider whose connections leave by out.
func (e environment) envFor(req *doorwardv1.OpenRequest, out outbound.Settings) sdk.Env {
	return sdk.Env{
		Provider:    req.GetProvider(),
		CallbackURL: req.GetCallbackUrl(),
		MetadataURL: req.GetMetadataUrl(),
		LogoutURL:   req.GetLogoutUrl(),
		Logger:      e.logger().With("provider", req.GetProvider()),
		Now:         e.clock(),
		HTTPClient:  func(s sdk.HTTPSettings) (*http.Client, error) { return clientFor(s, out) },
		Dial:        dial,
		TLS:         out.TLS,
	}
}

func (e environment) clock() func() time.Time {
	if e.now != nil {
		return e.now
	}
	return time.Now
}

func (e environment) output() io.Writer {
	if e.log != nil {
		return redacting{e.log, e.secrets}
	}
	return redacting{stderr, e.secrets}
}

func (e environment) logger() *slog.Logger {
	return slog.New(&logHandler{logger: logTo(e.output(), hclog.Debug)})
}

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	return dialer.DialContext(ctx, network, address)
}
