package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// Session is a signed-in browser or client.
type Session struct {
	ID        string          `json:"id" doc:"UUID; not a secret"`
	User      string          `json:"user" doc:"ID of the user"`
	Email     *string         `json:"email" doc:"e-mail address of the user"`
	Provider  string          `json:"provider"`
	Kind      sso.SessionKind `json:"kind" enum:"session|refresh" doc:"session: with a cookie; refresh: with refresh and access tokens"`
	CreatedAt *time.Time      `json:"created_at"`
	ExpiresAt *time.Time      `json:"expires_at" doc:"when the session ends unless it is refreshed"`
	NotAfter  *time.Time      `json:"not_after" doc:"when the session ends even if it is refreshed"`
	IP        *string         `json:"ip" doc:"address at the login"`
	UserAgent *string         `json:"user_agent" doc:"user agent at the login, as the client sent it"`
}

// SessionDetails is a session with members that lists leave out.
type SessionDetails struct {
	Session
	GroupsKnown bool     `json:"groups_known" doc:"whether the provider reported all groups"`
	Groups      []string `json:"groups" doc:"groups that the provider reported"`
}

func showSession(s StoredSession) Session {
	return Session{
		ID: s.Session.ID, User: s.Session.UserID, Email: orNull(s.Email), Provider: s.Session.Provider, Kind: s.Session.Kind,
		CreatedAt: timeOrNull(s.Session.CreatedAt), ExpiresAt: timeOrNull(s.Session.ExpiresAt), NotAfter: timeOrNull(s.Session.NotAfter),
		IP: orNull(s.Session.IP), UserAgent: orNull(s.Session.UserAgent),
	}
}

// ListSessions requests sessions that have not expired.
type ListSessions struct {
	User     string `json:"-" query:"user" max:"64" doc:"only sessions of the user with this ID"`
	Provider string `json:"-" query:"provider" max:"64" doc:"only sessions created through this provider"`
	Paging
}

// OneSession names a session.
type OneSession struct {
	Session string `json:"-" path:"session" max:"64" doc:"ID of the session"`
}

// EndSessions selects the sessions to end. One of All, Provider and User is required, so
// that nobody ends all sessions by leaving out a name.
type EndSessions struct {
	All      bool   `json:"all,omitempty" doc:"all sessions; cannot be combined with other members"`
	Provider string `json:"provider,omitempty" max:"64" doc:"only sessions created through this provider"`
	User     string `json:"user,omitempty" max:"1024" doc:"only sessions of the user with this ID or e-mail address"`
}

// EndedSessions reports how many sessions ended.
type EndedSessions struct {
	SessionsEnded int `json:"sessions_ended"`
}

const listOfSessions = "sessions"

// ListSessions returns the sessions that match, in the order in which they began.
func (o *Operations) ListSessions(ctx context.Context, req ListSessions) (Page[Session], error) {
	if _, err := o.allow(ctx, SessionsRead); err != nil {
		return Page[Session]{}, err
	}
	part, err := req.part(listOfSessions)
	if err != nil {
		return Page[Session]{}, err
	}
	found, next, err := o.ports.Accounts.FindSessions(ctx, SessionFilter{User: req.User, Provider: req.Provider, Now: o.ports.Now()}, part)
	if err != nil {
		return Page[Session]{}, fmt.Errorf("listing sessions: %w", err)
	}
	return pageOf(listOfSessions, found, next, showSession), nil
}

// ShowSession returns a session, or sso.ErrNotFound if it does not exist or has expired.
func (o *Operations) ShowSession(ctx context.Context, req OneSession) (SessionDetails, error) {
	if _, err := o.allow(ctx, SessionsRead); err != nil {
		return SessionDetails{}, err
	}
	session, user, err := o.session(ctx, req.Session)
	if err != nil {
		return SessionDetails{}, err
	}
	details := SessionDetails{Session: showSession(StoredSession{session, user.Email}), GroupsKnown: session.Groups.Known(), Groups: session.Groups.List()}
	if details.Groups == nil {
		details.Groups = []string{}
	}
	return details, nil
}

func (o *Operations) session(ctx context.Context, id string) (sso.Session, sso.User, error) {
	session, user, err := o.ports.Sessions.SessionUser(ctx, id, o.ports.Now())
	if errors.Is(err, sso.ErrNotFound) {
		return sso.Session{}, sso.User{}, notFound("session", id)
	}
	if err != nil {
		return sso.Session{}, sso.User{}, fmt.Errorf("looking up a session: %w", err)
	}
	return session, user, nil
}

// EndSession ends one session. sso.ErrNotFound if it does not exist or has expired.
func (o *Operations) EndSession(ctx context.Context, req OneSession) (EndedSessions, error) {
	actor, err := o.allow(ctx, SessionsWrite)
	if err != nil {
		return EndedSessions{}, err
	}
	session, _, err := o.session(ctx, req.Session)
	if err != nil {
		return EndedSessions{}, err
	}
	if err := o.ports.Sessions.EndSession(ctx, req.Session, o.ending(ctx, actor)); err != nil {
		return EndedSessions{}, fmt.Errorf("ending a session: %w", err)
	}
	o.changed(actor, "sessions ended", "sessions", 1, "session", req.Session, "user", session.UserID)
	return EndedSessions{1}, nil
}

// EndSessions ends all matching sessions, and returns how many.
func (o *Operations) EndSessions(ctx context.Context, req EndSessions) (EndedSessions, error) {
	actor, err := o.allow(ctx, SessionsWrite)
	if err != nil {
		return EndedSessions{}, err
	}
	switch some := req.Provider != "" || req.User != ""; {
	case req.All && some:
		return EndedSessions{}, invalid("all", "ends every session; leave it out to end those of provider or user only")
	case !req.All && !some:
		return EndedSessions{}, invalid("all", "is missing: select sessions with all, provider or user")
	}
	ended, err := sso.EndSessions(ctx, o.ports.Sessions, sso.SessionMatch{Provider: req.Provider, User: req.User}, o.ending(ctx, actor))
	o.changed(actor, "sessions ended", "sessions", ended, "provider", req.Provider, "user", req.User)
	return EndedSessions{ended}, err
}
