package contract

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/doorward/doorward/sdk"
)

// Tidy makes the values that only decorate fit for headers, logs and pages, so that they
// never end a login: a line break in a surname is not a reason to block somebody.
//
//   - A displayed name is cleaned: control characters are replaced by blanks, and the
//     name is cut to [sdk.MaxAttribute] bytes.
//   - A username, an e-mail address and an acr are either kept or left out. If they were
//     cleaned or cut, they could belong to somebody or something else. An e-mail address
//     that is left out is not verified.
//   - An amr value or a group that no rule can name (see [CheckGroup]) is left out, and so
//     is an alias that could not be a subject (see [CheckSubject]).
//
// A warning names the field and never contains a value. A list that is too long is kept
// unchanged, for [CheckIdentity] to refuse: a part of it could lack the group that blocks
// somebody.
func Tidy(i sdk.Identity) (tidied sdk.Identity, warnings []string) {
	t := tidier{}
	i.GivenName = t.clean("given name", i.GivenName)
	i.FamilyName = t.clean("family name", i.FamilyName)
	i.Name = t.clean("name", i.Name)
	i.Username = t.keep("username", i.Username)
	i.Email = t.keep("e-mail address", i.Email)
	i.EmailVerified = i.EmailVerified && i.Email != ""
	i.ACR = t.keep("acr", i.ACR)
	i.AMR = t.each("amr", i.AMR, sdk.MaxAMR, CheckGroup)
	i.Groups = t.each("group", i.Groups, sdk.MaxGroups, CheckGroup)
	i.Aliases = t.each("alias", i.Aliases, sdk.MaxAliases, CheckSubject)
	return i, t.warnings
}

type tidier struct{ warnings []string }

func (t *tidier) warn(format string, args ...any) {
	t.warnings = append(t.warnings, fmt.Sprintf(format, args...))
}

func (t *tidier) clean(what, text string) string {
	err := checkText(text, sdk.MaxAttribute)
	if err == nil {
		return text
	}
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), unicode.IsControl), " ")
	if len(text) > sdk.MaxAttribute {
		text = strings.ToValidUTF8(text[:sdk.MaxAttribute], "")
	}
	t.warn("%s is cleaned: it %v", what, err)
	return text
}

func (t *tidier) keep(what, text string) string {
	if err := checkText(text, sdk.MaxAttribute); err != nil {
		t.warn("%s is left out: it %v", what, err)
		return ""
	}
	return text
}

// each copies a list only if it has to.
func (t *tidier) each(what string, list []string, most int, check func(string) error) []string {
	var first error
	bad := 0
	for _, text := range list {
		if err := check(text); err != nil {
			if bad++; bad == 1 {
				first = err
			}
		}
	}
	if bad == 0 || len(list) > most {
		return list
	}
	kept := make([]string, 0, len(list)-bad)
	for _, text := range list {
		if check(text) == nil {
			kept = append(kept, text)
		}
	}
	t.warn("%s: %d of %d values are left out, the first because it %v", what, bad, len(list), first)
	return kept
}
