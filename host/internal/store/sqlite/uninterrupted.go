package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// uninterrupted makes connections whose statements run to their end, whatever becomes
// of the context that they are given. The driver would interrupt them, and SQLite
// answers the interruption of a write with a rollback of the whole transaction
// (https://www.sqlite.org/c3ref/interrupt.html), in which others write, too.
type uninterrupted struct{ driver.Connector }

// Connect implements driver.Connector.
func (u uninterrupted) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := u.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	full, ok := c.(fullConn)
	if !ok {
		_ = c.Close()
		return nil, fmt.Errorf("the driver has a connection of type %T, which lacks methods", c)
	}
	return patientConn{full}, nil
}

// fullConn is what a connection of the driver has.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type patientConn struct{ fullConn }

// Unwrap is what functions of the driver look for.
func (c patientConn) Unwrap() driver.Conn { return c.fullConn }

func (c patientConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.fullConn.ExecContext(context.WithoutCancel(ctx), query, args)
}

func (c patientConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.fullConn.QueryContext(context.WithoutCancel(ctx), query, args)
}

func (c patientConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.fullConn.PrepareContext(context.WithoutCancel(ctx), query)
	if err != nil {
		return nil, err
	}
	full, ok := s.(fullStmt)
	if !ok {
		_ = s.Close()
		return nil, fmt.Errorf("the driver has a statement of type %T, which lacks methods", s)
	}
	return patientStmt{full}, nil
}

// fullStmt is what a statement of the driver has.
type fullStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type patientStmt struct{ fullStmt }

func (s patientStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.fullStmt.ExecContext(context.WithoutCancel(ctx), args)
}

func (s patientStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.fullStmt.QueryContext(context.WithoutCancel(ctx), args)
}
