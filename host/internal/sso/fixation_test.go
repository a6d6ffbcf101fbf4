package sso_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// signInReplacing signs in with a browser that has those tokens.
func (h *house) signInReplacing(identity sdk.Identity, held ...sso.Token) *sso.SignedIn {
	h.t.Helper()
	h.idp.vouchFor(identity)
	answer := answerTo(h.begin(sso.Start{}))
	answer.Replaces = held
	out, err := h.Continue(h.t.Context(), answer)
	if err != nil {
		h.t.Fatalf("signing in: %v", err)
	}
	return out.SignedIn
}

func TestA01SessionFixation(t *testing.T) {
	h := newHouse(t)
	chosen := sso.Token("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	done := h.signInReplacing(alice(), chosen)
	if done.Token == chosen {
		t.Error("the token that the browser brought is the session's")
	}
	h.wantSession("the token that the browser brought", chosen, sso.ErrSessionInvalid)
	h.wantSession("the session", done.Token, nil)
}

func TestA01AttackersSessionInTheBrowser(t *testing.T) {
	h := newHouse(t)
	attacker := h.signIn(sso.Start{}, sdk.Identity{Subject: "mallory"})
	victim := h.signInReplacing(alice(), attacker.Token)
	h.wantSession("the session that was planted", attacker.Token, sso.ErrSessionInvalid)
	who, err := h.Authenticate(t.Context(), victim.Token)
	if err != nil || who.User.Subject != "alice" {
		t.Errorf("the new session: %+v, %v", who, err)
	}
}

func TestA02LoginEndsTheSessionsOfTheBrowser(t *testing.T) {
	h := newHouse(t, provider("p"), provider("q"))
	session := h.signIn(sso.Start{}, alice())
	refresh := h.signIn(sso.Start{Mode: sso.ModeCookie}, alice())
	elsewhere := h.signIn(sso.Start{}, alice())
	h.idp.vouchFor(sdk.Identity{Subject: "bob"})
	answer := answerTo(h.begin(sso.Start{Provider: "q"}))
	answer.Replaces = []sso.Token{session.Token, refresh.Token, "", "garbage"}
	out, err := h.Continue(t.Context(), answer)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []*sso.SignedIn{session, refresh, elsewhere} {
		if out.SignedIn.Session.ID == other.Session.ID || out.SignedIn.Token == other.Token {
			t.Error("a session is shared")
		}
	}
	h.wantSession("the session before", session.Token, sso.ErrSessionInvalid)
	h.wantNoRefresh("the refresh token before", refresh.Token, sso.ModeCookie, sso.ErrSessionInvalid)
	h.wantAccess("its access token", refresh.Access, sso.ErrSessionInvalid)
	h.wantSession("the new session", out.SignedIn.Token, nil)
	h.wantSession("the session in another browser", elsewhere.Token, nil)
}

func TestA02FailedLoginLeavesTheSession(t *testing.T) {
	h := newHouse(t)
	session := h.signIn(sso.Start{}, alice())
	h.idp.vouchFor(sdk.Identity{})
	answer := answerTo(h.begin(sso.Start{}))
	answer.Replaces = []sso.Token{session.Token}
	if _, err := h.Continue(t.Context(), answer); err == nil {
		t.Fatal("an empty identity signs in")
	}
	h.wantSession("the session", session.Token, nil)
}

func TestA03Tokens(t *testing.T) {
	seen := map[sso.Token]bool{}
	var bits [32]byte
	for range 10_000 {
		token := sso.NewToken()
		raw, err := base64.RawURLEncoding.Strict().DecodeString(string(token))
		if err != nil || len(raw) != 32 || seen[token] {
			t.Fatalf("token %q of %d bytes: %v", string(token), len(raw), err)
		}
		seen[token] = true
		for i := range raw {
			bits[i] |= raw[i]
		}
	}
	if bits != [32]byte([]byte(strings.Repeat("\xff", 32))) {
		t.Errorf("bits that are never set: %x", bits)
	}
	token := sso.NewToken()
	if token.Hash() != sha256.Sum256([]byte(token)) {
		t.Error("what is stored is not the SHA-256 of the token")
	}
	for _, text := range []string{fmt.Sprint(token), fmt.Sprintf("%v %+v %s %q", token, token, token, token)} {
		if strings.Contains(text, string(token)) {
			t.Errorf("a log shows the token: %s", text)
		}
	}
}

func TestA03DatabaseHoldsNoToken(t *testing.T) {
	h := newHouse(t)
	session := h.signIn(sso.Start{}, alice())
	refresh := h.refresh(h.signIn(sso.Start{Mode: sso.ModeJSON}, alice()).Token, sso.ModeJSON)
	var dump []byte
	for _, name := range []string{h.path, h.path + "-wal"} {
		data, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		dump = append(dump, data...)
	}
	for _, token := range []sso.Token{session.Token, refresh.Token} {
		raw, _ := base64.RawURLEncoding.DecodeString(string(token))
		hash := token.Hash()
		if strings.Contains(string(dump), string(token)) || strings.Contains(string(dump), string(raw)) {
			t.Error("the database holds a token")
		}
		if !strings.Contains(string(dump), string(hash[:])) {
			t.Error("the database does not hold the hash: this test shows nothing")
		}
	}
	if strings.Contains(string(dump), refresh.Access) {
		t.Error("the database holds an access token")
	}
}
