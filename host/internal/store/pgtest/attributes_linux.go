package pgtest

import "syscall"

func attributes() *syscall.SysProcAttr {
	// SIGTERM, because otherwise PostgreSQL would leave its children and its shared
	// memory behind.
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Credential: ordinary()}
}
