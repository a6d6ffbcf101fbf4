package saml2

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/doorward/doorward/plugins/saml/internal/strictxml"
)

var dateTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,12})?(Z|[+-]\d\d:\d\d)$`)

var errTime = errors.New("is not a time with a time zone, such as 2026-11-25T12:00:00Z (core section 1.3.3)")

// ParseTime reads xs:dateTime. It refuses a time without a time zone, although the schema
// allows it: two readers could interpret it differently.
func ParseTime(text string) (time.Time, error) {
	if !dateTime.MatchString(text) {
		return time.Time{}, errTime
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Unix() < 0 {
		return time.Time{}, errTime
	}
	return t.UTC(), nil
}

// URIText returns the text of an element that holds a URI. The schema allows white space
// around it.
func URIText(e *strictxml.Element) (string, bool) {
	text, ok := e.Text()
	return strings.Trim(text, " \t\r\n"), ok
}

// IsTrue reads xs:boolean.
func IsTrue(text string) bool { return text == "true" || text == "1" }
