package admin

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/doorward/doorward/host/internal/people"
)

// Wrong keys are looked up in the database at most so often. Nobody finds a key of 256
// bits by trying; this keeps those who try from taking the database away from logins.
const (
	wrongAtOnce    = 50
	wrongPerSecond = 10
)

// maxKnown is how many good keys are remembered.
const maxKnown = 1000

// keyCheck finds out who has a key.
type keyCheck struct {
	operations *people.Operations
	now        func() time.Time
	log        func(message string, args ...any)

	mu    sync.Mutex
	left  float64 // of wrongAtOnce
	since time.Time

	// known are the hashes of keys that were good lately. While too many come with
	// wrong ones, those still get in; each is looked up all the same.
	known map[people.KeyHash]struct{}

	wrong  int // keys, since the log was told
	toldAt time.Time
}

// tellEvery is how often the log is told of wrong keys at most.
const tellEvery = time.Minute

func newKeyCheck(config Config) *keyCheck {
	return &keyCheck{operations: config.Operations, now: time.Now, log: config.Log, left: wrongAtOnce, known: map[people.KeyHash]struct{}{}}
}

// actor returns who has the key that the request brings.
func (k *keyCheck) actor(r *http.Request) (people.Actor, error) {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || len(r.Header.Values("Authorization")) != 1 {
		return people.Actor{}, errNoKey
	}
	actor, err := k.holder(r, people.KeyToken(strings.TrimSpace(text)))
	if errors.Is(err, people.ErrKeyInvalid) || errors.Is(err, errTooMany) {
		k.tell(r.RemoteAddr, err)
	}
	return actor, err
}

func (k *keyCheck) holder(r *http.Request, token people.KeyToken) (people.Actor, error) {
	hash, ok := token.Hash()
	if !ok {
		return people.Actor{}, people.ErrKeyInvalid
	}
	if !k.mayLookUp(hash) {
		return people.Actor{}, errTooMany
	}
	actor, err := k.operations.Authenticate(r.Context(), token)
	k.learn(hash, err)
	return actor, err
}

// tell counts a wrong key, and tells the log, seldom: whoever sends them would fill it.
// The cause names a key that has expired, which somebody may have forgotten.
func (k *keyCheck) tell(from string, cause error) {
	k.mu.Lock()
	k.wrong++
	wrong, now := k.wrong, k.now()
	if now.Sub(k.toldAt) < tellEvery {
		k.mu.Unlock()
		return
	}
	k.wrong, k.toldAt = 0, now
	k.mu.Unlock()
	k.log("wrong keys for the administration were refused", "keys", wrong, "the_last_from", from, "error", cause)
}

// mayLookUp reports whether there is room for one more key that may be wrong.
func (k *keyCheck) mayLookUp(hash people.KeyHash) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.known[hash]; ok {
		return true
	}
	now := k.now()
	k.left = min(wrongAtOnce, k.left+max(0, now.Sub(k.since).Seconds())*wrongPerSecond)
	k.since = now
	if k.left < 1 {
		return false
	}
	k.left--
	return true
}

// learn remembers a good key, and forgets a wrong one.
func (k *keyCheck) learn(hash people.KeyHash, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case errors.Is(err, people.ErrKeyInvalid):
		delete(k.known, hash)
	case err == nil:
		if _, ok := k.known[hash]; ok {
			return
		}
		k.left++ // it was not wrong
		if len(k.known) >= maxKnown {
			clear(k.known)
		}
		k.known[hash] = struct{}{}
	}
}
