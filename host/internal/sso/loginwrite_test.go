package sso_test

import (
	"encoding/binary"
	"os"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// commits counts the transactions in the write-ahead log of the database: the last frame
// of each has the size of the database (https://www.sqlite.org/fileformat2.html section 4.1).
func (h *house) commits() (n int) {
	h.t.Helper()
	wal, err := os.ReadFile(h.path + "-wal")
	if err != nil {
		h.t.Fatal(err)
	}
	const header, frameHeader = 32, 24
	page := int(binary.BigEndian.Uint32(wal[8:]))
	for at := header; at+frameHeader+page <= len(wal); at += frameHeader + page {
		if binary.BigEndian.Uint32(wal[at+4:]) != 0 {
			n++
		}
	}
	return n
}

// A login writes everything in one transaction, because each transaction waits for the
// disk.
func TestALoginIsOneTransaction(t *testing.T) {
	closed := provider("closed")
	closed.AllowPublicRegistration = false
	h := newHouse(t, provider("p"), closed)
	identity := alice()
	once := func(id string) { identity.OnceID, identity.OnceUntil = id, start.Add(time.Hour) }
	one := func(what string, signIn func()) {
		t.Helper()
		before := h.commits()
		signIn()
		if got := h.commits() - before; got != 1 {
			t.Errorf("%s is %d transactions", what, got)
		}
	}
	var first *sso.SignedIn
	once("_1")
	one("the first login", func() { first = h.signIn(sso.Start{}, identity) })
	once("_2")
	one("a login that replaces a session", func() { h.signInReplacing(identity, first.Token) })
	h.wantSession("the session that was replaced", first.Token, sso.ErrSessionInvalid)
	h.suspend(first.User.ID)
	once("_3")
	one("a login that is refused", func() {
		_, err := h.tryToSignIn(sso.Start{}, identity)
		wantErr(t, "suspended", err, sso.ErrUserInactive)
	})
	once("_4")
	one("a first login that is refused", func() {
		_, err := h.tryToSignIn(sso.Start{Provider: "closed"}, identity)
		wantErr(t, "no account", err, sso.ErrNotRegistered)
	})
}
