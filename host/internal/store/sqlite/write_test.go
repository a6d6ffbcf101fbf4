package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"modernc.org/sqlite"

	"github.com/doorward/doorward/host/internal/sso"
)

// onCommit calls f before each commit, while nobody else can write. The commit fails if f
// returns true.
func onCommit(t testing.TB, s *Store, f func() (refused bool)) {
	t.Helper()
	c, err := s.writer.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = c.Raw(func(raw any) error {
		hooked, ok := raw.(interface{ Unwrap() driver.Conn }).Unwrap().(sqlite.HookRegisterer)
		if !ok {
			return fmt.Errorf("a connection of type %T has no hooks", raw)
		}
		hooked.RegisterCommitHook(func() int32 {
			if f() {
				return 1
			}
			return 0
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// stalled is a store whose disk hangs in the middle of a commit.
type stalled struct {
	*Store
	t       *testing.T
	commits atomic.Int64
	refuse  atomic.Bool // the next commits fail
	goOn    func()
	callers sync.WaitGroup
}

// stall makes the disk hang, with one write in progress, until goOn.
func stall(t *testing.T, s *Store) *stalled {
	t.Helper()
	s.owner.batchFor = time.Hour // by count alone, however slow the machine is
	h := &stalled{Store: s, t: t}
	entered, released := make(chan struct{}), make(chan struct{})
	h.goOn = sync.OnceFunc(func() { close(released) })
	t.Cleanup(func() {
		h.goOn()
		h.callers.Wait()
	})
	onCommit(t, s, func() bool {
		if h.commits.Add(1) == 1 {
			close(entered)
			<-released
			return false
		}
		return h.refuse.Load()
	})
	h.ask(t.Context(), sets("stalled"))
	select {
	case <-entered:
	case <-time.After(time.Minute):
		t.Fatal("no commit was begun")
	}
	return h
}

// sets spends a once-ID, which shows later what was written.
func sets(id string) func(*Store, *sql.Tx) error {
	return func(s *Store, tx *sql.Tx) error {
		return s.spend(context.Background(), tx, sso.OnceID{Scope: "set", ID: id, Until: now})
	}
}

// answer is what a caller got; it is there when done is closed.
type answer struct {
	done     chan struct{}
	err      error
	panicked any
}

// ask starts a write.
func (h *stalled) ask(ctx context.Context, do func(*Store, *sql.Tx) error) *answer {
	a := &answer{done: make(chan struct{})}
	h.callers.Go(func() {
		defer close(a.done)
		defer func() { a.panicked = recover() }()
		a.err = h.write(ctx, func(tx *sql.Tx) error { return do(h.Store, tx) })
	})
	return a
}

// queue starts writes one after the other, behind the write in progress.
func (h *stalled) queue(all ...func(*Store, *sql.Tx) error) (answers []*answer) {
	h.t.Helper()
	for _, do := range all {
		n := len(h.owner.queue) + 1
		answers = append(answers, h.ask(h.t.Context(), do))
		waitFor(h.t, "an operation to wait", func() bool { return len(h.owner.queue) == n })
	}
	return answers
}

func (a *answer) wait(t *testing.T) error {
	t.Helper()
	select {
	case <-a.done:
	case <-time.After(time.Minute):
		t.Fatal("no answer")
	}
	return a.err
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick, end := time.NewTicker(time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// wantSet checks which once-IDs were stored.
func (h *stalled) wantSet(want ...string) {
	h.t.Helper()
	rows, err := h.reader.QueryContext(h.t.Context(), "SELECT CAST(id AS TEXT) FROM once WHERE scope = 'set' ORDER BY id")
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			h.t.Fatal(err)
		}
		got = append(got, id)
	}
	want = slices.Sorted(slices.Values(append(want, "stalled")))
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("what is stored (-want +got):\n%s", diff)
	}
}

func TestWhatWaitsIsCommittedTogether(t *testing.T) {
	for name, c := range map[string]struct {
		set     func(o *owner)
		commits int64
	}{
		"all of it":              {func(*owner) {}, 2},
		"at most so many":        {func(o *owner) { o.maxBatch = 3 }, 1 + 4},
		"or for at most so long": {func(o *owner) { o.batchFor = 0 }, 1 + 10},
	} {
		t.Run(name, func(t *testing.T) {
			h := stall(t, newStore(t))
			var ran, queued []string
			var all []func(*Store, *sql.Tx) error
			for i := range 10 {
				id := fmt.Sprint(i)
				queued = append(queued, id)
				all = append(all, func(s *Store, tx *sql.Tx) error {
					ran = append(ran, id)
					return sets(id)(s, tx)
				})
			}
			answers := h.queue(all...)
			c.set(h.owner) // which waits for the disk, and for goOn
			h.goOn()
			for _, a := range answers {
				if err := a.wait(t); err != nil {
					t.Error(err)
				}
			}
			h.wantSet(queued...)
			if got := h.commits.Load(); got != c.commits {
				t.Errorf("%d commits, want %d", got, c.commits)
			}
			if diff := cmp.Diff(queued, ran); diff != "" {
				t.Errorf("the order (-queued +ran):\n%s", diff)
			}
		})
	}
}

func TestAnOperationThatFailsLeavesTheOthers(t *testing.T) {
	h := stall(t, newStore(t))
	refused := errors.New("refused")
	answers := h.queue(
		sets("a"),
		func(s *Store, tx *sql.Tx) error { return errors.Join(sets("lost")(s, tx), refused) },
		sets("a"),
		func(_ *Store, tx *sql.Tx) error {
			_, err := tx.Exec("INSERT INTO once (scope) VALUES ('set')") // breaks a constraint
			return err
		},
		sets("z"),
	)
	h.goOn()
	for i, want := range []func(error) bool{
		func(err error) bool { return err == nil },
		func(err error) bool { return errors.Is(err, refused) },
		func(err error) bool { return errors.Is(err, sso.ErrSpent) },
		func(err error) bool { return err != nil && strings.Contains(err.Error(), "NOT NULL") },
		func(err error) bool { return err == nil },
	} {
		if err := answers[i].wait(t); !want(err) {
			t.Errorf("operation %d: error %v", i, err)
		}
	}
	h.wantSet("a", "z")
	if got := h.commits.Load(); got != 2 {
		t.Errorf("%d commits, want 2", got)
	}
}

// Callers learn nothing from a transaction that is not stored: not that they are signed
// in, nor that a once-ID is spent.
func TestCommitThatFails(t *testing.T) {
	h := stall(t, newStore(t))
	answers := h.queue(sets("a"), sets("a"), sets("b"))
	h.refuse.Store(true)
	h.goOn()
	for i, a := range answers {
		if err := a.wait(t); !errors.Is(err, sso.ErrOutcomeUnknown) || errors.Is(err, sso.ErrSpent) {
			t.Errorf("operation %d: error %v, want ErrOutcomeUnknown", i, err)
		}
	}
	h.wantSet()
	h.refuse.Store(false)
	if err := h.ask(t.Context(), sets("a")).wait(t); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	h.wantSet("a")
}

func TestFailureOfTheWholeTransaction(t *testing.T) {
	rollback := func(tx *sql.Tx) error { // as SQLite itself does after some errors
		_, err := tx.Exec("ROLLBACK")
		return err
	}
	for name, c := range map[string]struct {
		do   func(*Store, *sql.Tx) error
		want string
	}{
		"L10 a full disk": {func(_ *Store, tx *sql.Tx) error {
			_, err := tx.Exec("INSERT INTO once (scope, id, until) VALUES ('set', zeroblob(1000000), 0)")
			return explain("filling", err)
		}, "filling: the disk is full"},
		"SQLite rolled back, and the operation failed": {func(_ *Store, tx *sql.Tx) error {
			return errors.Join(rollback(tx), errors.New("some error"))
		}, "some error"},
		"SQLite rolled back, and the operation did not notice": {func(_ *Store, tx *sql.Tx) error {
			return rollback(tx)
		}, "no such savepoint"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			writerPragma(t, s, "max_page_count = 100") // there are some 25
			h := stall(t, s)
			answers := h.queue(sets("before"), c.do, sets("behind"))
			h.goOn()
			if err := answers[0].wait(t); err == nil || errors.Is(err, sso.ErrOutcomeUnknown) {
				t.Errorf("the one before: error %v, want one that says that nothing is stored", err)
			}
			wantText(t, answers[1].wait(t), c.want)
			if err := answers[2].wait(t); err != nil {
				t.Errorf("the one behind, in the next transaction: %v", err)
			}
			h.wantSet("behind")
		})
	}
}

func TestPanicWhileWriting(t *testing.T) {
	h := stall(t, newStore(t))
	boom := errors.New("boom")
	answers := h.queue(sets("before"), func(s *Store, tx *sql.Tx) error {
		_ = sets("lost")(s, tx)
		panic(boom)
	}, sets("behind"))
	h.goOn()
	wantText(t, answers[0].wait(t), "panicked")
	_ = answers[1].wait(t)
	if err, ok := answers[1].panicked.(error); !ok || !errors.Is(err, boom) || !strings.Contains(err.Error(), "TestPanicWhileWriting") {
		t.Errorf("the caller of the one that panics gets %v, want its panic with its stack", answers[1].panicked)
	}
	if err := answers[2].wait(t); err != nil {
		t.Errorf("the one behind: %v", err)
	}
	h.wantSet("behind")
}

// go_away is an SQL function that runs goAway in the middle of a statement.
var (
	goAway         atomic.Pointer[context.CancelFunc]
	registerGoAway = sync.OnceValue(func() error {
		return sqlite.RegisterScalarFunction("go_away", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
			(*goAway.Load())()
			return int64(1), nil
		})
	})
)

func TestCallerThatGoesAway(t *testing.T) {
	t.Run("before it was begun", func(t *testing.T) {
		h := stall(t, newStore(t))
		ctx, cancel := context.WithCancel(t.Context())
		a := h.ask(ctx, sets("gone"))
		waitFor(t, "it to be queued", func() bool { return len(h.owner.queue) == 1 })
		cancel()
		if err := a.wait(t); !errors.Is(err, context.Canceled) || errors.Is(err, sso.ErrOutcomeUnknown) {
			t.Errorf("error %v, want that of the context alone", err)
		}
		h.queue(sets("behind"))
		h.goOn()
		h.callers.Wait()
		h.wantSet("behind")
	})
	t.Run("while it is committed", func(t *testing.T) {
		s := newStore(t)
		entered, goOn := make(chan struct{}), make(chan struct{})
		once := sync.OnceFunc(func() { close(entered) })
		onCommit(t, s, func() bool {
			once()
			<-goOn
			return false
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-entered
			cancel()
		}()
		id := sso.OnceID{Scope: "attempt", ID: "a", Until: now}
		if err := s.Spend(ctx, id); !errors.Is(err, context.Canceled) || !errors.Is(err, sso.ErrOutcomeUnknown) {
			t.Errorf("error %v, want ErrOutcomeUnknown with that of the context", err)
		}
		close(goOn)
		if err := s.Spend(t.Context(), id); !errors.Is(err, sso.ErrSpent) {
			t.Errorf("again: error %v, want ErrSpent", err)
		}
	})
	t.Run("in the middle of a statement", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		goAway.Store(&cancel)
		if err := registerGoAway(); err != nil { // for connections from now on
			t.Fatal(err)
		}
		h := stall(t, newStore(t))
		before := h.queue(sets("before"))
		gone := h.ask(ctx, func(_ *Store, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "WITH RECURSIVE n(i) AS (SELECT go_away() UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "+
				"INSERT INTO once (scope, id, until) SELECT 'set', CAST('gone' AS BLOB), max(i) FROM n")
			return err
		})
		waitFor(t, "it to be queued", func() bool { return len(h.owner.queue) == 2 })
		behind := h.queue(sets("behind"))
		h.goOn()
		if err := gone.wait(t); err != nil && !errors.Is(err, sso.ErrOutcomeUnknown) { // nil: the answer was there at once
			t.Errorf("error %v, want ErrOutcomeUnknown", err)
		}
		if err := errors.Join(before[0].wait(t), behind[0].wait(t)); err != nil {
			t.Errorf("those that it was committed with: %v", err)
		}
		h.wantSet("before", "behind", "gone")
	})
}

func TestFullQueue(t *testing.T) {
	h := stall(t, newStore(t))
	for range maxWaiting {
		h.ask(t.Context(), func(*Store, *sql.Tx) error { return nil })
	}
	waitFor(t, "the queue to be full", func() bool { return len(h.owner.queue) == maxWaiting })
	ctx, cancel := context.WithCancel(t.Context())
	gone, patient := h.ask(ctx, sets("gone")), h.ask(t.Context(), sets("patient"))
	cancel()
	if err := gone.wait(t); !errors.Is(err, context.Canceled) || errors.Is(err, sso.ErrOutcomeUnknown) {
		t.Errorf("error %v, want that of the context alone", err)
	}
	h.goOn()
	if err := patient.wait(t); err != nil {
		t.Errorf("one that waits for room: %v", err)
	}
	h.wantSet("patient")
}

func TestCloseWhileOperationsWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	h := stall(t, openAt(t, path))
	answers := h.queue(sets("a"), sets("b"))
	closed := make(chan error)
	go func() { closed <- h.Close() }()
	<-h.owner.stopping
	if err := h.ask(t.Context(), sets("late")).wait(t); !errors.Is(err, errClosed) {
		t.Errorf("one that comes late: error %v, want errClosed", err)
	}
	h.goOn()
	for _, a := range answers {
		if err := a.wait(t); err != nil {
			t.Error(err)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	again := &stalled{Store: openAt(t, path), t: t}
	again.wantSet("a", "b")
}

// Callers that have waited for the write lock for the whole time limit are refused, all
// at the same time.
func TestLockedDatabaseRefusesAllThatWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doorward.db")
	other := openAt(t, path)
	s, err := open(t.Context(), path, 10*time.Millisecond, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h := stall(t, s)
	answers := h.queue(sets("a"), sets("b"), sets("c"))
	// This test gets the connection next, so that it holds the lock before the owner
	// tries to take it.
	inHand := make(chan *sql.Conn)
	go func() {
		c, _ := s.writer.Conn(context.Background())
		inHand <- c
	}()
	waitFor(t, "our turn", func() bool { return s.writer.Stats().WaitCount == 1 })
	h.goOn()
	c := <-inHand
	lock, err := other.writer.BeginTx(t.Context(), nil)
	if err := errors.Join(err, c.Close()); err != nil {
		t.Fatal(err)
	}
	for _, a := range answers {
		wantText(t, a.wait(t), "locked")
	}
	if s.health.wroteLately() {
		t.Error("the host is healthy")
	}
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	h.wantSet()
}
