// Package tokenanswer reads what token endpoints answer who do not keep to RFC 6749
// section 5, and makes of it what that section wants. One answer is read once; two
// that mean different things to two readers are refused.
//
// What is read: JSON whatever its label says, a form whatever its label says (GitHub
// answers so unless it is asked otherwise), an error with status 200 (GitHub, Slack)
// or as an object (Facebook), a list of scopes or one that is separated by commas. A
// lifetime of any form is for codeflow to read. What is refused: HTML, two equal members, two members that differ in case only, a token of another type than
// Bearer.
package tokenanswer

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

// Dialect is what is known of a provider's answers.
type Dialect struct {
	ErrorWhen   []fieldpath.Rule
	MissingType bool   // token_type may be missing, and means Bearer
	Method      string // client_token_endpoint_auth_method, for texts

	// CodeRefused are descriptions with which an error is about the code, or the
	// refresh token, and not about the client.
	CodeRefused []string
}

// Answer is one that grants tokens.
type Answer struct {
	Members claims.Object // as RFC 6749 section 5.1 writes them
	Scopes  []string      // nil if the provider does not say
	Odd     error         // why scope cannot be read, in which case Scopes is empty
}

// maxFields bounds a form.
const maxFields = 64

// Read reads an answer. An error is of a kind of package sdk.
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
		return Answer{}, sdk.InvalidResponse(codeflow.ReasonMalformed, "the answer of the token endpoint has no access_token%s", profile.Said(object))
	}
	answer := Answer{Members: object}
	answer.Scopes, answer.Odd = scopes(object)
	return answer, d.settle(object)
}

// members reads JSON or a form. The first byte decides and not the label: WeChat
// calls JSON text/plain, others call a form text/html.
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
	return nil, sdk.InvalidResponse(codeflow.ReasonMalformed, "the answer of the token endpoint, of type %q: %w", upstream.Shown(a.MediaType()), err)
}

// form reads a form as strictly as JSON is read: each name once, also when names
// differ in case only.
func form(body []byte) (claims.Object, error) {
	switch {
	case len(body) > claims.MaxBytes:
		return nil, fmt.Errorf("%d bytes, at most %d are read", len(body), claims.MaxBytes)
	case !bytes.Contains(body, []byte("=")) || bytes.ContainsAny(body, " \r\n\t<>{}\""):
		return nil, errors.New("neither JSON nor a form")
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("a form that cannot be read")
	}
	if len(values) > maxFields {
		return nil, fmt.Errorf("a form of more than %d fields", maxFields)
	}
	object, folded := claims.Object{}, map[string]bool{}
	for name, list := range values {
		switch lower := strings.ToLower(name); {
		case len(list) != 1 || folded[lower]:
			return nil, errors.New("a form with a field twice")
		case !utf8.ValidString(name) || !utf8.ValidString(list[0]) || strings.ContainsRune(name+list[0], 0):
			return nil, errors.New("a form that is not valid UTF-8, or has a NUL character")
		default:
			folded[lower] = true
			object[name] = list[0]
		}
	}
	return object, nil
}

// failed tells whether the answer is an error. A member error always makes one, and
// an empty one does not: PayPal and others send it empty with a token.
func (d Dialect) failed(object claims.Object) (bool, error) {
	if object["error"] != nil && object["error"] != "" && object["error"] != false {
		return true, nil
	}
	for _, rule := range d.ErrorWhen {
		failed, err := rule.Holds(map[string]any(object))
		if err != nil {
			return false, sdk.InvalidResponse(codeflow.ReasonMalformed, "the answer of the token endpoint: error_when: %w", err)
		}
		if failed {
			return true, nil
		}
	}
	return false, nil
}

// scopes reads them however they are written. What cannot be read is none: only who
// wants some by required_scopes has to mind.
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

// settle makes the members what they should have been.
func (d Dialect) settle(object claims.Object) error {
	if kind := object["token_type"]; (kind == nil || kind == "") && d.MissingType {
		for name := range object {
			if name != "token_type" && strings.EqualFold(name, "token_type") {
				return sdk.InvalidResponse(codeflow.ReasonType, "%s in place of token_type", upstream.Shown(name))
			}
		}
		object["token_type"] = "Bearer"
	} else if kind == nil || kind == "" {
		return sdk.InvalidResponse(codeflow.ReasonType, "no token_type: set allow_missing_token_type if the provider's documentation says that it is Bearer")
	}
	delete(object, "error") // an empty one
	return nil
}

// Response is the answer as codeflow reads it.
func (a Answer) Response(req *http.Request) *http.Response {
	data, err := json.Marshal(a.Members)
	if err != nil {
		data = []byte("{}") // decoded JSON can always be encoded; this is refused
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(data)),
		Body: io.NopCloser(bytes.NewReader(data)),
	}
}
