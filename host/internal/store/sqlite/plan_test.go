package sqlite

import (
	"strings"
	"testing"
)

// Lookups must not slow down as the tables grow.
func TestLookupsUseIndexes(t *testing.T) {
	s := newStore(t)
	for name, statement := range map[string]string{
		"user by link":     selectUserByLink,
		"users of one":     countUsers,
		"session token":    selectSessionToken,
		"user of session":  selectSessionUser,
		"end by subject":   endBySubject,
		"end by ID":        endByID,
		"end by both":      endByBoth,
		"end a session":    "DELETE FROM sessions WHERE id = ?",
		"expired tokens":   removeTokens,
		"expired sessions": removeSessions,
		"expired once-IDs": removeOnce,
	} {
		t.Run(name, func(t *testing.T) {
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
				if strings.Contains(detail, "SCAN") || strings.Contains(detail, "TEMP B-TREE") {
					t.Errorf("plan: %s", detail)
				}
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
