package web_test

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
)

// unsure are sessions that write, but report, while now is set, that they do not know
// whether they did.
type unsure struct {
	sso.Sessions
	now *atomic.Bool
}

func (u unsure) told(err error) error {
	if err == nil && u.now.Load() {
		return fmt.Errorf("%w: %w", sso.ErrOutcomeUnknown, context.DeadlineExceeded)
	}
	return err
}

func (u unsure) CreateSession(ctx context.Context, login sso.NewSession) error {
	return u.told(u.Sessions.CreateSession(ctx, login))
}

func (u unsure) RotateToken(ctx context.Context, rotation sso.Rotation) error {
	return u.told(u.Sessions.RotateToken(ctx, rotation))
}

func (u unsure) EndSession(ctx context.Context, sessionID string, event sso.Event) error {
	return u.told(u.Sessions.EndSession(ctx, sessionID, event))
}

// Nobody is told that they are signed in, or out, while that is unknown; and their tokens
// and cookies stay, because they may be valid.
func TestOutcomeThatIsNotKnown(t *testing.T) {
	const session = "directus_session_token"
	wantUnknown := func(what string, a answer) {
		t.Helper()
		if a.StatusCode != http.StatusInternalServerError || a.cookie(session) != nil {
			t.Errorf("%s: %s, cookies %v", what, a.Status, a.Cookies())
		}
	}
	s := newSite(t, "")
	person := s.browser(t)
	s.unsure.Store(true)
	wantUnknown("a login", person.signIn("op", "ada"))
	s.unsure.Store(false)
	if a := person.get("/users/me"); a.StatusCode != http.StatusUnauthorized {
		t.Errorf("after a login that nobody knows of: %s", a.Status)
	}
	person.signIn("op", "ada")
	s.unsure.Store(true)
	wantUnknown("a refresh", person.postJSON("/auth/refresh", map[string]string{"mode": "session"}))
	s.unsure.Store(false)
	if a := person.postJSON("/auth/refresh", map[string]string{"mode": "session"}); a.StatusCode != http.StatusOK || a.cookie(session) == nil {
		t.Errorf("the refresh again: %s, cookies %v", a.Status, a.Cookies())
	}
	s.unsure.Store(true)
	wantUnknown("a logout", person.postJSON("/auth/logout", map[string]string{"mode": "session"}))
	s.unsure.Store(false)
	if a := person.postJSON("/auth/logout", map[string]string{"mode": "session"}); a.StatusCode != http.StatusNoContent {
		t.Errorf("the logout again: %s %s", a.Status, a.body)
	}
}
