package contract

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/doorward/doorward/sdk"
)

// checkText checks that a text fits into a header, a log line and a page.
func checkText(text string, most int) error {
	switch {
	case len(text) > most:
		return fmt.Errorf("has %d bytes, at most %d are allowed", len(text), most)
	case !utf8.ValidString(text):
		return errors.New("is not UTF-8")
	case strings.ContainsFunc(text, unicode.IsControl):
		return errors.New("contains a control character")
	}
	return nil
}

// CheckSubject says why a text cannot be a subject: it is empty, has more than
// [sdk.MaxSubject] bytes, is not UTF-8 or contains a control character.
func CheckSubject(text string) error {
	if text == "" {
		return errors.New("is empty")
	}
	return checkText(text, sdk.MaxSubject)
}

// CheckGroup says why a text cannot be the name of a group. It also applies to the rules
// of the operator, because a rule that names such a group would never match.
func CheckGroup(text string) error {
	if text == "" {
		return errors.New("is empty")
	}
	return checkText(text, sdk.MaxAttribute)
}
