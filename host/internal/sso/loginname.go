package sso

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/doorward/doorward/sdk"
)

// LoginField returns the name of the field in a prompt that takes the login name: the
// only user name field, otherwise the only text field; empty if neither exists.
func LoginField(fields []sdk.PromptField) string {
	names := map[sdk.FieldKind][]string{}
	for _, f := range fields {
		names[f.Kind] = append(names[f.Kind], f.Name)
	}
	for _, kind := range []sdk.FieldKind{sdk.FieldUsername, sdk.FieldText} {
		switch len(names[kind]) {
		case 0:
		case 1:
			return names[kind][0]
		default:
			return ""
		}
	}
	return ""
}

// maxLoginName is longer than login names are, in bytes, without invisible characters.
// Longer names are truncated.
const maxLoginName = 160

// Asked reports whether an answer belongs to a prompt of a login that can continue, so
// that the provider is about to check something that could be guessed. loginName is the
// login name in the answer, or in an earlier answer, without invisible characters. Asked
// makes no call to the provider.
func (s *Service) Asked(answer Answer) (loginName string, ok bool) {
	attempt, err := s.sealer.open(answer.Sealed, answer.Provider, answer.State, s.config.Now())
	if err != nil || len(attempt.Fields) == 0 {
		return "", false
	}
	return attempt.loginName(answer.Response.Form), true
}

func (a Attempt) loginName(form url.Values) string {
	if a.LoginField == "" {
		return a.LoginName
	}
	name := Seen(form.Get(a.LoginField)) // before truncating: 160 spaces would hide the name
	return name[:min(len(name), maxLoginName)]
}

// Seen returns a login name without the spaces, and the control, formatting and combining
// characters, that directories may ignore when they compare names (RFC 4518 sections 2.2
// and 2.6.1). Active Directory also takes é for e, so separate accents are removed.
func Seen(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Mn) || r == '\uFFFC' {
			return -1
		}
		return r
	}, name)
}
