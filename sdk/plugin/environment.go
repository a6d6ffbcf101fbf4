package plugin

import (
	"io"
	"log/slog"
	"net/http"
	"time"

	hclog "github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/outbound"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
	"github.com/doorward/doorward/sdk/redact"
)

// environment is what an Env is made of. The zero value is for production.
type environment struct {
	now     func() time.Time
	log     io.Writer
	secrets *redact.Set
}

func (e environment) envFor(req *doorwardv1.OpenRequest, dialer *outbound.Dialer) sdk.Env {
	return sdk.Env{
		Provider:    req.GetProvider(),
		CallbackURL: req.GetCallbackUrl(),
		MetadataURL: req.GetMetadataUrl(),
		LogoutURL:   req.GetLogoutUrl(),
		Logger:      e.logger().With("provider", req.GetProvider()),
		Now:         e.clock(),
		HTTPClient:  func(s sdk.HTTPSettings) (*http.Client, error) { return newHTTPClient(dialer, s) },
		Dial:        dialer.Dial,
		TLS:         dialer.TLS,
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
