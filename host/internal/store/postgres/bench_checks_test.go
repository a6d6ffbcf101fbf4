package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/store/storetest"
)

// BenchmarkSessionChecks runs the benchmark of storetest. Both stores are on one server,
// which is restarted with them.
func BenchmarkSessionChecks(b *testing.B) { storetest.BenchmarkSessionChecks(b, openFilled) }

func openFilled(b *testing.B, sessions int) *storetest.Filled {
	b.Helper()
	server := durable(b)
	o := optionsOf(server.Host, server.Port, server.NewDatabase(b))
	open := func(b *testing.B) store.Store {
		s, err := Open(b.Context(), o, nil)
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	f := &storetest.Filled{Store: open(b), Sessions: sessions, Dir: server.Dir}
	b.Cleanup(func() { _ = f.Close() })
	values := strings.NewReplacer("{sessions}", fmt.Sprint(sessions), "{until}", fmt.Sprint(time.Now().Add(24*time.Hour).UnixMilli()))
	for _, statement := range append(fillStatements, "VACUUM ANALYZE") {
		server.Exec(b, o.Database, values.Replace(statement))
	}
	f.Reopen = func(b *testing.B) store.Store {
		server.Stop()
		if err := server.Resume(); err != nil {
			b.Fatal(err)
		}
		return open(b)
	}
	return f
}

// The rows of session i have the key i+1.
var fillStatements = func() []string {
	const (
		each   = ` FROM generate_series(0::bigint, {sessions} - 1) i`
		mixed  = `lpad(to_hex(i * 2654435761 & 4294967295), 8, '0')`
		id     = mixed + ` || '-0000-4000-8000-' || lpad(to_hex(i), 12, '0')`
		hash   = `decode(` + mixed + ` || lpad(to_hex(i), 56, '0'), 'hex')`
		agents = `'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'`
	)
	return []string{
		`INSERT INTO doorward.users (pk, id, provider, subject, status, role, email, first_name, last_name, created_at, last_access)
			SELECT i + 1, ` + id + `, 'corp', convert_to(` + id + `, 'UTF8'), 'active', 'editor', 'someone@example.org', 'Some', 'One', {until}, {until}` + each,
		`INSERT INTO doorward.links (provider, subject, user_pk) SELECT provider, subject, pk FROM doorward.users ORDER BY subject`,
		`INSERT INTO doorward.sessions (pk, user_pk, id, provider, kind, created_at, expires_at, not_after, ip, user_agent)
			OVERRIDING SYSTEM VALUE
			SELECT i + 1, i + 1, ` + id + `, 'corp', 'session', {until}, {until}, {until}, '192.0.2.17', ` + agents + each,
		`SELECT setval(pg_get_serial_sequence('doorward.sessions', 'pk'), {sessions} + 1)`,
		`INSERT INTO doorward.session_tokens (hash, session_pk, expires_at) SELECT ` + hash + `, i + 1, {until}` + each + ` ORDER BY 1`,
		`INSERT INTO doorward.provider_sessions (session_pk, provider, subject, logout_subject, session_id, sealed_grant)
			SELECT pk, provider, subject, subject, '', '' FROM doorward.users`,
	}
}()
