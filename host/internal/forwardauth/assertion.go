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
		return "", fmt.Errorf("asserting who somebody is to app %s: %w", app.Name, err)
	}
	return text, nil
}

// maxIdentities bounds what is kept for half the life of an assertion: 4 KB each.
const maxIdentities = 16 << 10

// identities keeps what apps are told, for half the life of the assertion in it: to sign
// one takes as long as all the rest. Whoever asks has looked up the session already, so
// that nothing is told of one that has ended; and what was made for a person who was
// another then, with other groups or another role, is not used.
type identities struct {
	mu   sync.RWMutex
	kept map[identityKey]*keptIdentity // which nobody changes
}

type identityKey struct {
	app     *App // of the rules in force: a reload leaves nothing behind that is used
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

// clear forgets all. What is made meanwhile of rules that are no more in force is never
// asked for.
func (k *identities) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = nil
}

// identify returns what an app is told of a person.
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
