package forwardauth

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

func (s *Server) assertion(ctx context.Context, app *App, p *Person, groups []string, incomplete bool) (string, error) {
	now := s.ports.Now()
	text, err := s.ports.Assert(ctx, sso.Assertion{
		Audience: app.Origin.String(), UserID: p.ID, Session: p.Session, Email: plainText(p.Email), Name: nameText(p.Name()), Role: p.Role,
		Groups: groups, GroupsIncomplete: incomplete,
		Provider: p.Provider, SignedIn: p.Since, IssuedAt: now, ExpiresAt: now.Add(s.config.AssertionTTL),
	})
	if err != nil {
		return "", fmt.Errorf("signing an assertion for app %s: %w", app.Name, err)
	}
	return text, nil
}

// maxIdentities limits the cached identities, of at most 4 KB each.
const maxIdentities = 16 << 10

// identities caches identities for half the lifetime of their assertions, because signing an
// assertion takes as long as everything else. The caller has already looked up the session, so
// that a cached identity is never used for an ended session. An entry is used only if all data
// of the person, such as groups and role, is unchanged.
type identities struct {
	mu   sync.RWMutex
	kept map[identityKey]*keptIdentity // the values are never modified
}

type identityKey struct {
	app     *App // of the current rules, so that entries from before a reload are never used
	user    string
	session string
}

type keptIdentity struct {
	person Person
	until  time.Time
	identity
}

func (k *identities) get(key identityKey, p *Person, now time.Time) (*identity, bool) {
	k.mu.RLock()
	found, ok := k.kept[key]
	k.mu.RUnlock()
	if !ok || !now.Before(found.until) || found.person != *p {
		return nil, false
	}
	return &found.identity, true
}

func (k *identities) put(key identityKey, entry *keptIdentity) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil || len(k.kept) >= maxIdentities {
		k.kept = map[identityKey]*keptIdentity{}
	}
	k.kept[key] = entry
}

// clear removes all entries. Entries that are added at the same time for old rules are never
// used.
func (k *identities) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = nil
}

// identify returns the identity of a person for an app.
func (s *Server) identify(ctx context.Context, app *App, p *Person) (*identity, error) {
	key, now := identityKey{app, p.ID, p.Session}, s.ports.Now()
	if kept, ok := s.identities.get(key, p, now); ok {
		return kept, nil
	}
	made, err := s.identityOf(ctx, app, p)
	if err != nil {
		return nil, err
	}
	kept := &keptIdentity{*p, now.Add(s.config.AssertionTTL / 2), made}
	s.identities.put(key, kept)
	return &kept.identity, nil
}
