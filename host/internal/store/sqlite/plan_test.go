package sqlite

import (
	"strings"
	"testing"
)

// plan returns how SQLite would run a statement.
func plan(t *testing.T, s *Store, statement string) (details []string) {
	t.Helper()
	rows, err := s.writer.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, make([]any, strings.Count(statement, "?"))...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		details = append(details, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return details
}

// Lookups must not slow down as the tables grow.
func TestLookupsUseIndexes(t *testing.T) {
	s := newStore(t)
	for name, statement := range map[string]string{
		"user by link":     selectUserByLink,
		"users of one":     countUsers,
		"user by e-mail":   selectByEmail,
		"session token":    selectSessionToken,
		"user of session":  selectSessionUser,
		"prolonged":        prolong,
		"last question":    askedAt,
		"end by subject":   endBySubject,
		"end by ID":        endByID,
		"end by both":      endByBoth,
		"user by ID":       selectUserByID,
		"links of a user":  selectLinks,
		"own sessions":     selectOwnSessions,
		"who links":        selectOwner,
		"sessions of one":  endUserSessions,
		"sessions of link": endLinkSessions,
		"another link":     moveOrigin,
		"who waits":        selectClaimants,
		"claims of a user": selectClaims,
		"key by hash":      selectAdminKey,
		"users of address": selectUsers + " WHERE lower(u.email) = lower(?) AND u.pk > ? ORDER BY u.pk LIMIT ?",
		"users of link":    selectUsers + " WHERE u.pk IN (SELECT user_pk FROM links WHERE provider = ? AND subject = ?) ORDER BY u.pk LIMIT ?",
		"sessions of user": selectSessions + " WHERE u.id = ? AND s.expires_at > ? AND s.pk > ? ORDER BY s.pk LIMIT ?",
		"end those of one": endMatchingOfUser,
		"end a session":    "DELETE FROM sessions WHERE id = ?",
		"end by our ID":    endByOurID,
		"events of a user": selectEvents + " WHERE user_id = ? AND user_id <> '' AND id > ? ORDER BY id LIMIT ?",
		"their last":       selectEvents + " WHERE user_id = ? AND user_id <> '' ORDER BY id DESC LIMIT ?",
		"expired tokens":   removeTokens,
		"expired sessions": removeSessions,
		"expired once-IDs": removeOnce,
	} {
		t.Run(name, func(t *testing.T) {
			for _, detail := range plan(t, s, statement) {
				if strings.Contains(detail, "SCAN") || strings.Contains(detail, "TEMP B-TREE") {
					t.Errorf("plan: %s", detail)
				}
			}
		})
	}
}

// A session has a token for each of its refreshes; a rotation must not read all of them.
// Few of them have a successor.
func TestRotationsUseIndexes(t *testing.T) {
	s := newStore(t)
	for name, c := range map[string]struct{ statement, want string }{
		"successors of a session":    {forgetSuccessors, "SEARCH session_tokens USING INDEX session_tokens_successors (session_pk=?)"},
		"current token of a session": {spendCurrent, "SEARCH session_tokens USING INDEX session_tokens_session (session_pk=? AND spent_at=?)"},
		"token that is prolonged":    {moveToken, "SEARCH session_tokens USING PRIMARY KEY (hash=?)"},
		"any old successor":          {anySuccessor, "SCAN session_tokens USING INDEX session_tokens_successors"},
		"old successors":             {oldSuccessors, "SCAN session_tokens USING INDEX session_tokens_successors"},
	} {
		t.Run(name, func(t *testing.T) {
			all := strings.Join(plan(t, s, c.statement), "; ")
			if !strings.Contains(all, c.want) || strings.Count(all, "SCAN session_tokens") > strings.Count(c.want, "SCAN") {
				t.Errorf("plan: %s, want: %s", all, c.want)
			}
		})
	}
}
