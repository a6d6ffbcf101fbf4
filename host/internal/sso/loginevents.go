package sso

import "context"

// event creates an event of now, about the current request.
func (s *Service) event(ctx context.Context, kind EventKind, by ActorKind) Event {
	request := RequestOf(ctx)
	e := Event{At: s.config.Now(), Kind: kind, Actor: by, RequestID: request.ID}
	if request.Address.IsValid() {
		e.Address = request.Address.String()
	}
	return e
}

// ending creates the event of a session that ends.
func (s *Service) ending(ctx context.Context, by ActorKind, reason string) Event {
	e := s.event(ctx, EventSessionEnded, by)
	e.Reason = reason
	return e
}

// loginEvents creates the events of a login, once the user is decided.
type loginEvents struct {
	begun Event // what is known before the decision

	known     *User     // nil: the login creates the user
	claimedBy ClaimKind // empty: the login takes no waiting account
	user      User
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
	if l.known == nil {
		added := l.about(EventUserAdded, ActorUser)
		added.Reason, added.Detail = ReasonFirstLogin, RoleDetail("", l.user.Role)
		return []Event{added, signedIn}
	}
	events := l.claimed()
	if l.known.Role != l.user.Role {
		events = append(events, l.roleChanged())
	}
	return append(events, signedIn)
}

// claimReasons are the reasons of events by the kind of claim.
var claimReasons = map[ClaimKind]string{
	ClaimByInvitation: ReasonInvitation, ClaimByEmail: ReasonVerifiedEmail, ClaimByIdentifier: ReasonImported,
}

// claimed returns the events of a waiting account that a login takes.
func (l *loginEvents) claimed() (events []Event) {
	if l.claimedBy == "" {
		return nil
	}
	linked := l.about(EventUserLinked, ActorUser)
	linked.Reason = claimReasons[l.claimedBy]
	events = append(events, linked)
	if l.known.Status != l.user.Status {
		activated := l.about(EventUserActivated, ActorUser)
		activated.Reason = linked.Reason
		events = append(events, activated)
	}
	return events
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

// RoleDetail returns the Detail of an event about the role of a user, from the role IDs
// before and after; empty if both are the same.
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
