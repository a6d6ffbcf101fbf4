// Package par pushes authorization requests (RFC 9126): the provider gets the parameters
// directly, and the browser carries only a reference to them.
package par

import (
	"context"
	"net/http"
	"net/url"
	"regexp"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// The reasons of refused requests. If the response has an error code of OAuth, that is the
// reason.
const (
	ReasonUnreachable sdk.Reason = "par_unreachable"
	ReasonStatus      sdk.Reason = "par_status"
	ReasonMalformed   sdk.Reason = "par_malformed"
)

// referenceText is the form of a request_uri: an absolute URI, which nobody fetches (RFC
// 9126 section 2.2).
var referenceText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$`)

// maxReference bounds a request_uri in bytes.
const maxReference = 2 << 10

// Push posts the parameters and returns the request_uri. The form or the header must
// authenticate the client.
func Push(ctx context.Context, client *http.Client, endpoint string, form url.Values, header http.Header) (string, error) {
	header = header.Clone()
	header.Set("Accept", "application/json")
	answer, err := upstream.PostForm(ctx, client, endpoint, form, header)
	if err != nil {
		return "", upstream.Unreachable(ReasonUnreachable, "pushing the authorization request", err)
	}
	return read(answer)
}

// read reads the response (RFC 9126 sections 2.2 and 2.3). The status must be 201; some
// servers send 200.
func read(answer upstream.Answer) (string, error) {
	object, err := claims.DecodeFor(answer.JSON(), "request_uri", "error", "error_description")
	if err == nil && codeflow.HasError(object) {
		return "", refusal(answer.Status, object)
	}
	switch {
	case answer.Status == http.StatusCreated, answer.Status == http.StatusOK:
	case answer.Status < 300 || answer.Passing():
		return "", sdk.Unavailable(ReasonStatus, "the endpoint for pushed authorization requests %s", answer.Problem())
	default:
		return "", sdk.Misconfigured(ReasonStatus, "the endpoint for pushed authorization requests %s", answer.Problem())
	}
	if err != nil {
		return "", sdk.InvalidResponse(ReasonMalformed, "the response to a pushed authorization request: %w", err)
	}
	reference, err := object.String("request_uri")
	if err != nil || len(reference) > maxReference || !referenceText.MatchString(reference) {
		return "", sdk.InvalidResponse(ReasonMalformed, "the response to a pushed authorization request has no usable request_uri")
	}
	return reference, nil
}

// refusal reads an error like one of the token endpoint.
func refusal(status int, object claims.Object) error {
	code, _ := object.String("error")
	description, _ := object.String("error_description")
	text := codeflow.Describe(code, description)
	reason := sdk.Reason(code)
	if !codeflow.IsErrorCode(code) {
		reason = codeflow.ReasonUnknownError
	}
	if (upstream.Answer{Status: status}).Passing() || code == "server_error" || code == "temporarily_unavailable" {
		return sdk.Unavailable(reason, "pushing the authorization request: %s", text)
	}
	return sdk.Misconfigured(reason, "pushing the authorization request: %s: compare the client's registration at the provider with the options", text)
}
