// Package tokenresponse reads responses of token endpoints, including those that do not
// conform to RFC 6749 section 5, and converts them to the form of that section. A response
// is parsed once, and an ambiguous response is refused.
//
// It accepts JSON and forms with any media type (GitHub sends a form unless the request asks
// for JSON), errors with status 200 (GitHub, Slack) or as an object (Facebook), and scopes as
// a list or separated by commas. Package codeflow reads the lifetime, in any form. It refuses
// HTML, duplicate members, members that differ only in case, and token types other than
// Bearer.
package tokenresponse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/doorward/doorward/plugins/oauth2/internal/fieldpath"
	"github.com/doorward/doorward/plugins/oauth2/internal/profile"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
	"github.com/doorward/doorward/sdk/upstream/codeflow"
)

// Dialect describes how a provider's responses deviate from RFC 6749.
type Dialect struct {
	ErrorWhen   []fieldpath.Rule
	MissingType bool   // a missing token_type means Bearer
	Method      string // client_token_endpoint_auth_method, for error texts

	// CodeRefused are error descriptions that refuse the code or the refresh token, and not
	// the client.
	CodeRefused []string
}

// Answer is a response that grants tokens.
type Answer struct {
	Members claims.Object // in the form of RFC 6749 section 5.1
	Scopes  []string      // nil if the provider does not say
	Odd     error         // why scope cannot be parsed; Scopes is then empty
}

// maxFields limits the fields of a form.
const maxFields = 64

// Read parses a response. Errors have a kind of package sdk.
func (d Dialect) Read(a upstream.Answer) (Answer, error) {
	if a.Redirect() != "" {
		return Answer{}, sdk.InvalidResponse(codeflow.ReasonStatus, "the token endpoint %s", a.Problem())
	}
	object, err := members(a)
	if err != nil {
		return Answer{}, err
	}
	failed, err := d.failed(object)
	switch {
	case err != nil:
		return Answer{}, err
	case failed || !a.Succeeded():
		return Answer{}, d.refusal(a, object)
	}
	if object["access_token"] == nil {
		return Answer{}, sdk.InvalidResponse(codeflow.ReasonMalformed, "the response of the token endpoint has no access_token%s", profile.ErrorText(object))
	}
	answer := Answer{Members: object}
	answer.Scopes, answer.Odd = scopes(object)
	return answer, d.normalize(object)
}

// members parses JSON or a form. The first byte decides, not the media type: WeChat sends
// JSON as text/plain, other providers send a form as text/html.
func members(a upstream.Answer) (claims.Object, error) {
	body := bytes.TrimSpace(a.Body)
	read := form
	if bytes.HasPrefix(body, []byte("{")) {
		read = claims.Decode
	}
	object, err := read(body)
	switch {
	case err == nil:
		return object, nil
	case a.IsHTML() && a.Succeeded():
		return nil, sdk.InvalidResponse(upstream.ReasonHTML, "the token endpoint: %s", a.HTMLText())
	case a.IsHTML():
		return nil, sdk.Unavailable(upstream.ReasonHTML, "the token endpoint: %s", a.HTMLText())
	case !a.Succeeded():
		return nil, sdk.Unavailable(codeflow.ReasonStatus, "the token endpoint %s", a.Problem())
	}
	return nil, sdk.InvalidResponse(codeflow.ReasonMalformed, "the response of the token endpoint, of type %q: %w", upstream.Shown(a.MediaType()), err)
}

// form parses a form as strictly as JSON: each name once, even if the names differ only in
// case.
func form(body []byte) (claims.Object, error) {
	switch {
	case len(body) > claims.MaxBytes:
		return nil, fmt.Errorf("%d bytes, at most %d are read", len(body), claims.MaxBytes)
	case !bytes.Contains(body, []byte("=")) || bytes.ContainsAny(body, " \r\n\t<>{}\""):
		return nil, errors.New("neither JSON nor a form")
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("a malformed form")
	}
	if len(values) > maxFields {
		return nil, fmt.Errorf("a form of more than %d fields", maxFields)
	}
	object, folded := claims.Object{}, map[string]bool{}
	for name, list := range values {
		switch lower := strings.ToLower(name); {
		case len(list) != 1 || folded[lower]:
			return nil, errors.New("a form with a duplicate field")
		case !utf8.ValidString(name) || !utf8.ValidString(list[0]) || strings.ContainsRune(name+list[0], 0):
			return nil, errors.New("a form that is not valid UTF-8 or contains a NUL character")
		default:
			folded[lower] = true
			object[name] = list[0]
		}
	}
	return object, nil
}

// failed reports whether the response is an error. A non-empty member error always makes it
// one. PayPal and others send an empty error with a token.
func (d Dialect) failed(object claims.Object) (bool, error) {
	if object["error"] != nil && object["error"] != "" && object["error"] != false {
		return true, nil
	}
	for _, rule := range d.ErrorWhen {
		failed, err := rule.Holds(map[string]any(object))
		if err != nil {
			return false, sdk.InvalidResponse(codeflow.ReasonMalformed, "the response of the token endpoint: error_when: %w", err)
		}
		if failed {
			return true, nil
		}
	}
	return false, nil
}

// scopes parses scopes in any form. Unreadable scopes count as none granted, which matters
// only with required_scopes.
func scopes(object claims.Object) ([]string, error) {
	written, err := object.Strings("scope")
	if written == nil && err == nil {
		return nil, nil
	}
	list := []string{}
	for _, text := range written {
		list = append(list, strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })...)
	}
	return list, err
}

// normalize converts the members to the form of RFC 6749 section 5.1.
func (d Dialect) normalize(object claims.Object) error {
	if kind := object["token_type"]; (kind == nil || kind == "") && d.MissingType {
		for name := range object {
			if name != "token_type" && strings.EqualFold(name, "token_type") {
				return sdk.InvalidResponse(codeflow.ReasonType, "%s instead of token_type", upstream.Shown(name))
			}
		}
		object["token_type"] = "Bearer"
	} else if kind == nil || kind == "" {
		return sdk.InvalidResponse(codeflow.ReasonType, "no token_type: set allow_missing_token_type if the provider's documentation says that the type is Bearer")
	}
	delete(object, "error") // an empty one
	return nil
}

// Response returns the answer as an HTTP response for codeflow.
func (a Answer) Response(req *http.Request) *http.Response {
	data, err := json.Marshal(a.Members)
	if err != nil {
		data = []byte("{}") // decoded JSON can always be encoded; codeflow would refuse this
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(data)),
		Body: io.NopCloser(bytes.NewReader(data)),
	}
}
