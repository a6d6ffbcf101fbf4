package people

import (
	"context"
	"strings"

	"github.com/doorward/doorward/host/internal/sso"
)

// event creates an event of now about an act of the actor.
func (o *Operations) event(ctx context.Context, actor Actor, kind sso.EventKind) sso.Event {
	request := sso.RequestOf(ctx)
	e := sso.Event{At: o.ports.Now(), Kind: kind, Actor: sso.ActorOperator, RequestID: request.ID}
	if actor.KeyID != "" {
		e.Actor, e.ActorName = sso.ActorKey, actor.Name
	}
	if request.Address.IsValid() {
		e.Address = request.Address.String()
	}
	return e
}

// aboutUser creates an event about a user.
func (o *Operations) aboutUser(ctx context.Context, actor Actor, kind sso.EventKind, id string) sso.Event {
	e := o.event(ctx, actor, kind)
	e.UserID = id
	return e
}

// aboutLink creates an event about a user and a link of theirs.
func (o *Operations) aboutLink(ctx context.Context, actor Actor, kind sso.EventKind, id string, link Link) sso.Event {
	e := o.aboutUser(ctx, actor, kind, id)
	e.Provider, e.Subject = link.Provider, o.ports.Subjects.Hash(link.Provider, link.Subject)
	return e
}

// named creates an event about something that has a name; it goes into Detail.
func (o *Operations) named(ctx context.Context, actor Actor, kind sso.EventKind, name string) sso.Event {
	e := o.event(ctx, actor, kind)
	e.Detail = name
	return e
}

// ending creates the event of a session that is ended.
func (o *Operations) ending(ctx context.Context, actor Actor) sso.Event {
	e := o.event(ctx, actor, sso.EventSessionEnded)
	e.Reason = sso.ReasonEndedByOperator
	return e
}

// changes returns the events of a change to a user: one of the role, and one that names
// the other changed members, never their values. It returns none for what stays the same.
func (o *Operations) changes(ctx context.Context, actor Actor, before, after sso.User) (events []sso.Event) {
	if before.Role != after.Role {
		e := o.aboutUser(ctx, actor, sso.EventRoleChanged, after.ID)
		e.Detail = sso.RoleDetail(before.Role, after.Role)
		events = append(events, e)
	}
	members := after.ChangedTexts(before)
	if members == nil {
		return events
	}
	e := o.aboutUser(ctx, actor, sso.EventUserChanged, after.ID)
	e.Detail = strings.Join(members, ", ")
	return append(events, e)
}
