package people

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// Event is something that was changed.
type Event struct {
	ID        int           `json:"id" doc:"it grows; of two events at the same time, either may have the higher one"`
	At        time.Time     `json:"at"`
	Kind      sso.EventKind `json:"kind" doc:"what happened"`
	Actor     sso.ActorKind `json:"actor" enum:"user|provider|operator|key|host" doc:"who did it: the user, the provider by what it said, who may open the control socket, a key of the administration, or Doorward by a rule"`
	ActorName *string       `json:"actor_name" doc:"of the key"`
	Provider  *string       `json:"provider"`
	Subject   *string       `json:"subject" doc:"hash of the subject at the provider, with a key of this installation"`
	User      *string       `json:"user" doc:"ID of the user"`
	Session   *string       `json:"session" doc:"ID of the session"`
	Address   *string       `json:"address" doc:"of the client"`
	UserAgent *string       `json:"user_agent" doc:"as the client said"`
	Reason    *string       `json:"reason" doc:"one word"`
	Detail    *string       `json:"detail" doc:"for people"`
	RequestID *string       `json:"request_id" doc:"as the log of the host has it"`

	SessionsEnded int `json:"sessions_ended" doc:"with a user, or with a link of theirs"`
}

func showEvent(e sso.Event) Event {
	return Event{
		ID: int(e.ID), At: e.At.UTC(), Kind: e.Kind, Actor: e.Actor, ActorName: orNull(e.ActorName), Provider: orNull(e.Provider), Subject: orNull(e.Subject),
		User: orNull(e.UserID), Session: orNull(e.SessionID), Address: orNull(e.Address), UserAgent: orNull(e.UserAgent),
		Reason: orNull(e.Reason), Detail: orNull(e.Detail), RequestID: orNull(e.RequestID), SessionsEnded: e.SessionsEnded,
	}
}

// ListEvents asks for events.
type ListEvents struct {
	Since    time.Time `json:"-" query:"since" doc:"only those that are not older"`
	User     string    `json:"-" query:"user" max:"64" doc:"only those about the user with this ID"`
	Session  string    `json:"-" query:"session" max:"64" doc:"only those about this session"`
	Provider string    `json:"-" query:"provider" max:"64" doc:"only those about this provider"`
	Kind     string    `json:"-" query:"kind" max:"64" doc:"only those of this kind"`
	After    int       `json:"-" query:"after" min:"0" most:"9007199254740991" doc:"only those with a higher ID. An event can show some seconds after one with a higher ID: who follows the list goes back a little"`
	Last     bool      `json:"-" query:"last" doc:"the newest that match, the oldest of them first, instead of the first; goes without cursor"`
	Paging
}

const listOfEvents = "events"

// ListEvents returns the events that match, the oldest first.
func (o *Operations) ListEvents(ctx context.Context, req ListEvents) (Page[Event], error) {
	if _, err := o.allow(ctx, AuditRead); err != nil {
		return Page[Event]{}, err
	}
	filter, err := req.filter()
	if err != nil {
		return Page[Event]{}, err
	}
	part, err := req.part(listOfEvents)
	if err != nil {
		return Page[Event]{}, err
	}
	var found []sso.Event
	next := ""
	if req.Last {
		found, err = o.ports.Audit.LastEvents(ctx, filter, part.Limit)
	} else {
		found, next, err = o.ports.Audit.FindEvents(ctx, filter, part)
	}
	if err != nil {
		return Page[Event]{}, fmt.Errorf("listing events: %w", err)
	}
	return pageOf(listOfEvents, found, next, showEvent), nil
}

func (r ListEvents) filter() (EventFilter, error) {
	kind := sso.EventKind(r.Kind)
	if kinds := sso.EventKinds(); kind != "" && !slices.Contains(kinds, kind) {
		return EventFilter{}, invalid("kind", "is none that there is; there are %s", joined(kinds))
	}
	if r.Last && r.Cursor != "" {
		return EventFilter{}, invalid("last", "goes without cursor")
	}
	return EventFilter{Since: r.Since, User: r.User, Session: r.Session, Provider: r.Provider, Kind: kind, After: int64(r.After)}, nil
}
