package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/sqlite"
)

// A host that was stopped within the grace of a token forgets its successor when it
// runs again.
func TestSuccessorsAreForgottenAtTheStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	store, err := sqlite.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	before, old := time.Now().Add(-time.Hour), sso.NewToken().Hash()
	if _, err := store.CreateUser(t.Context(), sso.User{ID: "ann", Provider: "corp", Subject: "1", Status: sso.UserActive}); err != nil {
		t.Fatal(err)
	}
	session := sso.Session{ID: "s1", UserID: "ann", Provider: "corp", Kind: sso.KindRefresh, CreatedAt: before, ExpiresAt: before.Add(24 * time.Hour)}
	if err := store.CreateSession(t.Context(), sso.NewSession{Session: session, Token: old}); err != nil {
		t.Fatal(err)
	}
	rotation := sso.Rotation{SessionID: "s1", Old: old, New: sso.NewToken().Hash(), Successor: []byte("sealed"), Now: before, ExpiresAt: session.ExpiresAt}
	if err := store.RotateToken(t.Context(), rotation); err != nil {
		t.Fatal(err)
	}
	config := sso.Config{Secret: make([]byte, sso.MinSecret), Clock: sso.SystemClock(), RefreshGrace: 10 * time.Second}
	logins, err := sso.New(config, sso.Ports{Sessions: store})
	if err != nil {
		t.Fatal(err)
	}
	stop := host{logger: hclog.NewNullLogger()}.background(t.Context(), forgetSuccessors(logins))
	defer stop()
	each, deadline := time.NewTicker(10*time.Millisecond), time.After(30*time.Second)
	defer each.Stop()
	for {
		select {
		case <-each.C:
		case <-deadline:
			t.Fatal("the successor is still there")
		}
		got, err := store.SessionToken(t.Context(), old)
		if err != nil {
			t.Fatal(err)
		}
		if got.Successor == nil {
			return
		}
	}
}
