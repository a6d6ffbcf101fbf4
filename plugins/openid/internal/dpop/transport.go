package dpop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/doorward/doorward/sdk/claims"
)

// Limits.
const (
	maxRequest = 1 << 20 // bytes of a request that may be sent twice
	maxOrigins = 8       // for which a nonce is remembered
	maxNonce   = 1 << 10
)

// contextKey is for the proof of the requests under a context.
type contextKey struct{}

type proving struct {
	key   Key
	bound bool
	anew  func(body []byte) ([]byte, error) // nil: a body is good twice
}

// WithKey has requests by POST under ctx carry proofs of the key, and where bound says
// that the access token is bound to it, those with that token, too. A zero key changes
// nothing.
func WithKey(ctx context.Context, key Key, bound bool) context.Context {
	if key.IsZero() {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, proving{key: key, bound: bound})
}

// WithAnew says how to write a body anew for the request that has the nonce, under a
// context of [WithKey]: with another assertion of the client's, which is good once.
func WithAnew(ctx context.Context, anew func(body []byte) ([]byte, error)) context.Context {
	p, ok := ctx.Value(contextKey{}).(proving)
	if !ok {
		return ctx
	}
	p.anew = anew
	return context.WithValue(ctx, contextKey{}, p)
}

// Transport adds the proofs that a context asks for. Where the server wants a nonce of
// its own in them (RFC 9449 sections 8 and 9), it sends the request a second time with
// the nonce, once: the first one was refused before anything in it counted.
//
// It remembers the latest nonce of each server, so that the next request has it.
type Transport struct {
	Next http.RoundTripper
	Now  func() time.Time

	mu     sync.Mutex
	nonces map[string]string // by origin
}

// CloseIdleConnections hands on what http.Client asks of a transport.
func (t *Transport) CloseIdleConnections() {
	if next, ok := t.Next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

// RoundTrip sends a request.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	p, ok := req.Context().Value(contextKey{}).(proving)
	token, bearer := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	if !ok || bearer && !p.bound || !bearer && req.Method != http.MethodPost {
		return t.Next.RoundTrip(req)
	}
	if !bearer {
		token = "" // another scheme, by which the client authenticates
	}
	body, err := read(req)
	if err != nil {
		return nil, err
	}
	nonce := t.nonce(req)
	resp, err := t.send(req, p.key, token, nonce, body)
	if err != nil {
		return nil, err
	}
	next := t.wanted(resp, nonce)
	if next == "" {
		return resp, nil
	}
	resp.Body.Close()
	if p.anew != nil {
		if body, err = p.anew(body); err != nil {
			return nil, err
		}
	}
	return t.send(req, p.key, token, next, body)
}

func read(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer req.Body.Close()
	body, err := io.ReadAll(io.LimitReader(req.Body, maxRequest+1))
	if err != nil {
		return nil, fmt.Errorf("making a request with a DPoP proof: %w", err)
	}
	if len(body) > maxRequest {
		return nil, errors.New("making a request with a DPoP proof: it is too large")
	}
	return body, nil
}

func (t *Transport) send(req *http.Request, key Key, token, nonce string, body []byte) (*http.Response, error) {
	target := *req.URL
	target.RawQuery, target.ForceQuery, target.Fragment, target.RawFragment = "", false, "", ""
	proof, err := key.proof(req.Method, target.String(), nonce, token, t.Now())
	if err != nil {
		return nil, err
	}
	out := req.Clone(req.Context())
	out.Header.Set("DPoP", proof)
	if token != "" {
		out.Header.Set("Authorization", "DPoP "+token)
	}
	if body != nil {
		out.Body, out.GetBody = io.NopCloser(bytes.NewReader(body)), nil
		out.ContentLength = int64(len(body))
	}
	resp, err := t.Next.RoundTrip(out)
	if err == nil {
		t.remember(req, resp.Header.Get("DPoP-Nonce"))
	}
	return resp, err
}

// wanted is the nonce that the server wants in place of the one it got. It is empty if
// that is not what the server says.
func (t *Transport) wanted(resp *http.Response, sent string) string {
	nonce := resp.Header.Get("DPoP-Nonce")
	if nonce == sent || !isNonce(nonce) {
		return ""
	}
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		if wantsNonce.MatchString(strings.Join(resp.Header.Values("WWW-Authenticate"), ",")) {
			return nonce
		}
	case http.StatusBadRequest:
	default:
		return ""
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
	object, err := claims.DecodeFor(body, "error")
	if err != nil {
		return ""
	}
	if code, err := object.String("error"); err != nil || code != "use_dpop_nonce" {
		return ""
	}
	return nonce
}

// wantsNonce is the error of RFC 9449 section 9, which may stand behind a challenge of
// another scheme. A token needs no quotes (RFC 9110 section 11.2).
var wantsNonce = regexp.MustCompile(`\berror\s*=\s*"?use_dpop_nonce\b`)

// failing ends a body as it ended before.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// nonceText is 1*NQCHAR (RFC 9449 section 8.1).
var nonceText = regexp.MustCompile(`^[\x21\x23-\x5b\x5d-\x7e]+$`)

func isNonce(text string) bool { return len(text) <= maxNonce && nonceText.MatchString(text) }

func origin(req *http.Request) string { return req.URL.Scheme + "://" + req.URL.Host }

func (t *Transport) nonce(req *http.Request) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.nonces[origin(req)]
}

func (t *Transport) remember(req *http.Request, nonce string) {
	if !isNonce(nonce) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.nonces == nil || len(t.nonces) >= maxOrigins && t.nonces[origin(req)] == "" {
		t.nonces = map[string]string{}
	}
	t.nonces[origin(req)] = nonce
}
