package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// eventColumns are the columns that eventFields scans, after the ID.
const eventColumns = `at, kind, actor, actor_name, provider, subject, user_id, session_id, address, user_agent, reason, detail, request_id, sessions_ended`

const (
	insertEvent = `INSERT INTO doorward.events (` + eventColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`

	selectEvents = `SELECT id, ` + eventColumns + ` FROM doorward.events`
)

func eventFields(e *placed[sso.Event]) []any {
	r := &e.row
	return []any{
		&e.pk, moment{&r.At}, (*string)(&r.Kind), (*string)(&r.Actor), &r.ActorName, &r.Provider, &r.Subject, &r.UserID, &r.SessionID,
		&r.Address, &r.UserAgent, &r.Reason, &r.Detail, &r.RequestID, &r.SessionsEnded,
	}
}

// storedEvent returns the values of an event, in the order of eventColumns.
func storedEvent(e sso.Event) []any {
	e = e.Bounded()
	return []any{
		e.At.UnixMilli(), string(e.Kind), string(e.Actor), text(e.ActorName), text(e.Provider), text(e.Subject), text(e.UserID), text(e.SessionID),
		text(e.Address), text(e.UserAgent), text(e.Reason), text(e.Detail), text(e.RequestID), e.SessionsEnded,
	}
}

// note stores events in the same transaction as the change that they record. It needs no
// extra round trip.
func (t *transaction) note(events ...sso.Event) {
	for _, e := range events {
		if e.Kind != "" {
			t.queue(insertEvent, storedEvent(e)...)
		}
	}
}

// An event in a statement that has other parameters before it: the source of each column,
// and whether there is an event at all.
func eventBehind(parameters int, from map[string]string) (columns, isKept string) {
	var list []string
	for i, name := range strings.Split(eventColumns, ", ") {
		value := fmt.Sprintf("$%d::text", parameters+1+i)
		switch {
		case from[name] != "":
			value = fmt.Sprintf("coalesce(%s, %s)", from[name], value)
		case name == "at" || name == "sessions_ended":
			value = fmt.Sprintf("$%d::bigint", parameters+1+i)
		case name == "kind":
			isKept = value + " <> ''"
		}
		list = append(list, value)
	}
	return strings.Join(list, ", "), isKept
}

// noting extends a statement that changes rows and has that many parameters: it also
// stores an event if any row changed, and returns how many did.
func noting(statement string, parameters int) string {
	columns, isKept := eventBehind(parameters, nil)
	return `WITH changed AS (` + statement + ` RETURNING 1), noted AS (
		INSERT INTO doorward.events (` + eventColumns + `) SELECT ` + columns + ` FROM changed WHERE ` + isKept + ` LIMIT 1
	) SELECT count(*) FROM changed`
}

// ending extends a statement that deletes sessions s and has that many parameters: it
// also stores an event for each, and returns their endedColumns. Their tokens are deleted
// with them.
func ending(statement string, parameters int) string {
	columns, isKept := eventBehind(parameters, map[string]string{"provider": "e.provider", "user_id": "u.id", "session_id": "e.id"})
	return `WITH ended AS (` + statement + ` RETURNING s.id, s.user_pk, s.provider, s.kind), noted AS (
		INSERT INTO doorward.events (` + eventColumns + `)
		SELECT ` + columns + ` FROM ended e JOIN doorward.users u ON u.pk = e.user_pk WHERE ` + isKept + `
	) SELECT e.id, u.id, e.provider, e.kind FROM ended e JOIN doorward.users u ON u.pk = e.user_pk`
}

// countNoted is count with an event that is stored if the statement affected any row.
func (s *Store) countNoted(ctx context.Context, doing string, event sso.Event, statement string, arguments ...any) (n int, err error) {
	err = s.write(ctx, doing, func(_ context.Context, t *transaction) error {
		t.queue(noting(statement, len(arguments)), slices.Concat(arguments, storedEvent(event))...).QueryRow(scanInto(&n))
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// queueEnding queues a statement made by ending, and adds the sessions that it ended to
// ended.
func (t *transaction) queueEnding(ended *[]sso.Session, event sso.Event, statement string, arguments ...any) {
	t.queue(statement, slices.Concat(arguments, storedEvent(event))...).Query(func(rows pgx.Rows) (err error) {
		*ended, err = pgx.AppendRows(*ended, rows, scanEnded)
		return err
	})
}

func eventsBy(filter people.EventFilter) search {
	var by search
	by.whereGiven("user_id = ? AND user_id <> ''", filter.User) // matches the partial index
	by.whereGiven("session_id = ?", filter.Session)
	by.whereGiven("provider = ?", filter.Provider)
	by.whereGiven("kind = ?", string(filter.Kind))
	if !filter.Since.IsZero() {
		by.where("at >= ?", filter.Since.UnixMilli())
	}
	if filter.After > 0 {
		by.where("id > ?", filter.After)
	}
	return by
}

func scanEvent(row pgx.CollectableRow) (e placed[sso.Event], err error) {
	err = row.Scan(eventFields(&e)...)
	e.row.ID = e.pk
	return e, err
}

// FindEvents implements people.Audit.
func (s *Store) FindEvents(ctx context.Context, filter people.EventFilter, part people.Part) ([]sso.Event, string, error) {
	by := eventsBy(filter)
	if err := by.from("id", part); err != nil {
		return nil, "", err
	}
	statement := by.statement(selectEvents, "id", part)
	return find(ctx, s, "listing events", statement, by, part.Limit, scanEvent)
}

// LastEvents implements people.Audit.
func (s *Store) LastEvents(ctx context.Context, filter people.EventFilter, limit int) ([]sso.Event, error) {
	by := eventsBy(filter)
	statement := by.statement(selectEvents, "id DESC", people.Part{Limit: limit - 1})
	events, _, err := find(ctx, s, "listing events", statement, by, limit, scanEvent)
	slices.Reverse(events)
	return events, err
}

const (
	anyOldEvent  = `SELECT EXISTS (SELECT 1 FROM doorward.events WHERE at < $1)`
	removeEvents = `
		WITH old AS (SELECT id FROM doorward.events WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)
		DELETE FROM doorward.events e USING old o WHERE e.id = o.id AND e.id < (SELECT max(id) FROM doorward.events)`
)

// RemoveEvents implements store.Store.
func (s *Store) RemoveEvents(ctx context.Context, before time.Time, limit int) (int, error) {
	const doing = "removing old events"
	var found bool
	err := s.read(ctx, doing, func(ctx context.Context, conn *pgxpool.Conn) error {
		return conn.QueryRow(ctx, anyOldEvent, millis(before)).Scan(&found)
	})
	if err != nil || !found {
		return 0, err
	}
	return s.count(ctx, doing, removeEvents, millis(before), limit)
}
