package oauth2test

import (
	"strings"
	"sync"
	"time"
)

// grant is the data of a code or a token.
type grant struct {
	client      string
	person      string // ID
	redirectURI string
	challenge   string
	method      string
	scopes      []string
	expires     time.Time // zero: never
	refresh     string    // the refresh token of an access token
	access      string    // the access token of a refresh token
}

// grants stores all codes and tokens.
type grants struct {
	now func() time.Time

	mu      sync.Mutex
	codes   map[string]grant
	access  map[string]grant
	refresh map[string]grant
}

func (g *grants) put(kind *map[string]grant, name string, one grant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if *kind == nil {
		*kind = map[string]grant{}
	}
	(*kind)[name] = one
}

// take returns a grant and deletes it.
func (g *grants) take(kind *map[string]grant, name string) (grant, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	one, ok := (*kind)[name]
	delete(*kind, name)
	return one, ok && (one.expires.IsZero() || g.now().Before(one.expires))
}

func (g *grants) look(kind *map[string]grant, name string) (grant, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	one, ok := (*kind)[name]
	return one, ok && (one.expires.IsZero() || g.now().Before(one.expires))
}

// end deletes a token and the token that was issued with it.
func (g *grants) end(token string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	a, isAccess := g.access[token]
	r, isRefresh := g.refresh[token]
	delete(g.access, token)
	delete(g.refresh, token)
	delete(g.refresh, a.refresh)
	delete(g.access, r.access)
	return isAccess || isRefresh
}

// tokenIn reports whether a text contains a token.
func (g *grants) tokenIn(text string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, kind := range []map[string]grant{g.access, g.refresh} {
		for token := range kind {
			if strings.Contains(text, token) {
				return true
			}
		}
	}
	return false
}
