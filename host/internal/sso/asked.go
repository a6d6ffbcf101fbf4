package sso

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/doorward/doorward/sdk"
)

// LoginField names the field of a prompt that asks for a login name: the only user name,
// else the only text; empty if neither is there.
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

// maxLoginName is more than login names have, in bytes, without what is not seen. What is
// longer is cut.
const maxLoginName = 160

// Asked reports whether an answer is to a prompt of a login that can go on, so that
// something is about to be judged that could be guessed, and under which login name: the
// one that it gives, or one before it gave, without what is not seen of it. It asks nobody.
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
	name := Seen(form.Get(a.LoginField)) // before it is cut: 160 spaces would leave nothing of it
	return name[:min(len(name), maxLoginName)]
}

// Seen is a login name without the spaces, and the control, formatting and combining
// characters, that directories may leave out when they compare names (RFC 4518 sections 2.2
// and 2.6.1). Active Directory takes é for e as well, so accents are left out where they
// stand by themselves.
func Seen(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Mn) || r == '\uFFFC' {
			return -1
		}
		return r
	}, name)
}
