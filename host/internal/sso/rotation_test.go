package sso_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

func TestRefreshTokenRotates(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
	h.clock.advance(time.Minute)
	second := h.refresh(first.Token, sso.ModeCookie)
	if second.Token == first.Token || second.Session.ID != first.Session.ID || second.User.ID != first.User.ID || second.Mode != sso.ModeCookie {
		t.Errorf("refreshed: %+v after %+v", second, first)
	}
	if second.ExpiresIn != accessTTL || second.TokenTTL != refreshEnd-time.Minute {
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
	h.clock.advance(grace)
	h.wantNoRefresh("the thief", first.Token, sso.ModeJSON, sso.ErrTokenReused)
	h.wantNoRefresh("the client", second.Token, sso.ModeJSON, sso.ErrSessionInvalid)
	h.wantNoRefresh("the thief again", first.Token, sso.ModeJSON, sso.ErrSessionInvalid)
	h.wantAccess("the access token", second.Access, sso.ErrSessionInvalid)
	h.refresh(other.Token, sso.ModeJSON)
	if !errors.Is(sso.ErrTokenReused, sso.ErrSessionInvalid) {
		t.Error("ErrTokenReused is no ErrSessionInvalid")
	}
}

// hangUp is a store whose client goes away as soon as its token is looked up.
type hangUp struct {
	sso.Sessions
	cancel context.CancelFunc
}

func (s hangUp) SessionToken(ctx context.Context, token sso.TokenHash) (sso.SessionToken, error) {
	defer s.cancel()
	return s.Sessions.SessionToken(ctx, token)
}

func TestThiefWhoHangsUpDoesNotKeepTheSession(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{Mode: sso.ModeJSON}, alice())
	second := h.refresh(first.Token, sso.ModeJSON)
	h.clock.advance(grace)
	ctx, cancel := context.WithCancel(t.Context())
	h.sessions = hangUp{Sessions: h.store, cancel: cancel}
	h.restart()
	_, err := h.Refresh(ctx, first.Token, sso.ModeJSON)
	wantErr(t, "the thief", err, sso.ErrTokenReused)
	h.wantNoRefresh("the client", second.Token, sso.ModeJSON, sso.ErrSessionInvalid)
}

func TestSessionTokenHasAGrace(t *testing.T) {
	h := newHouse(t)
	first := h.signIn(sso.Start{}, alice())
	second := h.refresh(first.Token, sso.ModeSession)
	h.clock.advance(grace - time.Millisecond)
	h.wantSession("a request under way", first.Token, nil)
	h.wantSuccessor("the second tab", first.Token, sso.ModeSession, second.Token)
	h.wantSession("both tabs", second.Token, nil)
	h.clock.advance(time.Millisecond)
	h.wantSession("after the grace", first.Token, sso.ErrSessionInvalid)
	h.wantSession("the session goes on", second.Token, nil)
	h.wantNoRefresh("the thief", first.Token, sso.ModeSession, sso.ErrTokenReused)
	h.wantSession("both tabs are signed out", second.Token, sso.ErrSessionInvalid)
}

// If the grace began again at each use, a stolen token would stay valid as long as the
// thief keeps using it.
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

func TestProviderThatWasRemoved(t *testing.T) {
	h := newHouse(t, provider("p"), provider("q"))
	done := h.signIn(sso.Start{Provider: "q", Mode: sso.ModeJSON}, alice())
	h.providers.configure(provider("p"))
	h.wantNoRefresh("without its provider", done.Token, sso.ModeJSON, sso.ErrSessionNotNow)
	if _, err := h.AuthenticateAccess(t.Context(), done.Access); !errors.Is(err, sso.ErrSessionNotNow) {
		t.Errorf("access token without its provider: %v", err)
	}
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
