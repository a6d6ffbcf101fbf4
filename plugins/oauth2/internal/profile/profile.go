// Package profile reads from a provider's API who the owner of an access token is: one
// request for the profile, and more for data that is not part of it, such as e-mail
// addresses and organizations.
//
// A response must be JSON and say so; the type is never guessed. A token is sent only to the
// URLs of the operator or a preset: redirects are not followed, and the next page of a list
// must be in the folder of the first page. A list with too many pages or items is refused
// and not truncated: the missing items might decide who may sign in.
package profile

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/doorward/doorward/plugins/oauth2/internal/fieldpath"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/upstream"
)

// Limits of one call.
const (
	MaxPages = 40
	MaxItems = 2000
)

// API is the configuration for the provider's API.
type API struct {
	Client *http.Client
	Header map[string]string
	Scheme string   // before the token; empty: Bearer
	Types  []string // media types of JSON in addition to application/json and +json

	// ProofSecret adds the parameter appsecret_proof to each request: the HMAC of the token
	// with this key. If empty, the parameter is not sent.
	ProofSecret string

	// ErrorWhen are the rules that make a response with status 200 an error.
	ErrorWhen []fieldpath.Rule
}

// Call is a request after the one for the profile.
type Call struct {
	Name     string
	URL      fieldpath.Template // with fields of the responses so far
	Method   string
	List     bool           // the response is an array
	Link     bool           // the URL of the next page is in Link (RFC 8288)
	Next     fieldpath.Path // or in this member of the response
	Items    fieldpath.Path // the items, if the response is not an array
	Optional bool           // status 403 and 404 are not errors
	User     fieldpath.Path // the user in the response; zero if the response does not say
}

// Profile reads the profile.
func (a API) Profile(ctx context.Context, method, target, token string) (claims.Object, error) {
	answer, err := a.ask(ctx, method, target, token)
	if err != nil {
		return nil, err
	}
	if err := checkStatus("the profile", answer); err != nil {
		return nil, err
	}
	return a.object("the profile", answer)
}

// Call makes a call and reads all its pages. The result is an object, a list, or nil for an
// optional call that the provider refuses. Root contains the responses so far, for the URL.
func (a API) Call(ctx context.Context, c Call, root claims.Object, token string) (any, error) {
	target, err := c.URL.Write(map[string]any(root), inURL)
	if err != nil {
		return nil, sdk.InvalidResponse(ReasonURL, "making the URL of %s: %w", c.Name, err)
	}
	first, err := url.Parse(target)
	if err != nil {
		return nil, sdk.InvalidResponse(ReasonURL, "making the URL of %s: it is not a valid URL", c.Name)
	}
	pages := pager{api: a, call: c, first: first, seen: map[string]bool{}}
	return pages.read(ctx, token)
}

// pager reads the pages of a call.
type pager struct {
	api   API
	call  Call
	first *url.URL
	seen  map[string]bool
	items []any
}

func (p *pager) read(ctx context.Context, token string) (any, error) {
	for at := p.first; at != nil; {
		if p.seen[at.String()] {
			return nil, sdk.InvalidResponse(ReasonPages, "%s: the next page was already read", p.call.Name)
		}
		if p.seen[at.String()] = true; len(p.seen) > MaxPages {
			return nil, sdk.InvalidResponse(ReasonPages, "%s: more than %d pages", p.call.Name, MaxPages)
		}
		answer, err := p.api.ask(ctx, p.call.Method, at.String(), token)
		if err != nil {
			return nil, err
		}
		if p.call.Optional && len(p.seen) == 1 && unavailableToApp(answer) {
			return nil, nil
		}
		if err := checkStatus(p.call.Name, answer); err != nil {
			return nil, err
		}
		whole, err := p.page(answer)
		if err != nil {
			return nil, err
		}
		if whole != nil && p.single() {
			return whole, nil
		}
		if at, err = p.next(at, answer, whole); err != nil {
			return nil, err
		}
	}
	return p.items, nil
}

// single reports whether the response is one object.
func (p *pager) single() bool { return !p.call.List && p.call.Items.IsZero() }

// page parses a page and adds its items to the list. It returns the response if it is an
// object.
func (p *pager) page(answer upstream.Answer) (map[string]any, error) {
	var items []any
	var whole map[string]any
	var err error
	if p.call.List {
		items, err = p.api.list(p.call.Name, answer)
	} else {
		whole, err = p.api.object(p.call.Name, answer)
	}
	if err != nil {
		return nil, err
	}
	if !p.call.List && !p.single() {
		if items, err = p.itemsOf(whole); err != nil {
			return nil, err
		}
	}
	if p.items = append(p.items, items...); len(p.items) > MaxItems {
		return nil, sdk.InvalidResponse(ReasonPages, "%s: more than %d items", p.call.Name, MaxItems)
	}
	return whole, nil
}

func (p *pager) itemsOf(whole map[string]any) ([]any, error) {
	found, err := p.call.Items.One(whole)
	if err != nil {
		return nil, sdk.InvalidResponse(ReasonMalformed, "%s: %w", p.call.Name, err)
	}
	items, ok := found.([]any)
	if !ok {
		return nil, sdk.InvalidResponse(ReasonMalformed, "%s: %s is not a list", p.call.Name, p.call.Items)
	}
	return items, nil
}

// ask makes one request.
func (a API) ask(ctx context.Context, method, target, token string) (upstream.Answer, error) {
	if a.ProofSecret != "" {
		mac := hmac.New(sha256.New, []byte(a.ProofSecret))
		mac.Write([]byte(token))
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + "appsecret_proof=" + hex.EncodeToString(mac.Sum(nil))
	}
	req, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return upstream.Answer{}, errors.New("making the request: " + upstream.Quoted(err.Error()))
	}
	req.Header.Set("Accept", "application/json")
	for name, value := range a.Header {
		req.Header.Set(name, value)
	}
	scheme := a.Scheme
	if scheme == "" {
		scheme = "Bearer" // RFC 6750 section 2.1
	}
	req.Header.Set("Authorization", scheme+" "+token)
	resp, err := a.Client.Do(req)
	if err != nil {
		return upstream.Answer{}, upstream.Unreachable(ReasonUnreachable, "", withoutQuery(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return upstream.Answer{}, sdk.Unavailable(ReasonUnreachable, "reading the response of %s: %s", upstream.Shown(req.URL.Host), upstream.Quoted(err.Error()))
	}
	return upstream.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// withoutQuery removes the query of the URL from an error's text. It can contain
// appsecret_proof.
func withoutQuery(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		host := ""
		if u, parseErr := url.Parse(failed.URL); parseErr == nil {
			host = u.Scheme + "://" + u.Host + u.Path
		}
		return fmt.Errorf("%s %s: %w", failed.Op, host, failed.Err)
	}
	return err
}

// inURL escapes a value for a URL. A value that could leave its path segment is refused,
// because servers treat %2F differently.
func inURL(text string) (string, error) {
	if text == "." || text == ".." || strings.ContainsAny(text, "/\\") || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", errors.New("contains characters that are not allowed in a URL")
	}
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20"), nil // a plus is a space in queries only
}

// object parses a response that must be an object and not an error.
func (a API) object(what string, answer upstream.Answer) (claims.Object, error) {
	if err := a.checkType(what, answer); err != nil {
		return nil, err
	}
	object, err := claims.Decode(answer.Body)
	if err != nil {
		return nil, sdk.InvalidResponse(ReasonMalformed, "%s: %w", what, err)
	}
	for _, rule := range a.ErrorWhen {
		failed, err := rule.Holds(map[string]any(object))
		if err != nil {
			return nil, sdk.InvalidResponse(ReasonMalformed, "%s: error_when: %w", what, err)
		}
		if failed {
			return nil, sdk.InvalidResponse(ReasonAPIError, "%s is an error by the rule %s%s", what, rule, ErrorText(object))
		}
	}
	return object, nil
}

// list parses a response that must be an array. An object instead is usually an error with
// status 200.
func (a API) list(what string, answer upstream.Answer) ([]any, error) {
	if err := a.checkType(what, answer); err != nil {
		return nil, err
	}
	list, err := claims.DecodeList(answer.Body)
	if err == nil {
		return list, nil
	}
	if object, notObject := claims.Decode(answer.Body); notObject == nil {
		return nil, sdk.InvalidResponse(ReasonMalformed, "%s: an object instead of a list%s", what, ErrorText(object))
	}
	return nil, sdk.InvalidResponse(ReasonMalformed, "%s: %w", what, err)
}

// checkType refuses responses whose media type is not JSON.
func (a API) checkType(what string, answer upstream.Answer) error {
	mediaType := answer.MediaType()
	if mediaType == "application/json" || strings.HasSuffix(mediaType, "+json") || slices.Contains(a.Types, mediaType) {
		return nil
	}
	if answer.IsHTML() {
		return sdk.InvalidResponse(upstream.ReasonHTML, "%s: %s", what, answer.HTMLText())
	}
	return sdk.InvalidResponse(ReasonMalformed, "%s: content of type %q, not application/json", what, upstream.Shown(mediaType))
}
