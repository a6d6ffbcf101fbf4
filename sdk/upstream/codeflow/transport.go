package codeflow

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// maxRequest bounds the request of x/oauth2, in bytes.
const maxRequest = 1 << 20

// transport sends one token request. It remembers the outcome, because http.Client
// reports a time limit without the errors before it.
type transport struct {
	next   http.RoundTripper
	params url.Values // to add to the request

	sent     bool
	members  claims.Object
	warnings []string
	err      error
}

// RoundTrip sends only the first request, and returns the checked members as JSON.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.sent {
		return nil, errors.New("a second token request")
	}
	t.sent = true
	canonical, err := t.ask(req)
	if err != nil {
		t.err = err
		return nil, err
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(canonical)),
		Body: io.NopCloser(bytes.NewReader(canonical)),
	}, nil
}

func (t *transport) ask(req *http.Request) ([]byte, error) {
	req, err := t.complete(req)
	if err != nil {
		return nil, err
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, upstream.Unreachable(ReasonUnreachable, "asking the token endpoint", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, sdk.Unavailable(ReasonUnreachable, "reading the answer of the token endpoint: %s", upstream.Quoted(err.Error()))
	}
	t.members, t.warnings, err = read(upstream.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, provesPossession(resp))
	if err != nil {
		return nil, err
	}
	return canonical(t.members)
}

// provesPossession reports whether the request had a DPoP proof, which the next transport
// may add. Then the tokens may be bound to its key (RFC 9449 section 5).
func provesPossession(resp *http.Response) bool {
	return resp.Request != nil && resp.Request.Header.Get("DPoP") != ""
}

// complete adds what x/oauth2 cannot add.
func (t *transport) complete(req *http.Request) (*http.Request, error) {
	body, err := io.ReadAll(io.LimitReader(req.Body, maxRequest))
	if err != nil {
		return nil, fmt.Errorf("making the token request: %w", err)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("making the token request: %w", err)
	}
	for name, values := range t.params {
		if !form.Has(name) {
			form[name] = values
		}
	}
	encoded := []byte(form.Encode())
	out := req.Clone(req.Context())
	out.Header.Set("Accept", "application/json")
	out.Body, out.GetBody = io.NopCloser(bytes.NewReader(encoded)), nil // nothing sends it again
	out.ContentLength = int64(len(encoded))
	return out, nil
}
