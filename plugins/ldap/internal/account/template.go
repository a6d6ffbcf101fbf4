package account

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
)

// usernamePlaceholder stands for the user name in a template.
const usernamePlaceholder = "{username}"

// FillTemplate inserts a name into a template. The name is escaped as a value of a DN (RFC
// 4514), not of a filter: "a,ou=admins" stays one value.
func FillTemplate(template, username string) string {
	return strings.ReplaceAll(template, usernamePlaceholder, ldap.EscapeDN(username))
}

// CheckTemplate checks user_dn_template. The error completes a sentence that begins with the
// name of the option.
func CheckTemplate(template string, bases []string) error {
	if !strings.Contains(template, usernamePlaceholder) {
		return fmt.Errorf("must contain %s", usernamePlaceholder)
	}
	sample := FillTemplate(template, "x")
	if _, err := ldap.ParseDN(sample); err != nil {
		return errors.New("must be a DN such as uid={username},ou=people,dc=example,dc=com: with a name of another form, the directory may bind as another entry than the one that is read")
	}
	if !directory.IsUnderAny(sample, bases) {
		return errors.New("must be under user_dn")
	}
	return nil
}
