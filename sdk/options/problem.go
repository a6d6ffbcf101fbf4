package options

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Problem is one thing for the operator to change.
type Problem struct {
	Option string `json:"option"` // empty: the options as a whole
	Text   string `json:"text"`   // what is wrong and what to write instead; without secrets
}

// String returns "option: text".
func (p Problem) String() string {
	if p.Option == "" {
		return p.Text
	}
	return p.Option + ": " + p.Text
}

// Problems is an error that lists all problems, one per line.
type Problems []Problem

// Error returns the problems, one per line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// Addf adds a problem.
func (p *Problems) Addf(option, format string, args ...any) {
	*p = append(*p, Problem{Option: option, Text: fmt.Sprintf(format, args...)})
}

// Err returns the problems as an error, or nil if there are none.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// problemsOf converts the error of a Validate method.
func problemsOf(err error) Problems {
	if err == nil {
		return nil
	}
	if problems, ok := errors.AsType[Problems](err); ok {
		return problems
	}
	return Problems{{Text: err.Error()}}
}

// notText returns `, not "text"`, or nothing if the option is secret.
func notText(o Option, text string) string {
	if o.Secret {
		return ""
	}
	return ", not " + strconv.Quote(clip(text))
}

// clip shortens a text for a message.
func clip(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	end := most
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// printable returns a name that the operator wrote in a form that is safe to print.
func printable(name string) string {
	quoted := strconv.Quote(clip(name))
	if quoted == `"`+name+`"` {
		return name
	}
	return quoted
}
