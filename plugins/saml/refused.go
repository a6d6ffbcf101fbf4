package main

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// refusals remembers the last message that was refused, for Check: the text says
// what it lacked. It is not shared with other nodes, and gone with the
// process.
type refusals struct {
	mu   sync.Mutex
	at   time.Time
	text string
	kind sdk.Reason
}

func (r *refusals) remember(now time.Time, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at, r.text, r.kind = now, upstream.Clip(err.Error(), maxText), sdk.ReasonOf(err)
}

// last returns nothing if no message was refused.
func (r *refusals) last() (at time.Time, text string, reason sdk.Reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at, r.text, r.kind
}

// maxText is how much of the last refusal is kept.
const maxText = 2 << 10

// maxRemembered is how long an entity ID may be to be in a memory as it is.
const maxRemembered = 256

// fingerprint stands for an entity ID that is too long for a memory.
func fingerprint(entityID string) string {
	sum := sha256.Sum256([]byte(entityID))
	return "sha256:" + hex.EncodeToString(sum[:])
}
