package token

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/doorward/doorward/host/internal/sso"
)

// keyStore is a small in-memory store of keys. The real ones are tested against the same
// contract in store/storetest; importing one here would break the rule that edge packages
// do not import each other.
type keyStore struct {
	mu   sync.Mutex
	keys []sso.SigningKey
	away bool
}

var errAway = errors.New("the store is away")

func (s *keyStore) enter(ctx context.Context) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.away {
		s.mu.Unlock()
		return nil, errAway
	}
	return s.mu.Unlock, nil
}

func (s *keyStore) SigningKeys(ctx context.Context) ([]sso.SigningKey, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return slices.Clone(s.keys), nil
}

func (s *keyStore) AddSigningKey(ctx context.Context, key sso.SigningKey, _ sso.Event) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	s.keys = append(s.keys, key)
	slices.SortStableFunc(s.keys, func(a, b sso.SigningKey) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return nil
}

func (s *keyStore) DeleteSigningKey(ctx context.Context, id string, _ sso.Event) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	s.keys = slices.DeleteFunc(s.keys, func(k sso.SigningKey) bool { return k.ID == id })
	return nil
}

func (s *keyStore) SwapSigningKey(ctx context.Context, id string, before, after []byte) error {
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	for i := range s.keys {
		if s.keys[i].ID == id && bytes.Equal(s.keys[i].Sealed, before) {
			s.keys[i].Sealed = after
		}
	}
	return nil
}

// close makes every call fail from now on.
func (s *keyStore) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = true
}
