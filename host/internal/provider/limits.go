package provider

import (
	"time"

	"github.com/doorward/doorward/host/internal/provider/process"
)

// limits bound what a plugin can make the host wait for.
type limits struct {
	process process.Limits
	pauses  Pauses

	first  time.Duration // all plugins at the start of the host
	open   time.Duration // one provider
	reopen time.Duration // before a provider that could not be opened is tried again; doubles
	drain  time.Duration // calls in flight on what was replaced
	probe  time.Duration // between two questions whether an idle plugin lives
	answer time.Duration // to that question
	slow   time.Duration // a call that takes longer raises the question

	calls         int // in flight in one plugin
	providerCalls int // in flight through one provider
}

var defaultLimits = limits{
	process: process.DefaultLimits, pauses: DefaultPauses,
	first: 5 * time.Second, open: 15 * time.Second, reopen: 500 * time.Millisecond, drain: 30 * time.Second,
	probe: 10 * time.Second, answer: 2 * time.Second, slow: 3 * time.Second,
	calls: 256, providerCalls: 64,
}
