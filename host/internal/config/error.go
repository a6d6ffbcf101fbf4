package config

import (
	"fmt"
	"strings"

	"github.com/doorward/doorward/sdk/options"
)

// Error lists everything that is wrong with a configuration. The Option of a problem is the
// name that the operator wrote, with file and line if it is in a file: PUBLIC_URL,
// AUTH_X_MODE (.env:3), providers.x.mode (doorward.yaml:12).
type Error struct {
	Problems options.Problems

	// Notes are warnings that can be the reason of a problem: about .env, and about
	// misspelled names of settings.
	Notes []string
}

// Error returns a list with one problem per line. It contains no secret.
func (e *Error) Error() string {
	count := "is 1 problem"
	if len(e.Problems) != 1 {
		count = fmt.Sprintf("are %d problems", len(e.Problems))
	}
	lines := strings.ReplaceAll(e.Problems.Error(), "\n", "\n  ")
	for _, note := range e.Notes {
		lines += "\n  note: " + note
	}
	return "there " + count + " in the configuration:\n  " + lines
}

// Unwrap returns the problems.
func (e *Error) Unwrap() error { return e.Problems }

// oneProblem returns the Error for a source that cannot be read at all.
func oneProblem(name, format string, args ...any) *Error {
	var problems options.Problems
	problems.Addf(name, format, args...)
	return &Error{Problems: problems}
}
