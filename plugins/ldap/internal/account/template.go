package account

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/directory"
)

// usernamePlaceholder is where a template takes the name.
const usernamePlaceholder = "{username}"

// FillTemplate puts a name into a template. The name is escaped as a value of a DN
// (RFC 4514), not of a filter: "a,ou=admins" stays one value.
func FillTemplate(template, username string) string {
	return strings.ReplaceAll(template, usernamePlaceholder, ldap.EscapeDN(username))
}

// CheckTemplate checks user_dn_template. The error follows its name.
func CheckTemplate(template string, bases []string) error {
	if !strings.Contains(template, usernamePlaceholder) {
		return fmt.Errorf("must have %s in it", usernamePlaceholder)
	}
	sample := FillTemplate(template, "x")
	if _, err := ldap.ParseDN(sample); err != nil {
		return errors.New("must be a DN, such as uid={username},ou=people,dc=example,dc=com: by a name of another form the directory may know another entry than the one that is read")
	}
	if !directory.IsUnderAny(sample, bases) {
		return errors.New("must lie under user_dn")
	}
	return nil
}
