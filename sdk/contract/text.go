package contract

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/doorward/doorward/sdk"
)

// checkText checks that a header, a line of the log and a page can carry a text.
func checkText(text string, most int) error {
	switch {
	case len(text) > most:
		return fmt.Errorf("has %d bytes, at most %d are allowed", len(text), most)
	case !utf8.ValidString(text):
		return errors.New("is not UTF-8")
	case strings.ContainsFunc(text, unicode.IsControl):
		return errors.New("has a control character in it")
	}
	return nil
}

// CheckSubject says what keeps a text from being a subject: that it is empty, has
// more than [sdk.MaxSubject] bytes, is not UTF-8 or has a control character in it.
func CheckSubject(text string) error {
	if text == "" {
		return errors.New("is empty")
	}
	return checkText(text, sdk.MaxSubject)
}

// CheckGroup says what keeps a text from being the name of a group. A rule of the
// operator that names such a group would never match, so both are held to it.
func CheckGroup(text string) error {
	if text == "" {
		return errors.New("is empty")
	}
	return checkText(text, sdk.MaxAttribute)
}
