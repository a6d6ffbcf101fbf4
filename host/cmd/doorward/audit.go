package main

import (
	"time"

	"github.com/doorward/doorward/host/internal/sso"
)

// byOperator is the event of what an operator does by a command, beside the administration.
func byOperator(kind sso.EventKind, reason string) sso.Event {
	return sso.Event{At: time.Now(), Kind: kind, Actor: sso.ActorOperator, Reason: reason}
}

// endedByOperator is that of each session that they end.
func endedByOperator() sso.Event { return byOperator(sso.EventSessionEnded, sso.ReasonEndedByOperator) }
