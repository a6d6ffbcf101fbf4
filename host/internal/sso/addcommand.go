package sso

import (
	"encoding/base64"
	"strings"

	"github.com/doorward/doorward/sdk"
)

// addCommand is the command by which an operator lets somebody in who was refused. It
// is copied out of a log into a shell, and the subject is what a stranger, or their
// provider, made it.
func addCommand(p Provider, identity sdk.Identity) string {
	return "doorward user add --provider " + p.Name + " --subject" + subjectFlag(p.SubjectOf(identity.Subject))
}

// subjectFlag is the end of --subject. What a shell reads as one word and a log writes as
// it is stands there as it is; with a space or a $ in it, between single quotes, in which
// no shell sees anything but text. Everything else is base64, which is the same in each
// shell and each style of log: JSON doubles backslashes, a terminal hides what is
// invisible, and one quote too few makes a command of the rest.
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
