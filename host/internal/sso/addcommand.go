package sso

import (
	"encoding/base64"
	"strings"

	"github.com/doorward/doorward/sdk"
)

// addCommand returns the command with which an operator admits a refused user. Operators
// copy it from a log into a shell, and the subject comes from a stranger, or their
// provider.
func addCommand(p Provider, identity sdk.Identity) string {
	return "doorward user add --provider " + p.Name + " --subject" + subjectFlag(p.SubjectOf(identity.Subject))
}

// subjectFlag returns the rest of the --subject flag. A subject that a shell reads as one
// word and a log writes unchanged is used as it is. With spaces or a $ in it, it stands
// between single quotes, in which every shell sees only text. Everything else is base64,
// which is the same in each shell and each log format: JSON doubles backslashes, a
// terminal hides invisible characters, and a missing quote would turn the rest into a
// command.
func subjectFlag(subject string) string {
	switch {
	case strings.Trim(subject, plainText) == "" && !strings.HasPrefix(subject, "-"):
		return " " + subject
	case strings.Trim(subject, plainText+quotable) == "" && !strings.HasPrefix(subject, "-"):
		return " '" + subject + "'"
	}
	return "-base64 " + base64.RawURLEncoding.EncodeToString([]byte(subject))
}

const (
	plainText = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+:,./-"
	quotable  = " #$()*;=?[]^`{|}~"
)
