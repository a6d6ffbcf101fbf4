package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store"
)

func testSealed(t *testing.T, open func(t *testing.T) store.Store) {
	t.Run("grants come in batches", func(t *testing.T) { testSealedGrants(t, open) })
	t.Run("a grant is swapped if it is still the old one", func(t *testing.T) { testSwapGrants(t, open) })
	t.Run("what is sealed is forgotten", func(t *testing.T) { testForgetSecret(t, open) })
}

func withGrants(t *testing.T, open func(t *testing.T) store.Store, n int) store.Store {
	t.Helper()
	s := withUser(t, open)
	for i := range n {
		session := someSession(fmt.Sprintf("s%d", i), "ann")
		session.AtProvider = atProvider("n", "i")
		session.AtProvider.SealedGrant = fmt.Appendf(nil, "grant %d", i)
		mustCreateSession(t, s, session, sso.NewToken().Hash())
	}
	session := someSession("none", "ann")
	session.AtProvider.Subject = "s-1"
	mustCreateSession(t, s, session, sso.NewToken().Hash())
	return s
}

func testSealedGrants(t *testing.T, open func(t *testing.T) store.Store) {
	s := withGrants(t, open, 5)
	var got []string
	for after := ""; ; {
		batch, err := s.SealedGrants(t.Context(), after, 2)
		wantError(t, "SealedGrants", err, nil)
		if len(batch) == 0 {
			break
		}
		if len(batch) > 2 {
			t.Errorf("a batch of %d", len(batch))
		}
		for _, g := range batch {
			got = append(got, g.SessionID+" "+string(g.Sealed))
		}
		after = batch[len(batch)-1].SessionID
	}
	wantEqual(t, "grants", got, []string{"s0 grant 0", "s1 grant 1", "s2 grant 2", "s3 grant 3", "s4 grant 4"})
}

func testSwapGrants(t *testing.T, open func(t *testing.T) store.Store) {
	s := withGrants(t, open, 3)
	wantError(t, "a refresh", s.SwapGrants(t.Context(), []sso.GrantSwap{{SessionID: "s1", Old: []byte("grant 1"), New: []byte("newer")}}), nil)
	err := s.SwapGrants(t.Context(), []sso.GrantSwap{
		{SessionID: "s0", Old: []byte("grant 0"), New: []byte("anew 0")},
		{SessionID: "s1", Old: []byte("grant 1"), New: []byte("anew 1")},
		{SessionID: "gone", Old: []byte("grant 1"), New: []byte("anew 1")},
	})
	wantError(t, "SwapGrants", err, nil)
	for id, want := range map[string]string{"s0": "anew 0", "s1": "newer", "s2": "grant 2"} {
		at, err := s.AtProvider(t.Context(), id)
		wantError(t, "AtProvider", err, nil)
		wantEqual(t, "grant of "+id, string(at.SealedGrant), want)
	}
}

func testForgetSecret(t *testing.T, open func(t *testing.T) store.Store) {
	s := withGrants(t, open, 2)
	wantError(t, "AddSigningKey", s.AddSigningKey(t.Context(), sso.SigningKey{ID: "k", Sealed: []byte("x"), CreatedAt: start}, sso.Event{}), nil)
	wantError(t, "ForgetSecret", s.ForgetSecret(t.Context(), sso.Event{}), nil)
	wantKeys(t, s)
	left, err := s.SealedGrants(t.Context(), "", 10)
	if err != nil || len(left) > 0 {
		t.Errorf("grants that are left: %v, error %v", left, err)
	}
}

func testConfirming(t *testing.T, open func(t *testing.T) store.Store, reopen func(t *testing.T, s store.Store, confirm sso.ConfirmSecret) error) {
	s := withGrants(t, open, 2)
	older := sso.SigningKey{ID: "older", Algorithm: "EdDSA", Sealed: []byte("1"), CreatedAt: start.UTC()}
	newer := sso.SigningKey{ID: "newer", Algorithm: "EdDSA", Sealed: []byte("2"), CreatedAt: start.UTC().AddDate(0, 0, 1)}
	for _, k := range []sso.SigningKey{older, newer} {
		wantError(t, "AddSigningKey", s.AddSigningKey(t.Context(), k, sso.Event{}), nil)
	}
	want := sso.SealedSample{
		Keys:   []sso.SigningKey{newer, older},
		Grants: []sso.SealedGrant{{SessionID: "s0", Sealed: []byte("grant 0")}, {SessionID: "s1", Sealed: []byte("grant 1")}},
	}
	refuse := errors.New("no")
	wantError(t, "a refusal", reopen(t, s, func(got sso.SealedSample) ([]sso.SecretCheck, error) {
		wantEqual(t, "sample", got, want)
		return []sso.SecretCheck{{ID: "a", Sealed: []byte("a")}}, refuse
	}), refuse)
	checks := []sso.SecretCheck{{ID: "b", Sealed: []byte("b")}, {ID: "c", Sealed: []byte("c")}}
	wantError(t, "a first start", reopen(t, s, func(got sso.SealedSample) ([]sso.SecretCheck, error) {
		wantEqual(t, "sample after a refusal", got, want)
		return checks, nil
	}), nil)
	want.Checks = checks
	wantError(t, "a second start", reopen(t, s, func(got sso.SealedSample) ([]sso.SecretCheck, error) {
		wantEqual(t, "sample of the second start", got, want)
		return nil, nil
	}), nil)
	wantError(t, "DeleteSecretCheck", s.DeleteSecretCheck(t.Context(), "b"), nil)
	wantError(t, "DeleteSecretCheck of none", s.DeleteSecretCheck(t.Context(), "b"), nil)
	got, err := s.SecretChecks(t.Context())
	wantError(t, "SecretChecks", err, nil)
	wantEqual(t, "checks", got, checks[1:])
	wantError(t, "ForgetSecret", s.ForgetSecret(t.Context(), sso.Event{}), nil)
	if got, err := s.SecretChecks(t.Context()); err != nil || len(got) > 0 {
		t.Errorf("checks that are left: %v, error %v", got, err)
	}
}
