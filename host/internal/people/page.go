package people

import (
	"encoding/base64"
	"strings"
)

// Bounds of what one list holds.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

const maxCursor = 128 // bytes

// Paging is the part of a list that is wanted.
type Paging struct {
	Limit  int    `json:"-" query:"limit" min:"1" most:"1000" doc:"how many at most; 100 if it is not given"`
	Cursor string `json:"-" query:"cursor" max:"128" doc:"the next of the answer before, for what comes after it"`
}

// Page is a part of a list. Everything that is there all the time is in one of the
// pages, once; what is added meanwhile comes last.
type Page[T any] struct {
	Items []T
	Next  string // cursor of the next page; empty: this is the last
}

// Part is a part of a list as a store knows it.
type Part struct {
	After string // position that the store gave; empty: from the beginning
	Limit int
}

// part reads what a client wants. A cursor is for one list: with that of another it
// would leave out something, and nobody would notice.
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
		return Part{}, invalid("cursor", "is not one that this list gave")
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
