package sso_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// signInReplacing signs in with a browser that holds those tokens.
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

// wantSession checks whether a session token is good.
func (h *house) wantSession(what string, token sso.Token, want error) {
	h.t.Helper()
	who, err := h.Authenticate(h.t.Context(), token)
	wantErr(h.t, what, err, want)
	if (want == nil) != (who.User.ID != "") {
		h.t.Errorf("%s: principal %+v beside error %v", what, who, err)
	}
}

func (h *house) wantAccess(what, access string, want error) {
	h.t.Helper()
	who, err := h.AuthenticateAccess(h.t.Context(), access)
	wantErr(h.t, what, err, want)
	if (want == nil) != (who.User.ID != "") {
		h.t.Errorf("%s: principal %+v beside error %v", what, who, err)
	}
}

func (h *house) refresh(token sso.Token, mode sso.Mode) *sso.SignedIn {
	h.t.Helper()
	done, err := h.Refresh(h.t.Context(), token, mode)
	if err != nil {
		h.t.Fatalf("refreshing: %v", err)
	}
	return done
}

func (h *house) wantNoRefresh(what string, token sso.Token, mode sso.Mode, want error) {
	h.t.Helper()
	done, err := h.Refresh(h.t.Context(), token, mode)
	wantErr(h.t, what, err, want)
	if done != nil {
		h.t.Errorf("%s: signed in beside an error: %+v", what, done)
	}
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

func TestA04Logout(t *testing.T) {
	for _, mode := range []sso.Mode{sso.ModeSession, sso.ModeCookie, sso.ModeJSON} {
		h := newHouse(t)
		done, other := h.signIn(sso.Start{Mode: mode}, alice()), h.signIn(sso.Start{}, alice())
		for range 2 {
			if err := h.Logout(t.Context(), done.Token); err != nil {
				t.Errorf("%s: logging out: %v", mode, err)
			}
		}
		h.wantNoRefresh(string(mode)+" after the logout", done.Token, mode, sso.ErrSessionInvalid)
		if mode == sso.ModeSession {
			h.wantSession("after the logout", done.Token, sso.ErrSessionInvalid)
		} else {
			h.wantAccess(string(mode)+" after the logout", done.Access, sso.ErrSessionInvalid)
		}
		h.wantSession("another session", other.Token, nil)
	}
}

func TestA04LogoutWithATokenThatWasReplaced(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{}, alice())
	second := h.refresh(first.Token, sso.ModeSession)
	if err := h.Logout(t.Context(), first.Token); err != nil {
		t.Fatal(err)
	}
	h.wantSession("the session goes on", second.Token, sso.ErrSessionInvalid)
}

func TestA05Expiry(t *testing.T) {
	h := newHouse(t)
	session, refresh := h.signIn(sso.Start{}, alice()), h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
	h.clock.set(start.Add(accessTTL - time.Second))
	h.wantAccess("at the last moment", refresh.Access, nil)
	h.clock.set(start.Add(accessTTL))
	h.wantAccess("expired", refresh.Access, sso.ErrTokenExpired)
	h.clock.set(start.Add(sessionTTL - time.Millisecond))
	h.wantSession("at the last moment", session.Token, nil)
	h.clock.set(start.Add(sessionTTL))
	h.wantSession("idle for too long", session.Token, sso.ErrSessionInvalid)
	h.wantNoRefresh("idle for too long", session.Token, sso.ModeSession, sso.ErrSessionInvalid)
	h.clock.set(start.Add(refreshTTL))
	h.wantNoRefresh("idle for too long", refresh.Token, sso.ModeJSON, sso.ErrSessionInvalid)
}

func TestA05ActivityMovesTheExpiry(t *testing.T) {
	h := newHouse(t)
	token := h.signIn(sso.Start{}, alice()).Token
	for range 5 {
		h.clock.advance(sessionTTL - time.Second)
		done := h.refresh(token, sso.ModeSession)
		if done.TokenTTL != sessionTTL || !done.Session.ExpiresAt.Equal(h.clock.Now().Add(sessionTTL)) {
			t.Errorf("refreshed: %+v", done)
		}
		token = done.Token
	}
	h.wantSession("the session", token, nil)
}

func TestA05ProviderBoundsTheSession(t *testing.T) {
	identity := alice()
	identity.ExpiresAt = start.Add(90 * time.Minute)
	for _, mode := range []sso.Mode{sso.ModeSession, sso.ModeJSON} {
		h := newHouse(t)
		done := h.signIn(sso.Start{Mode: mode}, identity)
		for range 8 {
			if done.TokenTTL != identity.ExpiresAt.Sub(h.clock.Now()) || done.ExpiresIn > done.TokenTTL || !done.Session.ExpiresAt.Equal(identity.ExpiresAt) {
				t.Errorf("%s after %v: %+v", mode, h.clock.Now().Sub(start), done)
			}
			h.clock.advance(11 * time.Minute)
			done = h.refresh(done.Token, mode)
		}
		h.clock.set(identity.ExpiresAt.Add(-time.Second))
		if mode == sso.ModeJSON {
			h.wantAccess("at the last moment", done.Access, nil)
		} else {
			h.wantSession("at the last moment", done.Token, nil)
		}
		h.clock.set(identity.ExpiresAt)
		h.wantNoRefresh("with constant activity", done.Token, mode, sso.ErrSessionInvalid)
		if mode == sso.ModeJSON {
			h.wantAccess("with constant activity", done.Access, sso.ErrTokenExpired)
		} else {
			h.wantSession("with constant activity", done.Token, sso.ErrSessionInvalid)
		}
	}
}

func TestA06UserThatIsSuspended(t *testing.T) {
	h := newHouse(t)
	session, refresh := h.signIn(sso.Start{}, alice()), h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
	h.suspend(session.User.ID)
	h.wantSession("suspended", session.Token, sso.ErrUserInactive)
	h.wantAccess("suspended", refresh.Access, sso.ErrUserInactive)
	h.wantNoRefresh("suspended", refresh.Token, sso.ModeJSON, sso.ErrUserInactive)
	h.wantNoRefresh("suspended", session.Token, sso.ModeSession, sso.ErrUserInactive)
	if n := h.count("sessions"); n != 0 {
		t.Errorf("%d sessions are left after refreshing", n)
	}
}

func TestRefreshTokenRotates(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
	h.clock.advance(time.Minute)
	second := h.refresh(first.Token, sso.ModeCookie)
	if second.Token == first.Token || second.Session.ID != first.Session.ID || second.User.ID != first.User.ID || second.Mode != sso.ModeCookie {
		t.Errorf("refreshed: %+v after %+v", second, first)
	}
	if second.ExpiresIn != accessTTL || second.TokenTTL != refreshTTL {
		t.Errorf("access token for %v, refresh token for %v", second.ExpiresIn, second.TokenTTL)
	}
	h.wantAccess("the first access token", first.Access, nil)
	h.wantAccess("the second access token", second.Access, nil)
	h.refresh(second.Token, sso.ModeJSON)
}

func TestRefreshTokenThatIsUsedAgainEndsTheSession(t *testing.T) {
	h := newHouse(t)
	first, other := h.signIn(sso.Start{Mode: sso.ModeJSON}, alice()), h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
	second := h.refresh(first.Token, sso.ModeJSON)
	h.wantNoRefresh("the thief", first.Token, sso.ModeJSON, sso.ErrTokenReused)
	h.wantNoRefresh("the client", second.Token, sso.ModeJSON, sso.ErrSessionInvalid)
	h.wantNoRefresh("the thief again", first.Token, sso.ModeJSON, sso.ErrSessionInvalid)
	h.wantAccess("the access token", second.Access, sso.ErrSessionInvalid)
	h.refresh(other.Token, sso.ModeJSON)
	if !errors.Is(sso.ErrTokenReused, sso.ErrSessionInvalid) {
		t.Error("ErrTokenReused is no ErrSessionInvalid")
	}
}

// hangUp are sessions whose client goes away as soon as its token is refused.
type hangUp struct {
	sso.Sessions
	cancel context.CancelFunc
}

func (s hangUp) RotateToken(ctx context.Context, r sso.Rotation) error {
	defer s.cancel()
	return s.Sessions.RotateToken(ctx, r)
}

func TestThiefWhoHangsUpDoesNotKeepTheSession(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
	second := h.refresh(first.Token, sso.ModeJSON)
	ctx, cancel := context.WithCancel(t.Context())
	h.sessions = hangUp{Sessions: h.store, cancel: cancel}
	h.restart()
	_, err := h.Refresh(ctx, first.Token, sso.ModeJSON)
	wantErr(t, "the thief", err, sso.ErrTokenReused)
	h.wantNoRefresh("the client", second.Token, sso.ModeJSON, sso.ErrSessionInvalid)
}

func TestRefreshTokenIsUsedOnceByMany(t *testing.T) {
	h := newHouse(t)
	token := h.signIn(sso.Start{Mode: sso.ModeJSON}, alice()).Token
	var group sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		group.Go(func() { _, errs[i] = h.Refresh(t.Context(), token, sso.ModeJSON) })
	}
	group.Wait()
	good := 0
	for _, err := range errs {
		if err == nil {
			good++
		} else {
			wantErr(t, "refreshing at once", err, sso.ErrSessionInvalid)
		}
	}
	if good > 1 {
		t.Errorf("%d of %d succeed", good, len(errs))
	}
	if n := h.count("sessions"); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

func TestSessionTokenHasAGrace(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{}, alice())
	second := h.refresh(first.Token, sso.ModeSession)
	h.clock.advance(grace - time.Millisecond)
	h.wantSession("a request under way", first.Token, nil)
	third := h.refresh(first.Token, sso.ModeSession)
	h.wantSession("the first tab", second.Token, nil)
	h.wantSession("the second tab", third.Token, nil)
	h.clock.advance(time.Millisecond)
	h.wantSession("after the grace", first.Token, sso.ErrSessionInvalid)
	h.wantSession("the session goes on", second.Token, nil)
	h.clock.advance(time.Millisecond)
	h.wantNoRefresh("the thief", first.Token, sso.ModeSession, sso.ErrTokenReused)
	h.wantSession("the first tab is signed out", second.Token, sso.ErrSessionInvalid)
	h.wantSession("the second tab is signed out", third.Token, sso.ErrSessionInvalid)
}

// Were the grace counted anew at each use, a token that was stolen would stay
// good for as long as the thief keeps using it.
func TestGraceIsNotExtendedByUse(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{}, alice())
	h.refresh(first.Token, sso.ModeSession)
	h.clock.advance(grace - time.Second)
	h.refresh(first.Token, sso.ModeSession)
	h.clock.advance(2 * time.Second)
	h.wantSession("after the grace", first.Token, sso.ErrSessionInvalid)
	h.wantNoRefresh("after the grace", first.Token, sso.ModeSession, sso.ErrTokenReused)
}

func TestTwoTabsRefreshAtOnce(t *testing.T) {
	h := newHouse(t)
	token := h.signIn(sso.Start{}, alice()).Token
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			done, err := h.Refresh(t.Context(), token, sso.ModeSession)
			if err != nil {
				t.Errorf("refreshing: %v", err)
				return
			}
			if _, err := h.Authenticate(t.Context(), done.Token); err != nil {
				t.Errorf("authenticating: %v", err)
			}
		})
	}
	group.Wait()
}

func TestG12KindsOfTokensAreNotMixedUp(t *testing.T) {
	h := newHouse(t)
	session, refresh := h.signIn(sso.Start{}, alice()), h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
	sealed := h.begin(sso.Start{}).Sealed
	for _, token := range []sso.Token{refresh.Token, sso.Token(refresh.Access), sso.Token(sealed), sso.Token(session.Session.ID), ""} {
		h.wantSession("as a session token", token, sso.ErrSessionInvalid)
		h.wantNoRefresh("as a session token", token, sso.ModeSession, sso.ErrSessionInvalid)
	}
	for _, token := range []sso.Token{session.Token, sso.Token(refresh.Access), sso.Token(sealed), sso.Token(refresh.Session.ID), ""} {
		h.wantNoRefresh("as a refresh token", token, sso.ModeJSON, sso.ErrSessionInvalid)
		h.wantNoRefresh("as a refresh token", token, sso.ModeCookie, sso.ErrSessionInvalid)
	}
	for _, token := range []sso.Token{session.Token, refresh.Token, sso.Token(sealed), ""} {
		h.wantAccess("as an access token", string(token), sso.ErrTokenInvalid)
	}
	h.wantSession("the session is unharmed", session.Token, nil)
	h.refresh(refresh.Token, sso.ModeJSON)
}

func TestProviderThatWasRemoved(t *testing.T) {
	h := newHouse(t, provider("p"), provider("q"))
	done := h.signIn(sso.Start{Provider: "q", Mode: sso.ModeJSON}, alice())
	h.providers.configure(provider("p"))
	h.wantNoRefresh("without its provider", done.Token, sso.ModeJSON, sso.ErrUnknownProvider)
	h.providers.configure(provider("p"), provider("q"))
	h.refresh(done.Token, sso.ModeJSON)
}

func TestAccessTokenThatCannotBeIssued(t *testing.T) {
	h := newHouse(t)
	done := h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
	h.tokens.fail = errors.New("no key")
	h.wantNoRefresh("without a key", done.Token, sso.ModeJSON, h.tokens.fail)
	_, err := h.tryToSignIn(sso.Start{Mode: sso.ModeJSON}, alice())
	wantErr(t, "signing in without a key", err, h.tokens.fail)
	h.tokens.fail = nil
	h.refresh(done.Token, sso.ModeJSON)
}

func TestAccessTokenOfAnotherUser(t *testing.T) {
	h := newHouse(t)
	mine, other := h.signIn(sso.Start{}, alice()), h.signIn(sso.Start{}, sdk.Identity{Subject: "bob"})
	access, err := h.tokens.Issue(t.Context(), sso.AccessClaims{
		UserID: other.User.ID, SessionID: mine.Session.ID, IssuedAt: start, ExpiresAt: start.Add(time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.wantAccess("with the session of somebody else", access, sso.ErrTokenInvalid)
}
