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
	maxRequest = 1 << 20 // bytes, because a request can be sent twice
	maxOrigins = 8       // for which a nonce is remembered
	maxNonce   = 1 << 10
)

// contextKey is the key of the proofSettings in a context.
type contextKey struct{}

type proofSettings struct {
	key     Key
	bound   bool
	rewrite func(body []byte) ([]byte, error) // nil: the same body is sent again
}

// WithKey adds proofs of the key to POST requests under ctx; and if the access token is bound
// to the key, also to requests with that token. A zero key changes nothing.
func WithKey(ctx context.Context, key Key, bound bool) context.Context {
	if key.IsZero() {
		return ctx
	}
	return context.WithValue(ctx, contextKey{}, proofSettings{key: key, bound: bound})
}

// WithRewrite rewrites the body of a request that is sent again with a nonce, under a context
// of [WithKey]: a client assertion is single-use.
func WithRewrite(ctx context.Context, rewrite func(body []byte) ([]byte, error)) context.Context {
	p, ok := ctx.Value(contextKey{}).(proofSettings)
	if !ok {
		return ctx
	}
	p.rewrite = rewrite
	return context.WithValue(ctx, contextKey{}, p)
}

// Transport adds the proofs of a context of [WithKey]. If the server requires its nonce in
// them (RFC 9449 sections 8 and 9), it sends the request again, once, with the nonce: the
// server refused the first request without processing it.
//
// It remembers the latest nonce of each server for the next request.
type Transport struct {
	Next http.RoundTripper
	Now  func() time.Time

	mu     sync.Mutex
	nonces map[string]string // by origin
}

// CloseIdleConnections closes the idle connections of Next, if it can.
func (t *Transport) CloseIdleConnections() {
	if next, ok := t.Next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

// RoundTrip sends a request.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	p, ok := req.Context().Value(contextKey{}).(proofSettings)
	token, bearer := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	if !ok || bearer && !p.bound || !bearer && req.Method != http.MethodPost {
		return t.Next.RoundTrip(req)
	}
	if !bearer {
		token = "" // another scheme, with which the client authenticates
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
	next := t.requiredNonce(resp, nonce)
	if next == "" {
		return resp, nil
	}
	resp.Body.Close()
	if p.rewrite != nil {
		if body, err = p.rewrite(body); err != nil {
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

// requiredNonce returns the nonce that the server requires in place of the one that was sent,
// or an empty text if the response does not say so.
func (t *Transport) requiredNonce(resp *http.Response, sent string) string {
	nonce := resp.Header.Get("DPoP-Nonce")
	if nonce == sent || !isNonce(nonce) {
		return ""
	}
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		if nonceRequired.MatchString(strings.Join(resp.Header.Values("WWW-Authenticate"), ",")) {
			return nonce
		}
	case http.StatusBadRequest:
	default:
		return ""
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), errorReader{err}))
	object, err := claims.DecodeFor(body, "error")
	if err != nil {
		return ""
	}
	if code, err := object.String("error"); err != nil || code != "use_dpop_nonce" {
		return ""
	}
	return nonce
}

// nonceRequired is the error of RFC 9449 section 9, which can follow a challenge of another
// scheme. A token needs no quotes (RFC 9110 section 11.2).
var nonceRequired = regexp.MustCompile(`\berror\s*=\s*"?use_dpop_nonce\b`)

// errorReader ends a body with the error with which it ended before.
type errorReader struct{ err error }

func (f errorReader) Read([]byte) (int, error) {
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
