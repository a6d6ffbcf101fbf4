package sso

import "context"

// event begins an event of now, about the request that is answered.
func (s *Service) event(ctx context.Context, kind EventKind, by ActorKind) Event {
	request := RequestOf(ctx)
	e := Event{At: s.config.Now(), Kind: kind, Actor: by, RequestID: request.ID}
	if request.Address.IsValid() {
		e.Address = request.Address.String()
	}
	return e
}

// ending is the event of a session that ends.
func (s *Service) ending(ctx context.Context, by ActorKind, reason string) Event {
	e := s.event(ctx, EventSessionEnded, by)
	e.Reason = reason
	return e
}

// loginEvents are the events of a login, once it is decided who signs in.
type loginEvents struct {
	begun Event // what is known before that

	known *User // nil: the login makes them
	user  User
}

func (s *Service) loginEvents(ctx context.Context, session Session) *loginEvents {
	e := s.event(ctx, "", ActorUser)
	e.Provider, e.SessionID, e.Address, e.UserAgent = session.Provider, session.ID, session.IP, session.UserAgent
	e.Subject = s.subjects.Hash(session.Provider, session.AtProvider.Subject)
	return &loginEvents{begun: e}
}

func (l *loginEvents) list() []Event {
	signedIn := l.about(EventSignedIn, ActorUser)
	signedIn.UserAgent = l.begun.UserAgent
	switch {
	case l.known == nil:
		added := l.about(EventUserAdded, ActorUser)
		added.Reason, added.Detail = ReasonFirstLogin, RoleDetail("", l.user.Role)
		return []Event{added, signedIn}
	case l.known.Role != l.user.Role:
		return []Event{l.roleChanged(), signedIn}
	default:
		return []Event{signedIn}
	}
}

func (l *loginEvents) about(kind EventKind, by ActorKind) Event {
	e := l.begun
	e.Kind, e.Actor, e.UserID, e.UserAgent = kind, by, l.user.ID, ""
	return e
}

func (l *loginEvents) roleChanged() Event {
	e := l.about(EventRoleChanged, ActorProvider)
	e.Detail = RoleDetail(l.known.Role, l.user.Role)
	return e
}

// RoleDetail is the Detail of an event about the role of a user, by the IDs of that before
// and after; empty if both are the same.
func RoleDetail(before, after string) string {
	switch {
	case before == after:
		return ""
	case before == "":
		return "role " + after
	case after == "":
		return "no role, before: " + before
	default:
		return "role " + after + ", before: " + before
	}
}
