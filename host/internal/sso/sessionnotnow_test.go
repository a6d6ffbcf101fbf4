package sso_test

import (
	"context"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// A provider that is missing for a moment signs nobody out permanently.
func TestProviderThatIsMissingForAMoment(t *testing.T) {
	h := newHouse(t, provider("p"), provider("q"))
	session, program := h.signIn(sso.Start{Provider: "q"}, alice()), h.signIn(sso.Start{Provider: "q", Mode: sso.ModeJSON}, alice())
	h.providers.configure(provider("p"))
	h.wantSession("a session check", session.Token, sso.ErrSessionNotNow)
	h.wantAccess("an access token", program.Access, sso.ErrSessionNotNow)
	h.wantNoRefresh("a cookie", session.Token, sso.ModeSession, sso.ErrSessionNotNow)
	h.wantNoRefresh("a refresh token", program.Token, sso.ModeJSON, sso.ErrSessionNotNow)
	h.providers.configure()
	h.wantSession("without any provider", session.Token, sso.ErrSessionNotNow)
	h.providers.configure(provider("p"), provider("q"))
	h.wantSession("with the provider", session.Token, nil)
	h.wantAccess("with the provider", program.Access, nil)
	h.refresh(program.Token, sso.ModeJSON)
}

// The provider is removed while it is asked.
func TestProviderThatGoesAwayDuringARefresh(t *testing.T) {
	h, done := refreshing(t, provider("p"))
	h.idp.onRefresh(func(context.Context, []byte) (sdk.Refreshed, error) {
		h.providers.configure()
		return sdk.Refreshed{Identity: alice()}, nil
	})
	h.wantNoRefresh("without its provider", done.Token, sso.ModeSession, sso.ErrSessionNotNow)
	h.providers.configure(provider("p"))
	h.wantSession("with the provider", done.Token, nil)
}

// Mechanisms judge the expiry of an account by the same clock as the host.
func TestRefusalByAClockThatWasSet(t *testing.T) {
	for reason, passes := range map[sdk.Reason]bool{
		sdk.ReasonAccountExpired: true, sdk.ReasonPasswordExpired: true, sdk.ReasonLogonNotPermitted: true,
		sdk.ReasonAccountDisabled: false, sdk.ReasonNotAllowed: false, sdk.ReasonBadCredentials: false,
	} {
		t.Run(string(reason), func(t *testing.T) {
			h, done := refreshing(t, provider("p"))
			h.clock.advance(time.Hour)
			h.clock.setBy(30 * time.Minute)
			h.idp.refreshWith(sdk.Refreshed{}, sdk.Denied(reason, "no"))
			want := sso.ErrSessionInvalid
			if passes {
				want = sso.ErrSessionNotNow
			}
			h.wantNoRefresh("while the clock is wrong", done.Token, sso.ModeSession, want)
			h.clock.setBy(-30 * time.Minute)
			if passes {
				h.wantSession("when it is right", done.Token, nil)
			}
			h.clock.advance(time.Hour)
			h.wantNoRefresh("when it has been right for long", done.Token, sso.ModeSession, sso.ErrSessionInvalid)
			h.wantSession("then", done.Token, sso.ErrSessionInvalid)
		})
	}
}
