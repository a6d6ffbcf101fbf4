package people

import (
	"encoding/base64"
	"strings"
)

// Limits of a list.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

const maxCursor = 128 // bytes

// Paging selects a part of a list.
type Paging struct {
	Limit  int    `json:"-" query:"limit" min:"1" most:"1000" doc:"at most this many; 100 by default"`
	Cursor string `json:"-" query:"cursor" max:"128" doc:"next of the previous answer, to continue after it"`
}

// Page is a part of a list. Everything that exists during the whole listing is on one of
// the pages, once; entries added in the meantime come last.
type Page[T any] struct {
	Items []T
	Next  string // cursor of the next page; empty on the last page
}

// Part selects a part of a list in a store.
type Part struct {
	After string // a position returned by the store; empty for the beginning
	Limit int
}

// part reads a client's paging. A cursor belongs to one list: with the cursor of another
// list, entries would be missing and nobody would notice.
func (p Paging) part(list string) (Part, error) {
	part := Part{Limit: p.Limit}
	switch {
	case p.Limit == 0:
		part.Limit = DefaultLimit
	case p.Limit < 0 || p.Limit > MaxLimit:
		return Part{}, invalid("limit", "must be from 1 to %d", MaxLimit)
	}
	if p.Cursor == "" {
		return part, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	position, ok := strings.CutPrefix(string(text), list+":")
	if err != nil || !ok || position == "" || len(p.Cursor) > maxCursor {
		return Part{}, invalid("cursor", "is not a cursor of this list")
	}
	part.After = position
	return part, nil
}

// pageOf makes the answer of a list.
func pageOf[S, T any](list string, found []S, next string, show func(S) T) Page[T] {
	page := Page[T]{Items: make([]T, 0, len(found))}
	for _, one := range found {
		page.Items = append(page.Items, show(one))
	}
	if next != "" {
		page.Next = base64.RawURLEncoding.EncodeToString([]byte(list + ":" + next))
	}
	return page
}
