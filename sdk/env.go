package sdk

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Env is everything that a mechanism gets from the host when its provider is opened.
type Env struct {
	// Provider is the name that the operator gave the provider.
	Provider string

	// CallbackURL is where the provider sends the browser back to:
	// redirect_uri, assertion consumer service URL.
	CallbackURL string

	// MetadataURL is where the host serves the mechanism's metadata, if it has any.
	// LogoutURL is where the provider's logout messages arrive.
	MetadataURL string
	LogoutURL   string

	// Host describes the host that runs the plugin. A mechanism can ask which
	// features it has, and adapt to a missing one.
	Host Host

	// Logger goes to the host's log. Never log a secret.
	Logger *slog.Logger

	// Now is the clock.
	Now func() time.Time

	// HTTPClient makes a client for requests to the provider, with the settings of
	// this provider (the zero HTTPSettings for the defaults). The client refuses
	// plain http except to loopback, does not follow redirects, and limits time and
	// size. It uses the proxy that the operator configured, and does not connect to
	// denied addresses. Make one client in open and keep it: it holds the pool of
	// connections. Mechanisms make no other client.
	HTTPClient func(HTTPSettings) (*http.Client, error)

	// Dial makes every other connection to the provider. It uses the provider's own
	// proxy, if there is one, and does not connect to denied addresses. Connecting is
	// limited in time. Set deadlines for reading and writing yourself.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// TLS makes a TLSClient, which secures connections of Dial, with the settings of
	// this provider (the zero TLSSettings for none). It includes the authorities, the
	// client certificate and the lowest version that the operator configured in the
	// host. Clients of HTTPClient have all this already. The error says which setting
	// is invalid.
	TLS func(TLSSettings) (*TLSClient, error)
}

// HTTPSettings are the settings that an operator can give for requests to one provider.
type HTTPSettings struct {
	// Timeout bounds a whole request, body included. Zero means DefaultTimeout.
	Timeout time.Duration

	// MaxBody bounds a response body in bytes; reading beyond it is an error.
	// Zero means DefaultMaxBody.
	MaxBody int64

	// CA holds PEM certificates to trust in place of the system's. CA, Certificate and
	// Key take precedence over the host's settings.
	CA []byte

	// Certificate and Key are the PEM of a client certificate.
	Certificate []byte
	Key         []byte

	// Names are the operator's names for CA, Certificate and Key, for errors.
	Names TLSNames

	// Header is added to each request. It never replaces a header field of the
	// request.
	Header http.Header
}

// Defaults of HTTPSettings.
const (
	DefaultTimeout = 10 * time.Second
	DefaultMaxBody = 1 << 20
)
