package pgtest

import "syscall"

func attributes() *syscall.SysProcAttr {
	// SIGTERM, as PostgreSQL would leave its children and its shared memory, else.
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Credential: ordinary()}
}
