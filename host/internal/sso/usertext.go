package sso

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/doorward/doorward/sdk"
)

// UserText is what somebody wrote of a user: pages, headers and the log carry it.
type UserText struct{ Member, Text string }

// Texts are those of a user that operators write, in the order of their names.
func (u User) Texts() []UserText {
	return []UserText{{"email", u.Email}, {"first_name", u.FirstName}, {"language", u.Language}, {"last_name", u.LastName}}
}

// ChangedTexts returns the names of the texts in which a user differs from before.
func (u User) ChangedTexts(before User) (members []string) {
	was := before.Texts()
	for i, is := range u.Texts() {
		if is != was[i] {
			members = append(members, is.Member)
		}
	}
	return members
}

// TextError says what is wrong with a text of a user.
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
		problem = "has a control character in it"
	case strings.TrimSpace(t.Text) != t.Text:
		problem = "begins or ends with a space"
	default:
		return nil
	}
	return &TextError{t.Member, problem}
}
