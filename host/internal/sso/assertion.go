package sso

import "time"

// Assertion tells an application behind a proxy who the user is, signed by the host. It
// is valid for the application's origin only, and for so short a time that a stolen one
// is of little use.
type Assertion struct {
	Audience string // the origin of the application: https://wiki.example.org
	UserID   string
	Session  string // its ID; empty if unknown
	Email    string
	Name     string
	Role     string
	Groups   []string

	// GroupsIncomplete: the user has more groups than the assertion could hold.
	GroupsIncomplete bool

	Provider  string    // its name
	SignedIn  time.Time // zero: unknown
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Limits and default of an assertion's lifetime.
const (
	MinAssertionTTL = 10 * time.Second
	AssertionTTL    = time.Minute
	MaxAssertionTTL = 5 * time.Minute
)
