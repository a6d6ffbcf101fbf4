package sso

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/doorward/doorward/sdk"
)

// UserText is a text of a user that pages, headers and the log will contain.
type UserText struct{ Member, Text string }

// Texts returns the texts of a user that operators set, in the order of their names.
func (u User) Texts() []UserText {
	return []UserText{{"email", u.Email}, {"first_name", u.FirstName}, {"language", u.Language}, {"last_name", u.LastName}}
}

// ChangedTexts returns the names of the texts that differ from before.
func (u User) ChangedTexts(before User) (members []string) {
	was := before.Texts()
	for i, is := range u.Texts() {
		if is != was[i] {
			members = append(members, is.Member)
		}
	}
	return members
}

// TextError describes what is wrong with a text of a user.
type TextError struct{ Member, Problem string }

func (e *TextError) Error() string { return e.Member + " " + e.Problem }

// Check returns a *TextError if the text may not be stored.
func (t UserText) Check() error {
	problem := ""
	switch {
	case len(t.Text) > sdk.MaxAttribute:
		problem = fmt.Sprintf("has more than %d bytes", sdk.MaxAttribute)
	case !utf8.ValidString(t.Text):
		problem = "is not UTF-8"
	case strings.ContainsFunc(t.Text, unicode.IsControl):
		problem = "contains a control character"
	case strings.TrimSpace(t.Text) != t.Text:
		problem = "begins or ends with a space"
	default:
		return nil
	}
	return &TextError{t.Member, problem}
}
