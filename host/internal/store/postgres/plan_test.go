package postgres

import (
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

var parameter = regexp.MustCompile(`\$\d+`)

// plan returns how the server would run a statement if it had many rows. The values are
// unknown: NULL stands for any value of any type.
func plan(t *testing.T, s *Store, statement string) (lines []string) {
	t.Helper()
	conn, err := s.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), "BEGIN; SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan; PREPARE looked AS "+statement); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := conn.Exec(t.Context(), "DEALLOCATE looked; ROLLBACK"); err != nil {
			t.Error(err)
		}
	}()
	var none []string
	found := map[string]bool{}
	for _, name := range parameter.FindAllString(statement, -1) {
		if !found[name] {
			none = append(none, "NULL")
		}
		found[name] = true
	}
	rows, err := conn.Query(t.Context(), "EXPLAIN (COSTS OFF) EXECUTE looked ("+strings.Join(none, ", ")+")")
	if err != nil {
		t.Fatal(err)
	}
	lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// Lookups must not slow down as the tables grow. An index is used even if the table is
// empty, because seqscan is off.
func TestLookupsUseIndexes(t *testing.T) {
	s := server(t)
	store := mustOpen(t, optionsOf(s.Host, s.Port, s.NewDatabase(t)))
	for name, statement := range map[string]string{
		"user by link":               lockUserByLink,
		"who waits":                  lockClaimants,
		"claims of a user":           selectClaims,
		"users of one":               countUsers,
		"user by e-mail, locked":     lockByEmail,
		"user by e-mail":             selectByEmail,
		"session token":              selectSessionToken,
		"user of session":            selectSessionUser,
		"session at its provider":    selectAtProvider,
		"end by subject":             endBySubject,
		"end by ID":                  endByID,
		"end by both":                endByBoth,
		"end by our ID":              endByOurID,
		"old events":                 removeEvents,
		"any old event":              anyOldEvent,
		"events of a user":           selectEvents + ` WHERE user_id = $1 AND user_id <> '' AND id > $2 ORDER BY id LIMIT $3`,
		"last events of a user":      selectEvents + ` WHERE user_id = $1 AND user_id <> '' ORDER BY id DESC LIMIT $2`,
		"end replaced":               endReplaced,
		"expired tokens":             removeTokens,
		"expired sessions":           removeSessions,
		"expired once-IDs":           removeOnce,
		"successors of a session":    forgetSuccessors,
		"current token of a session": spendCurrent,
		"any old successor":          anySuccessor,
		"prolonged":                  prolong,
		"token that is prolonged":    moveToken,
		"question since":             askedSince,
		"old successors":             oldSuccessors,
		"grants":                     selectSealedGrants,
		"user by ID, locked":         lockUser,
		"user with links":            selectUserWithLinks,
		"sessions of a user":         endUserSessions,
		"sessions of a link":         endLinkSessions,
		"another link":               moveOrigin,
		"key by hash":                selectAdminKey,
		"users of an address":        selectUsers + ` WHERE lower(u.email) = lower($1::text COLLATE "C") AND u.pk > $2 ORDER BY u.pk LIMIT $3`,
		"users of a link":            selectUsers + ` WHERE u.pk IN (SELECT user_pk FROM doorward.links WHERE provider = $1 AND subject = $2) ORDER BY u.pk LIMIT $3`,
		"listed sessions of a user":  selectSessions + ` WHERE u.id = $1 AND s.expires_at > $2 ORDER BY s.pk LIMIT $3`,
		"own sessions":               selectOwnSessions,
		"own session, held":          holdOwnSession,
		"links of a user":            selectLinks,
	} {
		t.Run(name, func(t *testing.T) {
			for _, line := range plan(t, store, statement) {
				if strings.Contains(line, "Seq Scan") {
					t.Errorf("plan: %s", line)
				}
			}
		})
	}
}
