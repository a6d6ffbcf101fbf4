package bindings

import (
	"bytes"
	"compress/flate"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"

	"github.com/doorward/doorward/plugins/saml/internal/ownkeys"
	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
	"github.com/doorward/doorward/plugins/saml/internal/xmldsig"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

const (
	// maxInflated limits the size of an inflated message (CVE-2023-28119).
	maxInflated = 128 << 10

	// MaxRelayState limits the RelayState that we return to the identity provider. The
	// specification allows 80 bytes (bindings section 3.4.3), but many send a URL.
	MaxRelayState = 2 << 10

	// MaxMessageText limits the base64 of a message of the HTTP-POST binding, including line
	// breaks.
	MaxMessageText = (strictxml.MaxMessage + 2) / 3 * 4 * 5 / 4

	// MaxInbound allows for a message whose base64 is URL-encoded: two of 64 characters
	// become three bytes each, and so does a line break.
	MaxInbound = MaxMessageText*6/5 + 2*MaxRelayState
)

// Message is a SAML message received by one of the bindings.
type Message struct {
	Request    bool // SAMLRequest, not SAMLResponse
	XML        []byte
	RelayState string
	Redirect   *querySignature // of the HTTP-Redirect binding; nil for HTTP-POST
}

// querySignature is the signature of the HTTP-Redirect binding (bindings section
// 3.4.4.1).
type querySignature struct {
	signed    []byte // the bytes of the query that it covers, as they were sent
	algorithm string // empty if there is no signature
	value     []byte
}

func (q querySignature) Verify(keys []crypto.PublicKey, policy xmldsig.Policy) error {
	if q.algorithm == "" {
		return xmldsig.ErrUnsigned
	}
	return xmldsig.VerifyBytes(q.signed, q.value, q.algorithm, keys, policy)
}

// ReadPost reads a message of the HTTP-POST binding (bindings section 3.5.4).
func ReadPost(req sdk.InboundRequest) (Message, error) {
	if req.Method != "POST" {
		return Message{}, sdk.InvalidResponse(ReasonBinding, "a message by %s: only POST is allowed", upstream.Shown(req.Method))
	}
	m := Message{}
	var text string
	switch request, response := req.Form[saml2.ParamRequest], req.Form[saml2.ParamResponse]; {
	case len(request)+len(response) == 0:
		return m, sdk.InvalidResponse(ReasonMessageMissing, "no SAML message in the form")
	case len(request)+len(response) > 1 || len(req.Form[saml2.ParamRelayState]) > 1:
		return m, sdk.InvalidResponse(ReasonMessageDuplicate, "several SAML messages or RelayState fields in the form")
	case len(request) == 1:
		m.Request, text = true, request[0]
	default:
		text = response[0]
	}
	m.RelayState = req.Form.Get(saml2.ParamRelayState)
	if len(text) > MaxMessageText {
		return m, sdk.InvalidResponse(ReasonMessageEncoding, "the message has %d characters, which is too long", len(text))
	}
	var err error
	if m.XML, err = xmldsig.DecodeBase64(text); err != nil {
		return m, sdk.InvalidResponse(ReasonMessageEncoding, "the message: %w", err)
	}
	return m, nil
}

// ReadRedirect reads a message of the HTTP-Redirect binding. It reads the raw query, because
// the signature covers that, and accepts only unescaped parameter names: the verifier and the
// reader could interpret an escaped name differently (CVE-2026-117691).
func ReadRedirect(req sdk.InboundRequest) (Message, error) {
	raw, err := splitQuery(req.RawQuery)
	if err != nil {
		return Message{}, sdk.InvalidResponse(ReasonMessageDuplicate, "the query: %w", err)
	}
	m := Message{Redirect: &querySignature{}}
	name := saml2.ParamResponse
	if _, m.Request = raw.values[saml2.ParamRequest]; m.Request {
		name = saml2.ParamRequest
	}
	if _, ok := raw.values[name]; !ok {
		return Message{}, sdk.InvalidResponse(ReasonMessageMissing, "no SAML message in the query")
	}
	if err := m.readQuery(raw, name); err != nil {
		return Message{}, sdk.InvalidResponse(ReasonMessageEncoding, "the query: %w", err)
	}
	return m, nil
}

func (m *Message) readQuery(raw rawQuery, name string) error {
	text, err := url.QueryUnescape(raw.values[name])
	if err != nil {
		return errors.New("the message is not URL-encoded")
	}
	if m.XML, err = inflate(text); err != nil {
		return err
	}
	if m.RelayState, err = url.QueryUnescape(raw.values[saml2.ParamRelayState]); err != nil {
		return errors.New("RelayState is not URL-encoded")
	}
	if m.Redirect.algorithm, err = url.QueryUnescape(raw.values[saml2.ParamSigAlg]); err != nil {
		return errors.New("SigAlg is not URL-encoded")
	}
	signature, err := url.QueryUnescape(raw.values[saml2.ParamSignature])
	if err != nil {
		return errors.New("the signature is not URL-encoded")
	}
	if m.Redirect.value, err = xmldsig.DecodeBase64(signature); err != nil {
		return fmt.Errorf("the signature: %w", err)
	}
	m.Redirect.signed = raw.covered(name)
	return nil
}

// rawQuery holds the parameters of the binding, escaped as they were sent.
type rawQuery struct{ values map[string]string }

var bindingParams = []string{saml2.ParamRequest, saml2.ParamResponse, saml2.ParamRelayState, saml2.ParamSigAlg, saml2.ParamSignature}

// splitQuery refuses a parameter that is repeated or spelled differently, and a request
// together with a response. The order in the URL does not matter: the signature uses its own
// order (bindings section 3.4.4.1).
func splitQuery(query string) (rawQuery, error) {
	raw := rawQuery{map[string]string{}}
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			return raw, errors.New("a parameter name is not URL-encoded")
		}
		at := indexFold(bindingParams, plain)
		if at < 0 {
			continue
		}
		if name != bindingParams[at] {
			return raw, fmt.Errorf("%s has another spelling", bindingParams[at])
		}
		if _, twice := raw.values[name]; twice {
			return raw, fmt.Errorf("%s occurs twice", name)
		}
		raw.values[name] = value
	}
	_, request := raw.values[saml2.ParamRequest]
	if _, response := raw.values[saml2.ParamResponse]; request && response {
		return raw, errors.New("it has both a request and a response")
	}
	return raw, nil
}

func indexFold(list []string, name string) int {
	for i, known := range list {
		if strings.EqualFold(known, name) {
			return i
		}
	}
	return -1
}

// covered returns the bytes that the signature covers.
func (q rawQuery) covered(name string) []byte {
	signed := name + "=" + q.values[name]
	if relayState, ok := q.values[saml2.ParamRelayState]; ok {
		signed += "&" + saml2.ParamRelayState + "=" + relayState
	}
	return []byte(signed + "&" + saml2.ParamSigAlg + "=" + q.values[saml2.ParamSigAlg])
}

// inflate decompresses one complete deflate stream, with nothing after it.
func inflate(text string) ([]byte, error) {
	compressed, err := xmldsig.DecodeBase64(text)
	if err != nil {
		return nil, fmt.Errorf("the message: %w", err)
	}
	in := bytes.NewReader(compressed)
	data, err := io.ReadAll(io.LimitReader(flate.NewReader(in), maxInflated+1))
	switch {
	case err != nil:
		return nil, errors.New("the message is not compressed with deflate")
	case len(data) > maxInflated:
		return nil, fmt.Errorf("the message has more than %d bytes", maxInflated)
	case in.Len() > 0:
		return nil, errors.New("there is data after the compressed message")
	}
	return data, nil
}

// deflaters are reused, because creating one takes longer than everything else in an unsigned
// request.
var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

func deflate(data []byte) ([]byte, error) {
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	var out bytes.Buffer
	w.Reset(&out)
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("compressing a message: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing a message: %w", err)
	}
	return out.Bytes(), nil
}

// Sending is a message to the identity provider.
type Sending struct {
	To         string
	XML        []byte
	Request    bool
	RelayState string
	Memory     []byte
}

func (s Sending) param() string {
	if s.Request {
		return saml2.ParamRequest
	}
	return saml2.ParamResponse
}

// ByRedirect uses the HTTP-Redirect binding, with a signature over the query.
func (s Sending) ByRedirect(own ownkeys.Keys) (sdk.Step, error) {
	deflated, err := deflate(s.XML)
	if err != nil {
		return nil, err
	}
	query := s.param() + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(deflated))
	if s.RelayState != "" {
		query += "&" + saml2.ParamRelayState + "=" + url.QueryEscape(s.RelayState)
	}
	if own.Signer != nil {
		query += "&" + saml2.ParamSigAlg + "=" + url.QueryEscape(own.Algorithm)
		signature, err := xmldsig.SignBytes([]byte(query), own.Algorithm, own.Signer)
		if err != nil {
			return nil, err
		}
		query += "&" + saml2.ParamSignature + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
	}
	separator := "?"
	if strings.Contains(s.To, "?") {
		separator = "&"
	}
	return sdk.Redirect{URL: s.To + separator + query, Memory: s.Memory}, nil
}

// ByPost uses the HTTP-POST binding. The XML must already be signed if a signature is
// required.
func (s Sending) ByPost() sdk.Step {
	post := sdk.FormPost{URL: s.To, Memory: s.Memory, Fields: []sdk.FormField{
		{Name: s.param(), Value: base64.StdEncoding.EncodeToString(s.XML)},
	}}
	if s.RelayState != "" {
		post.Fields = append(post.Fields, sdk.FormField{Name: saml2.ParamRelayState, Value: s.RelayState})
	}
	return post
}
