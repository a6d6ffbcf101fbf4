package openidtest

import "strings"

// Misbehaviours of the subject. Except for SubjectMissing the UserInfo response
// has the same sub, so that nothing else is wrong.
const (
	SubjectMissing Misbehaviour = "sub-missing"
	SubjectEmpty   Misbehaviour = "sub-empty"
	SubjectTooLong Misbehaviour = "sub-256-bytes"
	SubjectControl Misbehaviour = "sub-control-characters"
	SubjectNumber  Misbehaviour = "sub-number"
	SubjectNull    Misbehaviour = "sub-null"
	SubjectList    Misbehaviour = "sub-list"

	SubjectLongest Misbehaviour = "sub-255-bytes"
	SubjectSpaces  Misbehaviour = "sub-spaces-and-case"
	SubjectUnicode Misbehaviour = "sub-unicode"
)

func subjectBehaviours() []behaviour {
	return []behaviour{
		{name: SubjectMissing, rows: "F03", text: "sub is left out of the ID token, not of the UserInfo response", claims: drop("sub")},
		{name: SubjectEmpty, rows: "F03 D05", text: "sub is empty", login: subject("")},
		{name: SubjectTooLong, rows: "D05", text: "sub has 256 bytes", login: subject(strings.Repeat("a", 256))},
		{name: SubjectControl, rows: "D05", text: "sub holds a NUL and a line break", login: subject("alice\x00\r\nadmin")},
		{name: SubjectNumber, rows: "F03 D05", text: "sub is a number", claims: set("sub", 1001), userInfo: set("sub", 1001)},
		{name: SubjectNull, rows: "F03 D05", text: "sub is null", claims: set("sub", nil), userInfo: set("sub", nil)},
		{name: SubjectList, rows: "F03 D05", text: "sub is an array of the right one",
			claims:   func(l *login, c map[string]any) { c["sub"] = []string{l.subject} },
			userInfo: func(l *login, c map[string]any) { c["sub"] = []string{l.subject} }},

		{name: SubjectLongest, rows: "D05", legal: true, text: "sub has 255 bytes", login: subject(strings.Repeat("a", 255))},
		{name: SubjectSpaces, rows: "D05", legal: true, text: "sub is \" Alice \": another end user than alice, kept byte for byte", login: subject(" Alice ")},
		{name: SubjectUnicode, rows: "D05", legal: true, text: "sub is alice in full width with a zero-width space: another end user than alice, kept byte for byte", login: subject("ａｌｉｃｅ\u200b")},
	}
}

func subject(value string) func(*login) {
	return func(l *login) { l.subject = value }
}
