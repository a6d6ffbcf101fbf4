package storetest

import (
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

func testSigningKeys(t *testing.T, open func(t *testing.T) store.Store) {
	s := open(t)
	key := func(id string, created time.Time) sso.SigningKey {
		return sso.SigningKey{ID: id, Algorithm: "EdDSA", Sealed: []byte("sealed \x00\xff " + id), CreatedAt: created}
	}
	oldest, middle, newest := key("b", start), key("a", start.Add(time.Hour)), key("c", start.Add(2*time.Hour))
	for _, k := range []sso.SigningKey{middle, newest, oldest} {
		if err := s.AddSigningKey(t.Context(), k, sso.Event{}); err != nil {
			t.Fatal(err)
		}
	}
	wantKeys(t, s, newest, middle, oldest)
	if err := s.AddSigningKey(t.Context(), key("a", start.Add(3*time.Hour)), sso.Event{}); err == nil {
		t.Error("AddSigningKey with an ID that is taken: no error")
	}
	for range 2 { // the second time there is nothing to delete
		if err := s.DeleteSigningKey(t.Context(), "a", sso.Event{}); err != nil {
			t.Fatal(err)
		}
	}
	wantKeys(t, s, newest, oldest)
	wantError(t, "SwapSigningKey", s.SwapSigningKey(t.Context(), "b", oldest.Sealed, []byte("anew")), nil)
	wantError(t, "SwapSigningKey of what is not there any more", s.SwapSigningKey(t.Context(), "b", oldest.Sealed, []byte("late")), nil)
	oldest.Sealed = []byte("anew")
	wantKeys(t, s, newest, oldest)
}

func wantKeys(t *testing.T, s store.Store, want ...sso.SigningKey) {
	t.Helper()
	got, err := s.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "SigningKeys", got, want)
}
