package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// eventColumns are the columns that eventFields scans, after the ID.
const eventColumns = `at, kind, actor, actor_name, provider, subject, user_id, session_id, address, user_agent, reason, detail, request_id, sessions_ended`

const (
	insertEvent = `INSERT INTO events (` + eventColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	selectEvents = `SELECT id, ` + eventColumns + ` FROM events`
)

func eventFields(e *sso.Event) []any {
	return []any{
		&e.ID, (*timestamp)(&e.At), (*string)(&e.Kind), (*string)(&e.Actor), &e.ActorName, &e.Provider, &e.Subject, &e.UserID, &e.SessionID,
		&e.Address, &e.UserAgent, &e.Reason, &e.Detail, &e.RequestID, &e.SessionsEnded,
	}
}

// note stores events in the same transaction as the change that they record.
func (s *Store) note(ctx context.Context, tx *sql.Tx, events ...sso.Event) error {
	for _, e := range events {
		if e.Kind == "" {
			continue
		}
		e = e.Bounded()
		_, err := s.run(ctx, tx, insertEvent, e.At.UnixMilli(), string(e.Kind), string(e.Actor), e.ActorName, e.Provider, e.Subject, e.UserID, e.SessionID,
			e.Address, e.UserAgent, e.Reason, e.Detail, e.RequestID, e.SessionsEnded)
		if err != nil {
			return explain("storing an event", err)
		}
	}
	return nil
}

// noteIf is note unless the change failed.
func (s *Store) noteIf(ctx context.Context, tx *sql.Tx, err error, events ...sso.Event) error {
	if err != nil {
		return err
	}
	return s.note(ctx, tx, events...)
}

func eventsBy(filter people.EventFilter) search {
	var by search
	by.where("user_id = ? AND user_id <> ''", filter.User) // matches the partial index
	by.where("session_id = ?", filter.Session)
	by.where("provider = ?", filter.Provider)
	by.where("kind = ?", string(filter.Kind))
	if !filter.Since.IsZero() {
		by.where("at >= ?", "given", timestamp(filter.Since))
	}
	if filter.After > 0 {
		by.where("id > ?", "given", filter.After)
	}
	return by
}

func scanEvent(row *sql.Rows, e *sso.Event) (id int64, err error) {
	err = row.Scan(eventFields(e)...)
	return e.ID, err
}

// FindEvents implements people.Audit.
func (s *Store) FindEvents(ctx context.Context, filter people.EventFilter, part people.Part) ([]sso.Event, string, error) {
	by := eventsBy(filter)
	if err := by.from("id", part); err != nil {
		return nil, "", err
	}
	text, arguments := by.statement(selectEvents, "id", part)
	return found(ctx, s, text, arguments, part.Limit, scanEvent)
}

// LastEvents implements people.Audit.
func (s *Store) LastEvents(ctx context.Context, filter people.EventFilter, limit int) ([]sso.Event, error) {
	by := eventsBy(filter)
	text, arguments := by.statement(selectEvents, "id DESC", people.Part{Limit: limit - 1})
	events, _, err := found(ctx, s, text, arguments, limit, scanEvent)
	slices.Reverse(events)
	return events, err
}

// Both use the index by time.
const (
	anyOldEvent  = `SELECT EXISTS (SELECT 1 FROM events WHERE at < ?)`
	removeEvents = `DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < ? ORDER BY at LIMIT ?) AND id < (SELECT max(id) FROM events)`
)

// RemoveEvents implements store.Store.
func (s *Store) RemoveEvents(ctx context.Context, before time.Time, limit int) (removed int, err error) {
	var found bool
	if err := s.reader.QueryRowContext(ctx, anyOldEvent, timestamp(before)).Scan(&found); err != nil || !found {
		return 0, explain("looking for old events", err)
	}
	err = s.write(ctx, func(tx *sql.Tx) (err error) {
		removed, err = execCounted(ctx, tx, removeEvents, timestamp(before), limit)
		return err
	})
	if err != nil {
		return 0, err
	}
	return removed, nil
}
