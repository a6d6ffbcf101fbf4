// Package profile asks a provider's API who the owner of an access token is: one
// request for the profile, and more for what does not stand in it, such as e-mail
// addresses and organizations.
//
// An answer is JSON of the type that it says it is, or it is no answer; nothing is
// read by guess. A token goes to the URLs that the operator or a preset named and
// nowhere else: redirects are not followed, and the next page of a list must lie
// where the first one lay. Pages and items are counted, and a list with more of
// them is refused and never cut: what is left out might be what decides.
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

// API is how to speak with the provider's API.
type API struct {
	Client *http.Client
	Header map[string]string
	Scheme string   // before the token; empty: Bearer
	Types  []string // media types of JSON besides application/json and +json

	// ProofSecret makes appsecret_proof, the HMAC of the token under it, a parameter
	// of each request; empty: none.
	ProofSecret string

	// ErrorWhen are the rules by which an answer with status 200 is an error.
	ErrorWhen []fieldpath.Rule
}

// Call is a request after that for the profile.
type Call struct {
	Name     string
	URL      fieldpath.Template // of the answers so far
	Method   string
	List     bool           // the answer is an array
	Link     bool           // the next page is named by Link (RFC 8288)
	Next     fieldpath.Path // or by a member of the answer
	Items    fieldpath.Path // of an answer that is no array
	Optional bool           // 403 and 404: there is nothing for us
	User     fieldpath.Path // of the user whom the answer is about; zero: it does not say
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

// Call makes a call, with all its pages. The result is an object, a list, or nil if
// there is nothing for us. The URL is made of root, the answers so far.
func (a API) Call(ctx context.Context, c Call, root claims.Object, token string) (any, error) {
	target, err := c.URL.Write(map[string]any(root), inURL)
	if err != nil {
		return nil, sdk.InvalidResponse(ReasonURL, "making the URL of %s: %w", c.Name, err)
	}
	first, err := url.Parse(target)
	if err != nil {
		return nil, sdk.InvalidResponse(ReasonURL, "making the URL of %s: it cannot be parsed", c.Name)
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
			return nil, sdk.InvalidResponse(ReasonPages, "%s: a page that is its own next one", p.call.Name)
		}
		if p.seen[at.String()] = true; len(p.seen) > MaxPages {
			return nil, sdk.InvalidResponse(ReasonPages, "%s: more than %d pages", p.call.Name, MaxPages)
		}
		answer, err := p.api.ask(ctx, p.call.Method, at.String(), token)
		if err != nil {
			return nil, err
		}
		if p.call.Optional && len(p.seen) == 1 && nothingForUs(answer) {
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

// single reports whether the answer is one object.
func (p *pager) single() bool { return !p.call.List && p.call.Items.IsZero() }

// page reads a page and keeps its items. The result is the answer if it is an
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
		return nil, sdk.InvalidResponse(ReasonMalformed, "%s: %s is no list", p.call.Name, p.call.Items)
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
		return upstream.Answer{}, sdk.Unavailable(ReasonUnreachable, "%s", upstream.Quoted(withoutQuery(err)))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return upstream.Answer{}, sdk.Unavailable(ReasonUnreachable, "reading the answer of %s: %s", upstream.Shown(req.URL.Host), upstream.Quoted(err.Error()))
	}
	return upstream.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// withoutQuery is the text of an error without the URL's query, which may hold a
// proof.
func withoutQuery(err error) string {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		host := ""
		if u, parseErr := url.Parse(failed.URL); parseErr == nil {
			host = u.Scheme + "://" + u.Host + u.Path
		}
		return fmt.Sprintf("%s %s: %v", failed.Op, host, failed.Err)
	}
	return err.Error()
}

// inURL escapes a value for a URL. A value that could leave its segment is refused,
// because servers differ in what they make of %2F.
func inURL(text string) (string, error) {
	if text == "." || text == ".." || strings.ContainsAny(text, "/\\") || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", errors.New("cannot stand in a URL")
	}
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20"), nil // a plus is a space in queries only
}

// object reads an answer that is an object, and no error.
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
			return nil, sdk.InvalidResponse(ReasonAPIError, "%s is an error by the rule %s%s", what, rule, Said(object))
		}
	}
	return object, nil
}

// list reads an answer that is an array. An object in its place is an error that
// came with status 200.
func (a API) list(what string, answer upstream.Answer) ([]any, error) {
	if err := a.checkType(what, answer); err != nil {
		return nil, err
	}
	list, err := claims.DecodeList(answer.Body)
	if err == nil {
		return list, nil
	}
	if object, notObject := claims.Decode(answer.Body); notObject == nil {
		return nil, sdk.InvalidResponse(ReasonMalformed, "%s: an object in place of a list%s", what, Said(object))
	}
	return nil, sdk.InvalidResponse(ReasonMalformed, "%s: %w", what, err)
}

// checkType refuses what does not say that it is JSON.
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
