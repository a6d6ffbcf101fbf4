package main

import (
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// forgetEvery is how long after its grace the successor of a token may still stand in
// the store.
const forgetEvery = 10 * time.Second

func forgetSuccessors(logins *sso.Service) task {
	return task{forgetEvery, logins.ForgetSuccessors, "old tokens lead to current ones in the database for longer than the grace period"}
}
