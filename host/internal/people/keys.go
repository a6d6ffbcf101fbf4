package people

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/doorward/doorward/host/internal/sso"
)

// KeyToken is the secret of a key: keyPrefix and 256 random bits in base64url. Only its
// hash is ever stored.
type KeyToken string

// keyPrefix lets people and secret scanners recognize a key.
const keyPrefix = "dwadm_"

const keyBytes = 32

// KeyHash is the SHA-256 of the token of a key. It carries 256 bits of entropy, so no
// salt or slow hash is needed.
type KeyHash [sha256.Size]byte

func newKeyToken() KeyToken {
	var b [keyBytes]byte
	rand.Read(b[:]) // never fails since Go 1.24
	return KeyToken(keyPrefix + base64.RawURLEncoding.EncodeToString(b[:]))
}

// Hash returns what is stored of the token. ok is false if it cannot be a token, so no
// lookup is needed.
func (t KeyToken) Hash() (hash KeyHash, ok bool) {
	text, ok := strings.CutPrefix(string(t), keyPrefix)
	if !ok || len(text) != base64.RawURLEncoding.EncodedLen(keyBytes) {
		return KeyHash{}, false
	}
	return sha256.Sum256([]byte(t)), true
}

// String keeps the token out of logs.
func (KeyToken) String() string { return "[key]" }

// Key is an administration key as stored.
type Key struct {
	ID        string // UUID
	Name      string // unique
	Scopes    []Scope
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	LastUsed  time.Time // zero: not yet
}

// useEvery is the precision of the last use of a key: if each use were stored, a client
// that only reads would make the database write.
const useEvery = time.Minute

// Authenticate returns the actor of a key. ErrKeyInvalid if the key does not exist or has
// expired.
func (o *Operations) Authenticate(ctx context.Context, token KeyToken) (Actor, error) {
	hash, ok := token.Hash()
	if !ok {
		return Actor{}, ErrKeyInvalid
	}
	// The lookup is by hash: its timing reveals nothing about any key, because nobody can
	// choose the hash of their guess.
	key, err := o.ports.Keys.AdminKey(ctx, hash)
	if errors.Is(err, sso.ErrNotFound) {
		return Actor{}, ErrKeyInvalid
	}
	if err != nil {
		return Actor{}, fmt.Errorf("looking up a key: %w", err)
	}
	now := o.ports.Now()
	if !key.ExpiresAt.IsZero() && !now.Before(key.ExpiresAt) {
		return Actor{}, fmt.Errorf("%w: %q has expired", ErrKeyInvalid, key.Name)
	}
	if now.Sub(key.LastUsed) >= useEvery {
		if err := o.ports.Keys.AdminKeyUsed(ctx, key.ID, now); err != nil {
			o.ports.Log("storing the last use of a key", "key", key.Name, "error", err)
		}
	}
	return Actor{KeyID: key.ID, Name: key.Name, Scopes: key.Scopes, ExpiresAt: key.ExpiresAt}, nil
}

// ShownKey is a key, without its secret.
type ShownKey struct {
	ID        string     `json:"id" doc:"UUID"`
	Name      string     `json:"name"`
	Scopes    []Scope    `json:"scopes" doc:"what the key may do"`
	CreatedAt *time.Time `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at" doc:"null if it never expires"`
	LastUsed  *time.Time `json:"last_used" doc:"to the minute; null if it was not used yet"`
}

func showKey(k Key) ShownKey {
	return ShownKey{
		ID: k.ID, Name: k.Name, Scopes: k.Scopes,
		CreatedAt: timeOrNull(k.CreatedAt), ExpiresAt: timeOrNull(k.ExpiresAt), LastUsed: timeOrNull(k.LastUsed),
	}
}

// ListKeys requests keys.
type ListKeys struct{ Paging }

// OneKey names a key.
type OneKey struct {
	Key string `json:"-" path:"key" max:"64" doc:"ID or name of the key"`
}

// AddKey creates a key.
type AddKey struct {
	Name      string    `json:"name" max:"64" doc:"who or what will use the key; unique"`
	Scopes    []string  `json:"scopes" doc:"what the key may do; a key cannot create a key with more scopes than its own"`
	ExpiresAt time.Time `json:"expires_at,omitzero" doc:"never by default; a key that expires cannot create a key that expires later"`
}

// AddedKey is a new key with its secret, which is shown only this once.
type AddedKey struct {
	ShownKey
	Secret string `json:"secret" doc:"for Authorization: Bearer; it cannot be shown again"`
}

// RemovedKey names the key that was removed.
type RemovedKey struct {
	Key string `json:"key" doc:"as in the request"`
}

const (
	listOfKeys = "keys"
	maxKeyName = 64
)

// ListKeys returns all keys, without their secrets.
func (o *Operations) ListKeys(ctx context.Context, req ListKeys) (Page[ShownKey], error) {
	if _, err := o.allow(ctx, KeysRead); err != nil {
		return Page[ShownKey]{}, err
	}
	part, err := req.part(listOfKeys)
	if err != nil {
		return Page[ShownKey]{}, err
	}
	found, next, err := o.ports.Keys.FindAdminKeys(ctx, part)
	if err != nil {
		return Page[ShownKey]{}, fmt.Errorf("listing keys: %w", err)
	}
	return pageOf(listOfKeys, found, next, showKey), nil
}

// AddKey creates a key. ErrTaken if the name exists.
func (o *Operations) AddKey(ctx context.Context, req AddKey) (AddedKey, error) {
	actor, err := o.allow(ctx, KeysWrite)
	if err != nil {
		return AddedKey{}, err
	}
	key, err := o.newKey(req)
	if err != nil {
		return AddedKey{}, err
	}
	if err := actor.checkHeir(key); err != nil {
		return AddedKey{}, fmt.Errorf("creating a key with more rights than its creator: %w", err)
	}
	token := newKeyToken()
	hash, _ := token.Hash()
	if err := o.ports.Keys.AddAdminKey(ctx, key, hash, o.named(ctx, actor, sso.EventKeyAdded, key.Name+": "+joinedNames(key.Scopes))); err != nil {
		return AddedKey{}, fmt.Errorf("adding a key: %w", err)
	}
	o.changed(actor, "key added", "key", key.Name, "scopes", joinedNames(key.Scopes))
	return AddedKey{ShownKey: showKey(key), Secret: string(token)}, nil
}

// checkHeir is ErrForbidden if a key would have more scopes than the key that creates it,
// or last longer: otherwise removing a stolen key would achieve nothing.
func (a Actor) checkHeir(key Key) error {
	for _, scope := range key.Scopes {
		if err := a.Check(scope); err != nil {
			return err
		}
	}
	if a.ExpiresAt.IsZero() || !key.ExpiresAt.IsZero() && !key.ExpiresAt.After(a.ExpiresAt) {
		return nil
	}
	return fmt.Errorf("%w: the key %q expires at %s, and a key that it creates must have expires_at no later",
		ErrForbidden, a.Name, a.ExpiresAt.UTC().Format(time.RFC3339))
}

func (o *Operations) newKey(req AddKey) (Key, error) {
	switch {
	case req.Name == "" || strings.TrimSpace(req.Name) != req.Name:
		return Key{}, invalid("name", "is empty, or begins or ends with a space")
	case len(req.Name) > maxKeyName || !utf8.ValidString(req.Name) || !printable(req.Name):
		return Key{}, invalid("name", "must have at most %d bytes and no control characters", maxKeyName)
	}
	if uuidForm.MatchString(req.Name) {
		return Key{}, invalid("name", "is a UUID, like the IDs of keys; write who or what will use the key")
	}
	scopes, err := readScopes(req.Scopes)
	if err != nil {
		return Key{}, err
	}
	now := o.ports.Now()
	if !req.ExpiresAt.IsZero() && !req.ExpiresAt.After(now) {
		return Key{}, invalid("expires_at", "is not in the future")
	}
	return Key{ID: sso.NewUUID(), Name: req.Name, Scopes: scopes, CreatedAt: now, ExpiresAt: req.ExpiresAt}, nil
}

func printable(text string) bool { return !strings.ContainsFunc(text, unicode.IsControl) }

// RemoveKey removes a key, which is invalid from then on. sso.ErrNotFound if it does not
// exist.
func (o *Operations) RemoveKey(ctx context.Context, req OneKey) (RemovedKey, error) {
	actor, err := o.allow(ctx, KeysWrite)
	if err != nil {
		return RemovedKey{}, err
	}
	if err := o.ports.Keys.RemoveAdminKey(ctx, req.Key, o.named(ctx, actor, sso.EventKeyRemoved, req.Key)); err != nil {
		return RemovedKey{}, fmt.Errorf("removing a key: %w", err)
	}
	o.changed(actor, "key removed", "key", req.Key)
	return RemovedKey(req), nil
}
