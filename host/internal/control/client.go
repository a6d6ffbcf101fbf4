package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"syscall"
)

// Client calls a running host through its socket.
type Client struct {
	path string
	http *http.Client
}

// ErrNotRunning: no host listens on the socket.
var ErrNotRunning = errors.New("no doorward is running here")

// maxAnswer bounds an answer of the host, in bytes.
const maxAnswer = 16 << 20

// NewClient returns a client of the host that listens on the socket.
func NewClient(path string) *Client {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	return &Client{path: path, http: &http.Client{Transport: transport, Timeout: reloadTimeout + readTimeout}}
}

// Plugins reads the status of the plugins into the value that to points to.
func (c *Client) Plugins(ctx context.Context, to any) error {
	return c.call(ctx, http.MethodGet, "/plugins", to)
}

// Reload makes the host reload its configuration, and returns what it did.
func (c *Client) Reload(ctx context.Context, how Reloading) (string, error) {
	var done string
	err := c.call(ctx, http.MethodPost, "/reload?"+how.query().Encode(), &done)
	return done, err
}

// Keys reads the signing keys of the host into the value that to points to.
func (c *Client) Keys(ctx context.Context, to any) error {
	return c.call(ctx, http.MethodGet, "/keys", to)
}

// RotateKeys makes the host create a signing key, as [Ports.RotateKeys] says, and reads
// the result into the value that to points to.
func (c *Client) RotateKeys(ctx context.Context, now bool, to any) error {
	return c.call(ctx, http.MethodPost, "/keys/rotate?"+url.Values{"now": {strconv.FormatBool(now)}}.Encode(), to)
}

// Check makes the host check a provider, or all providers if the name is empty, and
// reads the findings into the value that to points to.
func (c *Client) Check(ctx context.Context, provider string, to any) error {
	return c.call(ctx, http.MethodGet, "/check?"+url.Values{"provider": {provider}}.Encode(), to)
}

// Do sends an administration request. The error is ErrNotRunning if no host runs.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(req)
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return nil, fmt.Errorf("%w: control socket %s: %w; start the host, or set CONTROL_SOCKET as it is set for the host", ErrNotRunning, c.path, op.Err)
	}
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("calling the host: %w; the host was stopping, or another command was using its database: "+
			"check whether anything was done, and run this command again", err)
	}
	if err != nil {
		return nil, fmt.Errorf("calling the host: %w", err)
	}
	return resp, nil
}

func (c *Client) call(ctx context.Context, method, path string, to any) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://doorward"+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("making a request to the host: %w", err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var r reply
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&r); err != nil {
		return fmt.Errorf("reading the answer of the host: %w", err)
	}
	if len(r.Result) > 0 {
		if err := json.Unmarshal(r.Result, to); err != nil {
			return fmt.Errorf("reading the answer of the host: %w", err)
		}
	}
	if r.Error != "" {
		return errors.New(r.Error)
	}
	return nil
}
