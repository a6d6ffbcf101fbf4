package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

const (
	loadPath   = "DOORWARD_TEST_LOADED_STORE"
	loadRound  = "DOORWARD_TEST_LOADED_ROUND"
	killRounds = "DOORWARD_TEST_KILLS" // how often to kill; 20 times by default
)

// TestKillUnderLoad runs itself as a process in which many sign in at the same time, each
// attempt twice, and kills it in the middle. The journal is what the callers report on a
// pipe, before they call the store and after it has answered. Whatever was answered must
// be there after the restart, and whatever was requested must be there completely or not
// at all.
//
// It tests what a killed process leaves, not what a disk leaves after a power cut.
func TestKillUnderLoad(t *testing.T) {
	if path := os.Getenv(loadPath); path != "" {
		signInUntilKilled(t, path, os.Getenv(loadRound))
		return
	}
	rounds := 20
	if text := os.Getenv(killRounds); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "doorward.db")
	answered := 0
	for round := range rounds {
		then := rand.N(20 * time.Millisecond) //nolint:gosec // when to kill is no secret
		journal := killInTheMiddle(t, path, fmt.Sprint(round), then)
		answered += checkJournal(t, path, journal)
		if t.Failed() {
			t.Fatalf("in round %d, with %d attempts in the journal", round, len(journal))
		}
	}
	if answered == 0 {
		t.Error("no login was answered: this test shows nothing")
	}
	t.Logf("%d kills, %d logins answered", rounds, answered)
}

// attempted is the journal of one attempt, which two callers make.
type attempted struct{ answered, refused int }

// killInTheMiddle kills the process at a given time after its first sign-in.
func killInTheMiddle(t *testing.T, path, round string, then time.Duration) map[string]attempted {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillUnderLoad$")
	child.Env = append(os.Environ(), loadPath+"="+path, loadRound+"="+round)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	journal := map[string]attempted{}
	kill := sync.OnceFunc(func() {
		time.AfterFunc(then, func() { _ = child.Process.Kill() })
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() { // also reads what was written before it died
		var what, id string
		if _, err := fmt.Sscanf(lines.Text(), "%s %s", &what, &id); err != nil {
			continue // the last line may lack its end
		}
		a := journal[id]
		switch what {
		case "asked":
		case "answered":
			a.answered++
			kill()
		case "refused":
			a.refused++
		default:
			t.Fatalf("the process says %q", lines.Text())
		}
		journal[id] = a
	}
	_ = child.Wait() // returns that it was killed
	if child.ProcessState.Exited() {
		t.Fatalf("the process ended by itself: %v", child.ProcessState)
	}
	return journal
}

// signInUntilKilled runs pairs of callers that make the same attempts. Every third
// attempt is a first login; each replaces the session of the previous attempt.
func signInUntilKilled(t *testing.T, path, round string) {
	s := openAt(t, path)
	addUser(t, s, "ann")
	const pairs = 8
	var all sync.WaitGroup
	for pair := range pairs {
		for caller := range 2 {
			all.Go(func() {
				for n := 0; ; n++ {
					id := fmt.Sprintf("%s-%d-%d", round, pair, n)
					fmt.Printf("asked %s\n", id)
					switch err := s.CreateSession(context.Background(), killedLogin(id, caller, n, fmt.Sprintf("%s-%d-%d", round, pair, n-1))); {
					case err == nil:
						fmt.Printf("answered %s\n", id)
					case errors.Is(err, sso.ErrSpent):
						fmt.Printf("refused %s\n", id)
					default:
						fmt.Printf("%s %v\n", id, err)
					}
				}
			})
		}
	}
	all.Wait()
}

func killedLogin(id string, caller, n int, before string) sso.NewSession {
	subject := "ann"
	if n%3 == 0 {
		subject = "user-" + id
	}
	session := benchSession(sessionOf(id, caller), "")
	session.AtProvider = sso.AtProvider{Subject: subject, LogoutSubject: subject, SealedGrant: make([]byte, 200)}
	return sso.NewSession{
		Session: session, Token: tokenOf(id, caller), RemoveBefore: now,
		Once:     []sso.OnceID{{Scope: "attempt", ID: id, Until: now.Add(time.Hour)}, {Scope: "provider:corp", ID: id, Until: now.Add(time.Hour)}},
		Replaces: []string{sessionOf(before, 0), sessionOf(before, 1)},
		Decide: func(known *sso.User) (sso.User, error) {
			if known == nil {
				return sso.User{ID: subject, Status: sso.UserActive, CreatedAt: now, LastAccess: now}, nil
			}
			user := *known
			user.LastAccess = user.LastAccess.Add(time.Second)
			return user, nil
		},
	}
}

func sessionOf(id string, caller int) string { return fmt.Sprint("s-", id, "-", caller) }

func tokenOf(id string, caller int) sso.TokenHash { return sso.Token(sessionOf(id, caller)).Hash() }

// checkJournal opens the database, compares it with the journal, and returns how many
// logins were answered.
func checkJournal(t *testing.T, path string, journal map[string]attempted) (answered int) {
	t.Helper()
	s, err := Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	left := readLeft(t, s)
	for id, a := range journal {
		answered += a.answered
		found := left[id]
		if a.answered > 1 {
			t.Errorf("attempt %s was answered %d times", id, a.answered)
		}
		if (a.answered > 0 || a.refused > 0) && found.once == 0 {
			t.Errorf("attempt %s was answered %d times, refused %d times, and is gone", id, a.answered, a.refused)
		}
		found.check(t, id)
		if found.once == 0 {
			continue
		}
		// All once-IDs are still spent after a restart.
		if err := s.CreateSession(t.Context(), killedLogin(id, 0, 1, "none")); !errors.Is(err, sso.ErrSpent) {
			t.Errorf("attempt %s once more: error %v, want ErrSpent", id, err)
		}
	}
	return answered
}

// left is what the database contains of one attempt.
type left struct{ once, sessions, tokens, named, users, replacedBy int }

// check expects all of a login or nothing. Its session may have been replaced since.
func (l left) check(t *testing.T, id string) {
	t.Helper()
	var round, pair, n int
	if _, err := fmt.Sscanf(id, "%d-%d-%d", &round, &pair, &n); err != nil {
		t.Fatal(err)
	}
	whole := left{once: 2, sessions: 1, tokens: 1, named: 1}
	if l.replacedBy > 0 {
		whole.sessions, whole.tokens, whole.named, whole.replacedBy = 0, 0, 0, l.replacedBy
	}
	if n%3 == 0 {
		whole.users = 1
	}
	if l != whole && l != (left{}) {
		t.Errorf("attempt %s left %+v, want %+v or nothing", id, l, whole)
	}
}

func readLeft(t *testing.T, s *Store) map[string]left {
	t.Helper()
	all := map[string]left{}
	for query, count := range map[string]func(l *left) *int{
		`SELECT CAST(id AS TEXT) FROM once`: func(l *left) *int { return &l.once },
		`SELECT id FROM sessions`:           func(l *left) *int { return &l.sessions },
		`SELECT s.id FROM session_tokens t JOIN sessions s ON s.pk = t.session_pk`:    func(l *left) *int { return &l.tokens },
		`SELECT s.id FROM provider_sessions p JOIN sessions s ON s.pk = p.session_pk`: func(l *left) *int { return &l.named },
		`SELECT u.id FROM users u JOIN links l ON l.user_pk = u.pk`:                   func(l *left) *int { return &l.users },
	} {
		rows, err := s.reader.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				t.Fatal(err)
			}
			id := attemptIn(text)
			l := all[id]
			*count(&l)++
			all[id] = l
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for id, l := range all {
		var round, pair, n int
		if _, err := fmt.Sscanf(id, "%d-%d-%d", &round, &pair, &n); err == nil {
			l.replacedBy = all[fmt.Sprintf("%d-%d-%d", round, pair, n+1)].once
			all[id] = l
		}
	}
	return all
}

// attemptIn extracts the attempt from an ID that it left.
func attemptIn(text string) string {
	var round, pair, n int
	for _, form := range []string{"s-%d-%d-%d-", "user-%d-%d-%d", "%d-%d-%d"} {
		if got, _ := fmt.Sscanf(text, form, &round, &pair, &n); got == 3 {
			return fmt.Sprintf("%d-%d-%d", round, pair, n)
		}
	}
	return text
}
