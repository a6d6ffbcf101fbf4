package sso

import "github.com/doorward/doorward/sdk"

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

// Asked reports whether an answer is to a prompt of a login that can go on, so that
// something is about to be judged that could be guessed, and which login name it gives.
// It asks nobody.
func (s *Service) Asked(answer Answer) (loginName string, ok bool) {
	attempt, err := s.sealer.open(answer.Sealed, answer.Provider, answer.State, s.config.Now())
	if err != nil || len(attempt.Fields) == 0 {
		return "", false
	}
	if attempt.LoginField == "" {
		return "", true
	}
	return answer.Response.Form.Get(attempt.LoginField), true
}
