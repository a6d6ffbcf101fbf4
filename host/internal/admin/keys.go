package admin

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/doorward/doorward/host/internal/people"
)

// Limits of how often wrong keys are looked up in the database. Nobody can guess a key of
// 256 bits; the limits keep guesses from slowing down the database for logins.
const (
	wrongAtOnce    = 50
	wrongPerSecond = 10
)

// maxKnown is how many valid keys are remembered.
const maxKnown = 1000

// keyCheck authenticates the holders of keys.
type keyCheck struct {
	operations *people.Operations
	now        func() time.Time
	log        func(message string, args ...any)

	mu    sync.Mutex
	left  float64 // of wrongAtOnce
	since time.Time

	// known has the hashes of keys that were valid lately. They are still accepted while
	// there are too many wrong keys; each is looked up all the same.
	known map[people.KeyHash]struct{}

	wrong    int // wrong keys since the last line of the log
	loggedAt time.Time
}

// logEvery is the shortest time between two log lines about wrong keys.
const logEvery = time.Minute

func newKeyCheck(config Config) *keyCheck {
	return &keyCheck{operations: config.Operations, now: time.Now, log: config.Log, left: wrongAtOnce, known: map[people.KeyHash]struct{}{}}
}

// actor returns the holder of the key in the request.
func (k *keyCheck) actor(r *http.Request) (people.Actor, error) {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || len(r.Header.Values("Authorization")) != 1 {
		return people.Actor{}, errNoKey
	}
	actor, err := k.holder(r, people.KeyToken(strings.TrimSpace(text)))
	if errors.Is(err, people.ErrKeyInvalid) || errors.Is(err, errTooMany) {
		k.logWrong(r.RemoteAddr, err)
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

// logWrong counts a wrong key, and logs wrong keys at a limited rate, so that their sender
// cannot fill the log. The cause names a key that has expired.
func (k *keyCheck) logWrong(from string, cause error) {
	k.mu.Lock()
	k.wrong++
	wrong, now := k.wrong, k.now()
	if now.Sub(k.loggedAt) < logEvery {
		k.mu.Unlock()
		return
	}
	k.wrong, k.loggedAt = 0, now
	k.mu.Unlock()
	k.log("wrong keys for the administration were refused", "keys", wrong, "the_last_from", from, "error", cause)
}

// mayLookUp reports whether one more possibly wrong key may be looked up.
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

// learn remembers a valid key and forgets a wrong one.
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
		k.left++ // the key was not wrong
		if len(k.known) >= maxKnown {
			clear(k.known)
		}
		k.known[hash] = struct{}{}
	}
}
