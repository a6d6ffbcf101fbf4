package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/admin"
	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/host/internal/store/sqlite"
)

func TestTheAuditOfCommands(t *testing.T) {
	o := newOffice(t)
	id := uuidIn.FindString(o.run(0, "added: ", "user", "add", "--provider", "corp", "--subject", "ann", "--email", "ann@example.org"))
	o.run(0, "", "role", "add", "Editor")
	o.run(0, "", "user", "set", id, "--role", "Editor", "--first-name", "Ann")
	o.run(0, "", "user", "suspend", id)
	o.run(0, "", "user", "suspend", id)
	o.run(0, "", "user", "activate", id)
	o.run(0, "", "user", "link", id, "--provider", "corp", "--subject", "a-2")
	o.run(0, "", "user", "link", id, "--provider", "corp", "--subject", "a-2") // is there already
	o.run(0, "", "user", "unlink", id, "--provider", "corp", "--subject", "a-2")
	o.run(0, "", "role", "rename", "Editor", "Redactor")
	o.run(0, "", "role", "remove", "Redactor", "--without")
	o.run(0, "", "key", "add", "monitoring", "--scope", "users:read")
	o.run(0, "", "key", "remove", "monitoring")
	o.run(0, "", "session", "end", "--all")
	o.run(0, "", "user", "delete", "--yes", id)
	out := o.run(0, "", "audit")
	var kinds []string
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		kinds = append(kinds, fields[2])
		if fields[3] != "by=operator" {
			t.Errorf("by whom: %s", line)
		}
	}
	want := "user_added role_added role_changed user_changed user_suspended user_suspended user_activated user_linked user_unlinked role_renamed role_removed key_added key_removed user_deleted"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("events %s\nwant   %s\n%s", got, want, out)
	}
	if strings.Contains(out, "ann") || strings.Contains(out, "dwadm_") || strings.Contains(out, " a-2") {
		t.Errorf("an address, a subject or a key is there:\n%s", out)
	}
	o.run(0, `detail="monitoring: users:read"`, "audit", "--kind", "key_added")
	if out := o.run(0, "user_deleted", "audit", "--user", id, "--limit", "1"); strings.Count(out, "\n") != 1 {
		t.Errorf("the last one:\n%s", out)
	}
	if out := o.run(0, "--cursor", "audit", "--user", id, "--limit", "2", "--since", "1h"); !strings.HasPrefix(strings.Fields(out)[2], "user_added") {
		t.Errorf("the first of an hour:\n%s", out)
	}
	o.run(0, `"actor": "operator"`, "audit", "--json")
	o.run(0, "", "audit", "--provider", "nobody")
	o.run(1, "is unknown; the kinds are signed_in", "audit", "--kind", "nonsense")
	o.run(2, "--since must be a duration before now", "audit", "--since", "yesterday")
	o.run(2, "--follow cannot be used with --cursor", "audit", "--follow", "--cursor", "x")
	o.run(2, "--refusals can be used with", "audit", "--refusals", "--user", "x")
	o.run(1, "no doorward is running here", "audit", "--follow")
}

func TestRefusalsByCommand(t *testing.T) {
	o := newOffice(t)
	o.inside(func(s *sqlite.Store) error {
		return s.AddRefusals(t.Context(), time.Now(), []sso.RefusalSum{{Provider: "corp", Reason: "bad_credentials", N: 200}, {Reason: "other", N: 1}}, time.Time{})
	})
	o.run(0, "bad_credentials  200", "audit", "--refusals")
	o.run(0, `"refused": 200`, "audit", "--refusals", "--json", "--since", "2h")
}

func TestSince(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"90m": "2026-11-30T10:30:00Z", "7d": "2026-11-23T12:00:00Z", "0s": "2026-11-30T12:00:00Z", "2026-11-30": "2026-11-30T00:00:00Z",
		"2026-11-30T12:00:00+02:00": "2026-11-30T10:00:00Z", "-1h": "", "d": "", "99999999999999d": "", "soon": "", "2026-13-01": "",
	} {
		at, err := sinceOf(text, now)
		if got := at.UTC().Format(time.RFC3339); err == nil && got != want || (err != nil) != (want == "") {
			t.Errorf("%s: %s, %v; want %q", text, got, err, want)
		}
	}
}

// What clients, providers and plugins wrote is one word, and does nothing to a terminal.
func TestHostileEventLines(t *testing.T) {
	for _, hostile := range []string{"x user=eve", "a\nforged line", "\x1b[2J", "\u202egnp", "\"", "=", "", "a\x00b"} {
		line := eventLine(people.Event{Kind: "signed_in", Actor: sso.ActorKey, ActorName: &hostile, UserAgent: &hostile, Reason: &hostile, Detail: &hostile})
		for _, odd := range []string{"\n", "\x1b", "\u202e", " user=eve ", "\x00"} {
			if strings.Contains(line, odd) {
				t.Errorf("%q is in %q", odd, line)
			}
		}
	}
}

// kept are events that show in another order than that of their IDs, as with PostgreSQL.
type kept struct {
	people.Audit
	events []sso.Event
}

// FindEvents implements people.Audit for filters with After only.
func (k *kept) FindEvents(_ context.Context, filter people.EventFilter, part people.Part) (found []sso.Event, next string, err error) {
	for _, e := range k.events {
		after, _ := strconv.ParseInt(part.After, 10, 64) // empty: from the first
		switch {
		case e.ID <= max(filter.After, after):
		case len(found) == part.Limit:
			return found, strconv.FormatInt(found[len(found)-1].ID, 10), nil
		default:
			found = append(found, e)
		}
	}
	return found, "", nil
}

// LastEvents implements people.Audit.
func (k *kept) LastEvents(_ context.Context, _ people.EventFilter, limit int) ([]sso.Event, error) {
	return k.events[max(0, len(k.events)-limit):], nil
}

// followed is a follower of them.
type followed struct {
	*follower
	t    *testing.T
	out  *strings.Builder
	kept *kept
}

func newFollowed(t *testing.T, req people.ListEvents) *followed {
	t.Helper()
	k, out := &kept{}, &strings.Builder{}
	handler := admin.NewOperatorHandler(admin.Config{Operations: people.New(people.Ports{Audit: k, Now: time.Now})})
	o := &operator{out: out, client: admin.NewClient(admin.InProcess(handler)), asJSON: true} //nolint:bodyclose // the client closes it
	return &followed{newFollower(o, req), t, out, k}
}

// happen keeps an event of now.
func (f *followed) happen(id int64, detail string) {
	f.kept.events = append(f.kept.events, sso.Event{ID: id, At: time.Now(), Kind: sso.EventRoleAdded, Detail: detail})
	slices.SortFunc(f.kept.events, func(a, b sso.Event) int { return cmp.Compare(a.ID, b.ID) })
}

// shown are the details of what was printed, in order.
func (f *followed) shown() (details string) {
	f.t.Helper()
	for line := range strings.Lines(f.out.String()) {
		var e people.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			f.t.Fatalf("%q: %v", line, err)
		}
		details += *e.Detail + " "
	}
	return details
}

func (f *followed) mustLook(want string) {
	f.t.Helper()
	if err := f.look(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	f.req.Last = false
	if got := f.shown(); got != want {
		f.t.Errorf("shown %q, want %q", got, want)
	}
}

// Each event is shown once, also one that comes to be seen after one with a higher ID.
func TestFollow(t *testing.T) {
	f := newFollowed(t, people.ListEvents{Last: true, Paging: people.Paging{Limit: 2}})
	for i, detail := range []string{"a", "b", "c"} {
		f.happen(int64(i+1), detail)
	}
	f.mustLook("b c ")
	f.mustLook("b c ")
	f.happen(10, "d")
	f.mustLook("b c d ")
	f.happen(7, "late")
	f.mustLook("b c d late ")
	f.settle(time.Now().Add(2 * followBack))
	if f.req.After != 10 || len(f.seen) != 0 {
		t.Errorf("continues after %d with %v", f.req.After, f.seen)
	}
	for i := range 5 { // more than a page
		f.happen(int64(11+i), fmt.Sprint(i))
	}
	f.mustLook("b c d late 0 1 2 3 4 ")
}

func TestFollowEndsWhenInterrupted(t *testing.T) {
	f := newFollowed(t, people.ListEvents{Last: true})
	f.happen(1, "a")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.run(ctx) }() // ends with ctx
	cancel()
	select {
	case err := <-ended:
		if err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it does not end")
	}
}
