package e2e

import (
	"database/sql"
	"testing"

	_ "modernc.org/sqlite" // to count what the host has stored
)

// userCount counts users in the host's database.
func userCount(t testing.TB, host *testHost) int {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+host.Env("DB_FILENAME")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRow("SELECT count(*) FROM users").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// wantUsers checks how many users the host has created.
func wantUsers(t testing.TB, host *testHost, want int) {
	t.Helper()
	if got := userCount(t, host); got != want {
		t.Errorf("the host has %d users, want %d", got, want)
	}
}
