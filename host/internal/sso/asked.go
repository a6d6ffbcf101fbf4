package sso

import (
	"net/url"

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

// maxLoginName is more than login names have, in bytes. What is longer is cut.
const maxLoginName = 160

// Asked reports whether an answer is to a prompt of a login that can go on, so that
// something is about to be judged that could be guessed, and under which login name: the
// one that it gives, or one before it gave. It asks nobody.
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
	name := form.Get(a.LoginField)
	return name[:min(len(name), maxLoginName)]
}
