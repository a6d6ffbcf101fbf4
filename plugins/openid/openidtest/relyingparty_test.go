package openidtest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/go-jose/go-jose/v4"
)

const callbackURL = "http://127.0.0.1:9/callback"

// door is the client of most tests.
func door() openidtest.Client {
	return openidtest.Client{ID: "door", Secret: "s3cr%t:+ ", RedirectURIs: []string{callbackURL}}
}

// answer is what an endpoint answered. Only the first maxKept bytes of a body
// are kept, and no more than maxRead are read.
type answer struct {
	status int
	header http.Header
	body   []byte
	size   int64
	err    error
}

const (
	maxKept = 4 << 20
	maxRead = 60 << 20
)

func (a answer) object() map[string]any {
	var members map[string]any
	_ = json.Unmarshal(a.body, &members)
	return members
}

// flow is one login with a relying party that checks nothing. Each step runs when its
// result is needed for the first time.
type flow struct {
	t      *testing.T
	op     *openidtest.Provider
	client openidtest.Client
	hint   string
	http   *http.Client

	verifier, state, nonce string
	extra                  url.Values // more parameters of the authentication request

	memory   map[string]answer
	back     *http.Request
	patience time.Duration // how long an answer may take
}

func newFlow(t *testing.T, op *openidtest.Provider, client openidtest.Client, hint string) *flow {
	transport := &http.Transport{DisableKeepAlives: true}
	return &flow{
		t: t, op: op, client: client, hint: hint,
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		verifier: rand.Text() + rand.Text(), state: rand.Text(), nonce: rand.Text(),
		extra:    url.Values{},
		memory:   map[string]answer{},
		patience: 10 * time.Second,
	}
}

func (f *flow) endpoint(path string) string {
	return strings.TrimSuffix(f.op.Issuer(), "/") + path
}

func (f *flow) do(req *http.Request) answer {
	ctx, cancel := context.WithTimeout(f.t.Context(), f.patience)
	defer cancel()
	res, err := f.http.Do(req.WithContext(ctx))
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.body, a.err = io.ReadAll(io.LimitReader(res.Body, maxKept)); a.err != nil {
		return a
	}
	more, err := io.Copy(io.Discard, io.LimitReader(res.Body, maxRead-maxKept))
	a.size, a.err = int64(len(a.body))+more, err
	return a
}

func (f *flow) get(path, bearer string) answer {
	req, err := http.NewRequest(http.MethodGet, f.endpoint(path), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	return f.do(req)
}

func (f *flow) once(step string, take func() answer) answer {
	if _, ok := f.memory[step]; !ok {
		f.memory[step] = take()
	}
	return f.memory[step]
}

func (f *flow) discovery() answer {
	return f.once("discovery", func() answer { return f.get("/.well-known/openid-configuration", "") })
}

func (f *flow) keySet() answer {
	f.token() // a relying party fetches keys when it has a token to verify
	return f.once("jwks", func() answer { return f.get("/jwks", "") })
}

func (f *flow) authorizationURL() string {
	sum := sha256.Sum256([]byte(f.verifier))
	query := url.Values{
		"client_id": {f.client.ID}, "redirect_uri": {callbackURL}, "response_type": {"code"},
		"scope": {"openid profile email"}, "state": {f.state}, "nonce": {f.nonce},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	maps.Copy(query, f.extra)
	return f.endpoint("/authorize?" + query.Encode())
}

// callback is nil if the provider did not send the browser back.
func (f *flow) callback() *http.Request {
	if f.back == nil {
		f.back, _ = openidtest.SignIn(f.t.Context(), f.authorizationURL(), f.hint)
	}
	return f.back
}

// response holds the parameters of the callback, from query and body.
func (f *flow) response() url.Values {
	req := f.callback()
	if req == nil {
		return url.Values{}
	}
	values := req.URL.Query()
	if req.Body == nil {
		return values
	}
	body, err := req.GetBody()
	if err != nil {
		f.t.Fatal(err)
	}
	content, err := io.ReadAll(body)
	if err != nil {
		f.t.Fatal(err)
	}
	form, err := url.ParseQuery(string(content))
	if err != nil {
		f.t.Fatal(err)
	}
	maps.Copy(values, form)
	return values
}

func (f *flow) token() answer {
	return f.once("token", func() answer {
		return f.post(url.Values{
			"grant_type": {"authorization_code"}, "code": {f.response().Get("code")},
			"redirect_uri": {callbackURL}, "code_verifier": {f.verifier},
		})
	})
}

func (f *flow) refresh() answer {
	token, _ := f.token().object()["refresh_token"].(string)
	return f.once("refresh", func() answer {
		return f.post(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
	})
}

// post sends a token request with the client's registered authentication method.
func (f *flow) post(form url.Values) answer {
	basic := f.client.TokenEndpointAuthMethod == "" || f.client.TokenEndpointAuthMethod == openidtest.ClientSecretBasic
	if !basic {
		form.Set("client_id", f.client.ID)
	}
	if f.client.TokenEndpointAuthMethod == openidtest.ClientSecretPost {
		form.Set("client_secret", f.client.Secret)
	}
	req, err := http.NewRequest(http.MethodPost, f.endpoint("/token"), strings.NewReader(form.Encode()))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if basic {
		req.SetBasicAuth(url.QueryEscape(f.client.ID), url.QueryEscape(f.client.Secret))
	}
	return f.do(req)
}

func (f *flow) accessToken() string {
	token, _ := f.token().object()["access_token"].(string)
	return token
}

func (f *flow) userInfo() answer {
	return f.once("userinfo", func() answer { return f.get("/userinfo", f.accessToken()) })
}

func (f *flow) idToken() string {
	token, _ := f.token().object()["id_token"].(string)
	return token
}

func (f *flow) refreshedIDToken() string {
	token, _ := f.refresh().object()["id_token"].(string)
	return token
}

// part decodes a part of a compact serialisation.
func part(token string, n int) []byte {
	parts := strings.SplitN(token, ".", 5)
	if len(parts) <= n {
		return nil
	}
	decoded, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[n], "="))
	if err != nil {
		return nil
	}
	return decoded
}

func members(object []byte) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(object))
	decoder.UseNumber()
	var values map[string]any
	_ = decoder.Decode(&values)
	return values
}

func (f *flow) header() map[string]any { return members(part(f.idToken(), 0)) }
func (f *flow) claims() map[string]any { return members(part(f.idToken(), 1)) }

var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}

// verify checks a token with a library that shares no code with the provider.
func (f *flow) verify(token string) (map[string]any, error) {
	parsed, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil {
		return nil, fmt.Errorf("parsing: %w", err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(f.keySet().body, &set); err != nil {
		return nil, fmt.Errorf("decoding key set: %w", err)
	}
	header := parsed.Signatures[0].Header
	candidates := set.Key(header.KeyID)
	if header.KeyID == "" {
		candidates = set.Keys
	}
	if len(candidates) != 1 {
		return nil, fmt.Errorf("%d keys for kid %q", len(candidates), header.KeyID)
	}
	payload, err := parsed.Verify(candidates[0].Key)
	if err != nil {
		return nil, fmt.Errorf("verifying: %w", err)
	}
	return members(payload), nil
}
