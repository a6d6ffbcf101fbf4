package people

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// Event records a change.
type Event struct {
	ID        int           `json:"id" doc:"increases; of two events at the same time, either may have the higher ID"`
	At        time.Time     `json:"at"`
	Kind      sso.EventKind `json:"kind" doc:"what happened"`
	Actor     sso.ActorKind `json:"actor" enum:"user|provider|operator|key|host" doc:"who did it: the user, the provider through a message, an operator with access to the control socket, an administration key, or Doorward itself"`
	ActorName *string       `json:"actor_name" doc:"name of the key"`
	Provider  *string       `json:"provider"`
	Subject   *string       `json:"subject" doc:"hash of the subject at the provider, keyed for this installation"`
	User      *string       `json:"user" doc:"ID of the user"`
	Session   *string       `json:"session" doc:"ID of the session"`
	Address   *string       `json:"address" doc:"address of the client"`
	UserAgent *string       `json:"user_agent" doc:"as the client sent it"`
	Reason    *string       `json:"reason" doc:"one word"`
	Detail    *string       `json:"detail" doc:"explanation in plain text"`
	RequestID *string       `json:"request_id" doc:"as in the host's log"`

	SessionsEnded int `json:"sessions_ended" doc:"number of sessions that ended with a user or a link"`
}

func showEvent(e sso.Event) Event {
	return Event{
		ID: int(e.ID), At: e.At.UTC(), Kind: e.Kind, Actor: e.Actor, ActorName: orNull(e.ActorName), Provider: orNull(e.Provider), Subject: orNull(e.Subject),
		User: orNull(e.UserID), Session: orNull(e.SessionID), Address: orNull(e.Address), UserAgent: orNull(e.UserAgent),
		Reason: orNull(e.Reason), Detail: orNull(e.Detail), RequestID: orNull(e.RequestID), SessionsEnded: e.SessionsEnded,
	}
}

// ListEvents requests events.
type ListEvents struct {
	Since    time.Time `json:"-" query:"since" doc:"only events at or after this time"`
	User     string    `json:"-" query:"user" max:"64" doc:"only events about the user with this ID"`
	Session  string    `json:"-" query:"session" max:"64" doc:"only events about this session"`
	Provider string    `json:"-" query:"provider" max:"64" doc:"only events about this provider"`
	Kind     string    `json:"-" query:"kind" max:"64" doc:"only events of this kind"`
	After    int       `json:"-" query:"after" min:"0" most:"9007199254740991" doc:"only events with a higher ID. An event can appear some seconds after one with a higher ID: clients that follow the list should reread the latest IDs"`
	Last     bool      `json:"-" query:"last" doc:"return the newest matching events instead of the oldest; still sorted oldest first; cannot be combined with cursor"`
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
		return EventFilter{}, invalid("kind", "is unknown; the kinds are %s", joinedNames(kinds))
	}
	if r.Last && r.Cursor != "" {
		return EventFilter{}, invalid("last", "cannot be combined with cursor")
	}
	return EventFilter{Since: r.Since, User: r.User, Session: r.Session, Provider: r.Provider, Kind: kind, After: int64(r.After)}, nil
}

func joinedNames[T ~string](list []T) string {
	names := make([]string, len(list))
	for i, one := range list {
		names[i] = string(one)
	}
	return strings.Join(names, ", ")
}
