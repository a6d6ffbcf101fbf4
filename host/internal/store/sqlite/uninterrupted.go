package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// uninterrupted opens connections whose statements run to their end, whatever happens to
// their context. The driver would interrupt them, and SQLite answers the interruption of
// a write by rolling back the whole transaction
// (https://www.sqlite.org/c3ref/interrupt.html), which contains other callers' writes,
// too.
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
		return nil, fmt.Errorf("the driver's connection type %T lacks methods", c)
	}
	return patientConn{full}, nil
}

// fullConn lists the methods of a driver connection.
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

// Unwrap lets functions of the driver find the connection.
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
		return nil, fmt.Errorf("the driver's statement type %T lacks methods", s)
	}
	return patientStmt{full}, nil
}

// fullStmt lists the methods of a driver statement.
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
