package e2e

import (
	"errors"
	"net/http"
	"testing"

	"github.com/doorward/doorward/host/internal/sso"
)

// stored is the data of a login in a database.
type stored struct {
	sessions int
	current  int // the number of tokens that can be exchanged
	named    int // the number of the provider's IDs of the session
	user     bool
	link     bool // whether the link belongs to this user only
}

// storedLogins is the data of all logins in a database.
type storedLogins struct {
	byEntry      map[string]stored // by the ID of the entry
	attempts     map[string]bool   // once-IDs
	users, links map[string]int    // by subject
}

func (s *killedSite) stored(t *testing.T) storedLogins {
	t.Helper()
	all := storedLogins{byEntry: map[string]stored{}, attempts: map[string]bool{}, users: map[string]int{}, links: map[string]int{}}
	s.query(t, `
		SELECT s.user_agent, u.pk IS NOT NULL, l.user_pk IS NOT NULL,
			(SELECT count(*) FROM {session_tokens} t WHERE t.session_pk = s.pk AND t.spent_at IS NULL),
			(SELECT count(*) FROM {provider_sessions} p WHERE p.session_pk = s.pk)
		FROM {sessions} s LEFT JOIN {users} u ON u.pk = s.user_pk
			LEFT JOIN {links} l ON l.user_pk = u.pk AND l.provider = u.provider AND l.subject = u.subject`,
		func(scan func(...any) error) error {
			var id string
			var user, link bool
			var current, named int
			err := scan(&id, &user, &link, &current, &named)
			e := all.byEntry[id]
			all.byEntry[id] = stored{e.sessions + 1, e.current + current, e.named + named, user, link}
			return err
		})
	texts := func(query string, each func(text string)) {
		s.query(t, query, func(scan func(...any) error) error {
			var text []byte
			err := scan(&text)
			each(string(text))
			return err
		})
	}
	texts(`SELECT id FROM {once} WHERE scope = 'attempt'`, func(id string) { all.attempts[id] = true })
	texts(`SELECT subject FROM {users}`, func(subject string) { all.users[subject]++ })
	texts(`SELECT subject FROM {links}`, func(subject string) { all.links[subject]++ })
	return all
}

func (l storedLogins) attempt(e *entry) bool { return l.attempts[sso.AttemptID(e.state)] }

// check compares the whole diary with the database.
func (l storedLogins) check(t *testing.T, j *diary) {
	t.Helper()
	for _, e := range j.entries {
		l.checkEntry(t, e)
	}
	for subject, n := range l.users {
		if n != 1 || l.links[subject] != 1 {
			t.Errorf("%s: %d users, %d links", subject, n, l.links[subject])
		}
	}
}

func (l storedLogins) checkEntry(t *testing.T, e *entry) {
	t.Helper()
	got, spent := l.byEntry[e.id], l.attempt(e)
	if whole := (stored{1, 1, 1, true, true}); got != whole && got != (stored{}) {
		t.Errorf("%s left %+v, want %+v or nothing", e, got, whole)
	}
	there := got.sessions > 0
	ended := e.left || e.by != nil && l.attempt(e.by)
	switch {
	case e.answered && !spent:
		t.Errorf("%s was answered, and its attempt is not spent", e)
	case e.answered && !there && !ended && !e.leaving:
		t.Errorf("%s was answered, and is gone", e)
	case ended && there:
		t.Errorf("%s has ended, and is there", e)
	case !e.answered && there != spent:
		t.Errorf("%s was not answered: its session is there: %v, its attempt is spent: %v", e, there, spent)
	}
	if e.newcomer && (l.users[e.subject] == 1) != spent {
		t.Errorf("%s is the first login of %s, attempt spent: %v, users: %d", e, e.subject, spent, l.users[e.subject])
	}
}

func (e *entry) String() string { return e.id + " in mode " + e.mode }

// query runs a query with the names of tables in braces.
func (s *killedSite) query(t *testing.T, query string, each func(scan func(...any) error) error) {
	t.Helper()
	rows, err := s.db.QueryContext(t.Context(), bracesOf(s.schema).Replace(query))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
}

// counts contains the observations of a test.
type counts struct {
	asked, answered, refreshed, left, replaced int
	unanswered, whole                          int // logins without a response; those that are stored
	halfRefreshes, halfLogouts                 int // those without a response
	again, accepted                            int // repeated callbacks; those that were not accepted before
}

// play repeats the callbacks of a round. A callback that was accepted before is refused, and no
// user is stored twice.
func (s *killedSite) play(t *testing.T, entries []*entry, before storedLogins, c *counts) {
	t.Helper()
	for _, e := range entries {
		if e.callback == "" {
			continue
		}
		c.again++
		got, ok := s.come(t.Context(), e)
		token, _ := tokensIn(e.mode, got)
		switch {
		case !ok:
			t.Errorf("%s again: no answer", e)
		case token != "" && before.attempt(e):
			t.Errorf("%s was accepted again", e)
		case token != "":
			c.accepted++
			e.answered = true
			e.keep(got)
		case got.status != http.StatusUnauthorized:
			t.Errorf("%s again: %d %.300s", e, got.status, got.body)
		}
		if token == "" {
			continue
		}
		if got, ok := s.come(t.Context(), e); !ok || got.status != http.StatusUnauthorized {
			t.Errorf("%s a third time: %d %.300s", e, got.status, got.body)
		}
	}
}

// checkTokens uses the tokens of a session, and records the results.
func (s *killedSite) checkTokens(t *testing.T, e *entry, there bool) {
	t.Helper()
	if !e.answered {
		return
	}
	e.left = e.left || !there // if it was not known
	if e.left {
		s.wantMe(t, e, http.StatusUnauthorized)
		s.wantNoRefresh(t, "the token of a session that ended", e, e.token())
		return
	}
	s.wantMe(t, e, http.StatusOK)
	last := e.token()
	if n := len(e.tokens); n > 1 && !e.refreshing {
		if again := s.wantRefresh(t, "a token that was replaced", e, e.tokens[n-2]); again != last {
			t.Errorf("%s: a token that was replaced leads to another successor", e)
		}
	}
	next := s.wantRefresh(t, "the current token", e, last)
	if again := s.wantRefresh(t, "the current token again", e, last); again != next || next == last {
		t.Errorf("%s: its token leads to two successors", e)
	}
	if n := len(e.tokens); n > 1 {
		s.wantNoRefresh(t, "a token whose successor was replaced", e, e.tokens[n-2])
	}
	e.tokens, e.refreshing = append(e.tokens, next), false
	s.wantMe(t, e, http.StatusOK)
}

func (s *killedSite) wantRefresh(t *testing.T, what string, e *entry, token string) (next string) {
	t.Helper()
	got, ok := s.refresh(t.Context(), e, token)
	next, _ = tokensIn(e.mode, got)
	if !ok || got.status != http.StatusOK || next == "" {
		t.Errorf("%s: a refresh with %s: %d %.300s", e, what, got.status, got.body)
	}
	return next
}

func (s *killedSite) wantNoRefresh(t *testing.T, what string, e *entry, token string) {
	t.Helper()
	if got, ok := s.refresh(t.Context(), e, token); !ok || got.status != http.StatusUnauthorized {
		t.Errorf("%s: a refresh with %s: %d %.300s", e, what, got.status, got.body)
	}
}

// wantMe checks who is signed in.
func (s *killedSite) wantMe(t *testing.T, e *entry, status int) {
	t.Helper()
	header := http.Header{"Cookie": {sessionCookie + "=" + e.token()}}
	if e.mode == "json" {
		header = bearer(e.access)
	}
	got, ok := s.ask(t.Context(), http.MethodGet, s.URL+"/users/me", nil, header)
	if !ok || got.status != status {
		t.Errorf("%s: who am I: %d %.300s, want %d", e, got.status, got.body, status)
		return
	}
	if status == http.StatusOK && got.json(t).Data.ExternalIdentifier != e.subject {
		t.Errorf("%s: signed in is %s, want %s", e, got.body, e.subject)
	}
}
