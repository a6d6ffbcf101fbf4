package sso

import "strings"

// foldAddress returns an e-mail address so that addresses of the same mailbox are equal
// if case does not matter. Only ASCII is folded: with other letters, two different
// mailboxes could become one (the Kelvin sign is not a k). Texts without @ stay as they
// are.
func foldAddress(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	folded := []byte(text)
	for i, b := range folded {
		if 'A' <= b && b <= 'Z' {
			folded[i] = b + ('a' - 'A')
		}
	}
	return string(folded)
}

// SubjectOf returns the subject under which users are stored.
func (p Provider) SubjectOf(told string) string {
	if p.IdentifierIgnoreCase {
		return foldAddress(told)
	}
	return told
}
