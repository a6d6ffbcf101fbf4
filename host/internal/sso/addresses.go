package sso

import "strings"

// foldAddress returns an e-mail address so that those of one mailbox are equal, where
// case does not matter. Only ASCII is folded: of other letters, two that mailboxes tell
// apart could become one (the Kelvin sign is no k). What has no @ in it stays as it is.
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

// SubjectOf returns what a subject is known by.
func (p Provider) SubjectOf(told string) string {
	if p.IdentifierIgnoreCase {
		return foldAddress(told)
	}
	return told
}
