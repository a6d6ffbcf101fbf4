package sdk

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Env is all that a mechanism gets from the host when its provider is opened.
type Env struct {
	// Provider is the name that the operator gave the provider.
	Provider string

	// CallbackURL is where the provider sends the browser back to:
	// redirect_uri, assertion consumer service URL.
	CallbackURL string

	// MetadataURL and LogoutURL are where our metadata stands and where the
	// provider's logout messages arrive.
	MetadataURL string
	LogoutURL   string

	// Host is what runs the plugin. A mechanism can look what it has, and do
	// without what it lacks.
	Host Host

	// Logger goes to the host's log. Never log a secret.
	Logger *slog.Logger

	// Now is the clock.
	Now func() time.Time

	// HTTPClient makes a client for requests to the provider, with settings of
	// the provider's own (the zero HTTPSettings for the defaults). The client
	// refuses plain http except to loopback, follows no redirect and bounds
	// time and size. It goes through the proxy that the operator has set, and to no
	// address that is denied. Make one at open and keep it: it holds the pool of
	// connections. Mechanisms make no other client.
	HTTPClient func(HTTPSettings) (*http.Client, error)

	// Dial makes every other connection to the provider, through its own proxy if it
	// has one, and to no address that is denied. Connecting is bounded in time; reading
	// and writing are bounded by whoever uses the connection.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// TLS makes what secures a connection of Dial, with settings of the provider's own
	// (the zero TLSSettings for none). Authorities, client certificate and lowest
	// version that the operator has set at the host are in it. HTTPClient has it
	// already. The error says which of the settings is no good.
	TLS func(TLSSettings) (*TLSClient, error)
}

// HTTPSettings are what an operator may set for the requests to one provider.
type HTTPSettings struct {
	// Timeout bounds a whole request, body included. Zero means DefaultTimeout.
	Timeout time.Duration

	// MaxBody bounds a response body in bytes; reading beyond it is an error.
	// Zero means DefaultMaxBody.
	MaxBody int64

	// CA holds PEM certificates to trust in place of the system's. It comes before
	// what the host was told, as Certificate and Key do.
	CA []byte

	// Certificate and Key are the PEM of a client certificate.
	Certificate []byte
	Key         []byte

	// Names are what the operator calls CA, Certificate and Key, for errors.
	Names TLSNames

	// Header is added to each request. It never replaces a field that the
	// request has.
	Header http.Header
}

// Defaults of HTTPSettings.
const (
	DefaultTimeout = 10 * time.Second
	DefaultMaxBody = 1 << 20
)
