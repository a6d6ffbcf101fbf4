package profile

import (
	"errors"
	"net/url"
	"path"
	"strings"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// maxLink limits a Link field, in bytes.
const maxLink = 8 << 10

// next returns the URL of the next page, or nil after the last page.
func (p *pager) next(at *url.URL, answer upstream.Answer, whole map[string]any) (*url.URL, error) {
	text := ""
	var err error
	switch {
	case p.call.Link:
		text, err = nextLink(strings.Join(answer.Header.Values("Link"), ", "))
	case !p.call.Next.IsZero():
		var found any
		found, err = p.call.Next.One(whole)
		if s, ok := found.(string); ok {
			text = s
		} else if found != nil && err == nil {
			err = errors.New("the next page is not text")
		}
	}
	if err != nil {
		return nil, sdk.InvalidResponse(ReasonPages, "%s: %w", p.call.Name, err)
	}
	if text == "" {
		return nil, nil
	}
	next, err := at.Parse(text)
	if err != nil || len(text) > sdk.MaxURL {
		return nil, sdk.InvalidResponse(ReasonPages, "%s: the next page is not a valid URL", p.call.Name)
	}
	if !sameFolder(p.first, next) {
		return nil, sdk.InvalidResponse(ReasonPages, "%s: the next page is at %q, but Doorward sends tokens only to the host and folder of the first page, at %s", p.call.Name, upstream.Shown(next.Host+next.Path), p.first.Host)
	}
	return next, nil
}

// sameFolder reports whether a page has the scheme, host, port and folder of the first page.
// GitHub's next page of /user/x can be /user/ID/x. In a folder of another tenant of the host,
// the token would go to a stranger.
func sameFolder(first, next *url.URL) bool {
	folder := first.Path[:strings.LastIndexByte(first.Path, '/')+1]
	return next.Scheme == first.Scheme && strings.EqualFold(next.Host, first.Host) && next.User == nil && next.Opaque == "" &&
		strings.HasPrefix(next.Path, folder) && path.Clean(next.Path) == strings.TrimSuffix(next.Path, "/") && !strings.Contains(next.Path, "\\")
}

// nextLink finds the target of rel=next in a Link field (RFC 8288 section 3).
func nextLink(field string) (string, error) {
	if len(field) > maxLink {
		return "", errors.New("the Link field is too long")
	}
	found := ""
	for rest := strings.TrimLeft(field, " \t,"); rest != ""; {
		inner, ok := strings.CutPrefix(rest, "<")
		target, after, closed := strings.Cut(inner, ">")
		if !ok || !closed {
			return "", errors.New("the Link field is malformed")
		}
		isNext, left, err := linkParams(after)
		if err != nil {
			return "", err
		}
		if isNext {
			if found != "" {
				return "", errors.New("the Link field has two next pages")
			}
			found = target
		}
		rest = strings.TrimLeft(left, " \t,")
	}
	return found, nil
}

// linkParams parses the parameters of one link, up to the comma after it.
func linkParams(text string) (isNext bool, rest string, err error) {
	for {
		text = strings.TrimLeft(text, " \t")
		if text == "" || text[0] == ',' {
			return isNext, text, nil
		}
		inner, ok := strings.CutPrefix(text, ";")
		if !ok {
			return false, "", errors.New("the Link field is malformed")
		}
		var name, value string
		if name, value, text, err = linkParam(strings.TrimLeft(inner, " \t")); err != nil {
			return false, "", err
		}
		if !strings.EqualFold(name, "rel") {
			continue
		}
		for relation := range strings.FieldsSeq(value) {
			isNext = isNext || strings.EqualFold(relation, "next")
		}
	}
}

// linkParam parses name=value or name="value".
func linkParam(text string) (name, value, rest string, err error) {
	end := strings.IndexAny(text, "=;,")
	if end < 0 || text[end] != '=' {
		if end < 0 {
			end = len(text)
		}
		return strings.TrimSpace(text[:end]), "", text[end:], nil
	}
	name, text = strings.TrimSpace(text[:end]), strings.TrimLeft(text[end+1:], " \t")
	if inner, quoted := strings.CutPrefix(text, `"`); quoted {
		value, rest, closed := strings.Cut(inner, `"`)
		if !closed {
			return "", "", "", errors.New("the Link field has a quote that does not end")
		}
		return name, value, rest, nil
	}
	end = strings.IndexAny(text, ";,")
	if end < 0 {
		end = len(text)
	}
	return name, strings.TrimSpace(text[:end]), text[end:], nil
}
