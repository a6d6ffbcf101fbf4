package main

import (
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// forgetEvery is how long after its grace period the successor of a token can still be in the
// store.
const forgetEvery = 10 * time.Second

func forgetSuccessors(logins *sso.Service) task {
	return task{forgetEvery, logins.ForgetSuccessors, "replaced tokens still lead to current ones in the database after the grace period"}
}
