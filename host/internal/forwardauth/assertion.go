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

// maxIdentities bounds the cache, whose entries are kept for half the lifetime of an
// assertion: 4 KB each.
const maxIdentities = 16 << 10

// identities caches what apps are told, for half the lifetime of the assertion in it:
// signing one takes as long as everything else. The caller has looked up the session
// before, so nothing is told about a session that has ended. An entry is not used if the
// user has changed since, such as groups or role.
type identities struct {
	mu   sync.RWMutex
	kept map[identityKey]*keptIdentity // immutable
}

type identityKey struct {
	app     *App // of the current rules: after a reload, old entries no longer match
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

// clear removes all entries. Entries that are created at the same time from old rules are
// never used.
func (k *identities) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = nil
}

// identify returns what an app is told about a user.
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
