package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/doorward/doorward/host/internal/sso"
)

// errLost marks a connection that was lost before COMMIT was sent, so that nothing was
// written.
var errLost = errors.New("the connection to PostgreSQL was lost")

// PostgreSQL error codes that the host handles, from Appendix A of its manual.
const (
	codeSerializationFailure = "40001"
	codeDeadlock             = "40P01"
	codeUndefinedTable       = "42P01"
	codeUniqueViolation      = "23505"
	classResources           = "53"
)

// advice tells the operator what to do about an error of the server, by its code or by
// the class that the code begins with.
var advice = map[string]string{
	"08":    "the connection failed, check PostgreSQL, and pgbouncer if you use it",
	"25006": "the database is read-only: point DB_HOST to the primary, not to a standby, and check default_transaction_read_only",
	"28":    "PostgreSQL refuses the connection: check DB_USER, DB_PASSWORD and DB_SSL, and pg_hba.conf",
	"3D000": "there is no such database: create it, or change DB_DATABASE",
	"3F000": "the schema doorward is gone: restore it from a backup, or restart to create an empty one",
	"42501": "the role lacks a privilege: make DB_USER the owner of the database, see docs/postgresql.md",
	"42P01": "a table of the schema doorward is gone: restore it from a backup",
	"53":    "PostgreSQL is short of resources",
	"53100": "the disk of PostgreSQL is full, make room for it",
	"53300": "PostgreSQL takes no more connections: lower DB_POOL__MAX of the hosts, or raise max_connections",
	"55P03": "another program holds a lock, find it in pg_stat_activity",
	"57014": "PostgreSQL takes too long, look at its load and its disk",
	"57P":   "PostgreSQL is stopping or starting",
	"58":    "the disk of PostgreSQL failed, see its log",
	"XX001": "the database is damaged, restore it from a backup",
	"XX002": "an index of the database is damaged, see its log",
}

func adviceOf(code string) string {
	for _, n := range []int{5, 3, 2} {
		if len(code) >= n && advice[code[:n]] != "" {
			return advice[code[:n]]
		}
	}
	return ""
}

// explain adds to err what was being done, and what helps. A failure of the database is an
// [sso.ErrStoreUnavailable].
func explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	hint := adviceOf(codeOf(err))
	switch {
	case hint != "":
	case isTLSRefused(err):
		hint = "PostgreSQL does not offer TLS: set ssl = on in postgresql.conf, or remove DB_SSL and sslmode"
	case isCertificateRefused(err):
		hint = "the certificate of PostgreSQL is not valid: set DB_HOST to a name in the certificate, and DB_SSL__CA_FILE to the certificate of its authority"
	case isUnreachable(err):
		hint = "PostgreSQL cannot be reached: check that it runs, and DB_HOST and DB_PORT or DB_CONNECTION_STRING"
	}
	if hint != "" {
		return sso.StoreUnavailable(fmt.Errorf("%s: %s: %w", doing, hint, err))
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// codeOf returns the code of the server's error, or "".
func codeOf(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

func isUnreachable(err error) bool {
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[net.Error](err)
	return connecting || errors.Is(err, errLost) || network && !errors.Is(err, context.Canceled)
}

// mayAnswerLater reports whether no server answers, or whether one is starting. A server
// that refuses the connection does answer.
func mayAnswerLater(err error) bool {
	if isTLSRefused(err) || isCertificateRefused(err) {
		return false
	}
	code := codeOf(err)
	return code == "" && isUnreachable(err) || strings.HasPrefix(code, "57P")
}

func isCertificateRefused(err error) bool {
	_, refused := errors.AsType[*tls.CertificateVerificationError](err)
	return refused
}

// isTLSRefused compares the text of the error, because pgx gives no other sign.
func isTLSRefused(err error) bool {
	return err != nil && strings.Contains(err.Error(), "server refused TLS connection")
}

// isFailure reports whether the database failed, as opposed to its caller.
func isFailure(err error) bool {
	return adviceOf(codeOf(err)) != "" || isUnreachable(err) || errors.Is(err, sso.ErrOutcomeUnknown)
}

// isRefusal reports whether the server refused a statement and continues. Then the
// transaction is rolled back. A FATAL error may come after a successful COMMIT.
func isRefusal(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.SeverityUnlocalized == "ERROR"
}

// lostBefore marks err as errLost if the connection is gone.
func lostBefore(conn *pgxpool.Conn, err error) error {
	if err == nil || !conn.Conn().IsClosed() || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", errLost, err)
}

// mayTryAgain reports whether nothing was written and another attempt may succeed. A
// COMMIT without an answer is never retried.
func mayTryAgain(err error) bool {
	if err == nil || errors.Is(err, sso.ErrOutcomeUnknown) {
		return false
	}
	code := codeOf(err)
	return errors.Is(err, errLost) || errors.Is(err, errLinkCame) || isRefusal(err) && (code == codeSerializationFailure || code == codeDeadlock)
}

// timedOut reports that a call ended because of the store's time limit, not its caller's.
func (s *Store) timedOut(ctx, limited context.Context, err error) error {
	until, _ := limited.Deadline()
	if err == nil || time.Now().Before(until) || ctx.Err() != nil || errors.Is(err, sso.ErrOutcomeUnknown) {
		return err
	}
	return sso.StoreUnavailable(fmt.Errorf("PostgreSQL did not answer within %v: %w", s.callTimeout, err))
}
