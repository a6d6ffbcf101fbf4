package sso

import "time"

// Assertion is what an application behind a proxy is told of who asks, under our
// signature: good at its origin only, and for so short a time that a stolen one is of
// little use.
type Assertion struct {
	Audience string // the origin of the application: https://wiki.example.org
	UserID   string
	Session  string // its ID; empty if it is not known
	Email    string
	Name     string
	Role     string
	Groups   []string

	// GroupsIncomplete: there are more than could be told.
	GroupsIncomplete bool

	Provider  string    // its name
	SignedIn  time.Time // zero: not known
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Bounds of the life of an assertion, and its default.
const (
	MinAssertionTTL = 10 * time.Second
	AssertionTTL    = time.Minute
	MaxAssertionTTL = 5 * time.Minute
)
