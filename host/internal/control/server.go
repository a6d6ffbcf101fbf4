package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Ports is what an operator can do with a host.
type Ports struct {
	// Plugins returns the status of the plugins, to be encoded as JSON.
	Plugins func() any

	// Reload reloads the configuration and says what it did.
	Reload func(ctx context.Context, how Reloading) (string, error)

	// Check checks a provider as it is configured now, or all providers if the name is
	// empty.
	Check func(ctx context.Context, provider string) (any, error)

	// Keys returns the signing keys, to be encoded as JSON.
	Keys func(ctx context.Context) (any, error)

	// RotateKeys makes a signing key. If now is true, it signs at once and replaces all
	// others. The result is to be encoded as JSON.
	RotateKeys func(ctx context.Context, now bool) (any, error)

	// Healthy is false while a plugin or a provider cannot be used.
	Healthy func() bool

	// Metrics serves GET /metrics.
	Metrics http.Handler

	// Administration serves the paths below AdminPrefix on the socket, to the operator.
	Administration http.Handler

	// AdministrationByKey serves all paths of the administration listener. It must
	// require a key for everything.
	AdministrationByKey http.Handler
}

// AdminPrefix is what the paths of the administration begin with.
const AdminPrefix = "/admin/"

// Addresses are the TCP addresses of the listeners in addition to the socket; empty: no
// listener.
type Addresses struct{ Metrics, Admin string }

// Reloading has the options of a reload.
type Reloading struct {
	DryRun bool // say what would be done, and change nothing

	// Force allows the removal of all providers, if none of them is in the
	// configuration any more.
	Force bool
}

func (r Reloading) query() url.Values {
	return url.Values{"dry_run": {strconv.FormatBool(r.DryRun)}, "force": {strconv.FormatBool(r.Force)}}
}

func reloadingOf(query url.Values) Reloading {
	return Reloading{DryRun: query.Get("dry_run") == "true", Force: query.Get("force") == "true"}
}

// A Server serves the socket and the listener until it is closed.
type Server struct {
	servers []*http.Server // the first serves the socket
}

const (
	readTimeout   = 10 * time.Second
	reloadTimeout = 2 * time.Minute // a reload starts plugins and opens providers
)

// ErrInUse: another host listens on the socket, or is starting.
var ErrInUse = errors.New("another doorward is running with this control socket")

// Claimed is a control socket on which this process listens but does not answer yet.
// While it is held, no other host can start with the same socket.
type Claimed struct{ listener net.Listener }

// Claim listens on the unix socket. A socket that a killed host left behind is
// replaced. The error is ErrInUse if another process has it.
func Claim(ctx context.Context, path string) (*Claimed, error) {
	listener, err := listenUnix(ctx, path)
	if err != nil {
		return nil, err
	}
	return &Claimed{listener}, nil
}

// Close gives the socket up. It does nothing once the socket is served.
func (c *Claimed) Close() error {
	if c.listener == nil {
		return nil
	}
	return c.listener.Close()
}

// Serve answers on the socket, and on the addresses.
func (c *Claimed) Serve(ctx context.Context, at Addresses, ports Ports) (*Server, error) {
	s := &Server{}
	s.serve(c.listener, ports.commands())
	c.listener = nil
	for _, one := range []struct {
		address, setting string
		handler          func() http.Handler
	}{{at.Metrics, "METRICS_ADDRESS", ports.monitoring}, {at.Admin, "ADMIN_ADDRESS", ports.byKey}} {
		if one.address == "" {
			continue
		}
		listener, err := Listen(ctx, one.address, one.setting, one.setting)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.serve(listener, one.handler())
	}
	return s, nil
}

func (s *Server) serve(listener net.Listener, handler http.Handler) {
	server := newServer(handler)
	s.servers = append(s.servers, server)
	go func() { _ = server.Serve(listener) }() // ends with Close
}

func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout,
		WriteTimeout: reloadTimeout + readTimeout, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
}

func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	defer lockFolder(ctx, filepath.Dir(path))()
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
	}
	// EAGAIN means a host that is too busy to accept the connection.
	if err == nil || errors.Is(err, syscall.EAGAIN) {
		return nil, fmt.Errorf("%w: %s; it may still be stopping; otherwise stop it, or give this host its own database and CONTROL_SOCKET", ErrInUse, path)
	}
	if info, err := os.Lstat(path); err == nil {
		if info.Mode().Type() != os.ModeSocket {
			return nil, fmt.Errorf("control socket %s: the file is not a socket; set CONTROL_SOCKET to another path", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("removing the control socket of an earlier run: %w", err)
		}
	}
	listener, err := listenPrivately(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("listening on the control socket %s: %w; set CONTROL_SOCKET to a path in a folder that exists and is writable", path, err)
	}
	return listener, nil
}

// Close stops listening. It does not wait for requests in progress.
func (s *Server) Close() error {
	var err error
	for _, server := range s.servers {
		err = errors.Join(err, server.Close())
	}
	return err
}

// commands serves the requests on the socket.
func (p Ports) commands() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(AdminPrefix, p.Administration)
	mux.HandleFunc("GET /plugins", func(w http.ResponseWriter, _ *http.Request) { answer(w, p.Plugins(), nil) })
	mux.HandleFunc("POST /reload", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), reloadTimeout)
		defer cancel()
		done, err := p.Reload(ctx, reloadingOf(r.URL.Query()))
		answer(w, done, err)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) {
		keys, err := p.Keys(r.Context())
		answer(w, keys, err)
	})
	mux.HandleFunc("POST /keys/rotate", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), reloadTimeout)
		defer cancel()
		done, err := p.RotateKeys(ctx, r.URL.Query().Get("now") == "true")
		answer(w, done, err)
	})
	mux.HandleFunc("GET /check", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), reloadTimeout)
		defer cancel()
		findings, err := p.Check(ctx, r.URL.Query().Get("provider"))
		answer(w, findings, err)
	})
	return mux
}

func (p Ports) byKey() http.Handler { return p.AdministrationByKey }

// monitoring serves anyone who can reach the listener: it is read-only.
func (p Ports) monitoring() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.Metrics)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		status := "ok"
		if !p.Healthy() {
			status = "warn"
		}
		w.Header().Set("Content-Type", "application/health+json")
		_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "plugins": p.Plugins()})
	})
	return mux
}

// reply is an answer on the socket.
type reply struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

func answer(w http.ResponseWriter, result any, failed error) {
	w.Header().Set("Content-Type", "application/json")
	data, err := json.Marshal(result)
	if err != nil {
		failed = errors.Join(failed, fmt.Errorf("encoding the answer: %w", err))
	}
	r := reply{Result: data}
	if failed != nil {
		r.Error = failed.Error()
		w.WriteHeader(http.StatusConflict)
	}
	_ = json.NewEncoder(w).Encode(r)
}
