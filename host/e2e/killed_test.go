package e2e

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// killsVariable sets the number of kills for each database.
const killsVariable = "DOORWARD_TEST_KILLS"

// TestKilledUnderLoad kills the host, and the server of its database, while clients sign in,
// refresh and sign out, and record this. After the restart, everything with a response is stored,
// and everything without a response is stored completely or not at all. It tests killed
// processes, not disks without power.
func TestKilledUnderLoad(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		killUnderLoad(t, startKilledSite(t, nil, nil), theHost)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		// Otherwise each start after a kill syncs a thousand files one by one.
		server, env := startPostgres(t, "recovery_init_sync_method=syncfs")
		s := startKilledSite(t, server, env)
		s.secrets.add("DB_PASSWORD", env["DB_PASSWORD"])
		killUnderLoad(t, s, theServer, theHost, powerCut)
	})
}

func killUnderLoad(t *testing.T, s *killedSite, victims ...victim) {
	rounds := 3
	if text := os.Getenv(killsVariable); text != "" {
		var err error
		if rounds, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	j, c := &diary{}, &counts{}
	for round := range rounds {
		who, known := victims[round%len(victims)], len(j.entries)
		answers, then := 10+rand.N(50), rand.N(20*time.Millisecond) //nolint:gosec // nothing to guess
		j.press(t, s, answers, func() {
			<-time.After(then) // a random moment
			if err := s.kill(who); err != nil {
				t.Error(err)
			}
		})
		s.resume(t, who)
		before := s.stored(t)
		before.check(t, j)
		fresh := j.entries[known:]
		c.add(fresh, before)
		s.play(t, fresh, before, c)
		s.passLeases(t)
		after := s.stored(t)
		for _, e := range fresh {
			s.checkTokens(t, e, after.byEntry[e.id].sessions > 0)
		}
		after = s.stored(t)
		after.check(t, j)
		if t.Failed() {
			t.Fatalf("in round %d, in which %s was killed", round, who)
		}
	}
	if c.answered == 0 || s.provider.again.Load() == 0 {
		t.Errorf("%d logins were answered, %d codes came to the provider again: this test shows nothing", c.answered, s.provider.again.Load())
	}
	t.Logf("%d kills: %+v, codes that came to the provider again: %d", rounds, *c, s.provider.again.Load())
}

// add counts the requests of a round.
func (c *counts) add(entries []*entry, found storedLogins) {
	for _, e := range entries {
		if e.callback == "" {
			continue
		}
		there := found.attempt(e)
		for n, is := range map[*int]bool{
			&c.asked: true, &c.answered: e.answered, &c.left: e.left, &c.replaced: e.by != nil && found.attempt(e.by),
			&c.unanswered: !e.answered, &c.whole: !e.answered && there, &c.halfRefreshes: e.refreshing, &c.halfLogouts: e.leaving && !e.left,
		} {
			if is {
				*n++
			}
		}
		c.refreshed += max(0, len(e.tokens)-1)
	}
}

// bracesOf adds a schema to the names of tables in braces.
func bracesOf(schema string) *strings.Replacer { return strings.NewReplacer("{", schema, "}", "") }
