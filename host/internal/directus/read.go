package directus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Limits of a file.
const (
	MaxFile = 64 << 20 // bytes
	MaxRows = 100_000  // of each table

	maxValue   = 1 << 10 // bytes of each value; the columns in Directus have at most 255 characters
	maxColumns = 1000
)

// User is a row of directus_users.
type User struct {
	ID, Status, Role, Email, FirstName, LastName, Language, Provider, ExternalIdentifier string
}

// Role is a row of directus_roles.
type Role struct{ ID, Name string }

// Export is the content of a file.
type Export struct {
	Users []User
	Roles []Role
}

// ErrFormat: the file has none of the supported formats, or is cut off.
var ErrFormat = errors.New("not a Directus export")

// Read reads a file of users. The dump of a database may have roles, too.
func Read(r io.Reader) (Export, error) {
	export, err := read(r, "directus_users")
	if err == nil && len(export.Users) == 0 {
		err = fmt.Errorf("%w: it has no users; a dump must contain the data of the table directus_users", ErrFormat)
	}
	return export, err
}

// ReadRoles reads a file of roles.
func ReadRoles(r io.Reader) ([]Role, error) {
	export, err := read(r, "directus_roles")
	if err == nil && len(export.Roles) == 0 {
		err = fmt.Errorf("%w: it has no roles; a dump must contain the data of the table directus_roles", ErrFormat)
	}
	return export.Roles, err
}

// read detects the format of a file. JSON and CSV files contain one table and do not name
// it.
func read(r io.Reader, table string) (Export, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return Export{}, fmt.Errorf("reading the file: %w", err)
	}
	if len(data) > MaxFile {
		return Export{}, fmt.Errorf("the file has more than %d MB: export the tables directus_users and directus_roles alone", MaxFile>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // byte order mark, as spreadsheets write it
	text := bytes.TrimLeft(data, " \t\r\n")
	var into tables
	switch {
	case bytes.HasPrefix(text, []byte("{")), bytes.HasPrefix(text, []byte("[")):
		err = readJSON(text, table, &into)
	case isDump(text):
		err = readDump(text, &into)
	default:
		err = readCSV(data, table, &into)
	}
	return into.Export, err
}

// tables collects rows.
type tables struct {
	Export
	ids map[string]bool // of both tables
}

// add adds a row of a table. value returns the value of a column, or "" if it is missing.
func (t *tables) add(table string, value func(column string) string) error {
	id := strings.ToLower(value("id"))
	if t.ids == nil {
		t.ids = map[string]bool{}
	}
	switch key := table + " " + id; {
	case id == "":
		return fmt.Errorf("%w: a row of %s has no id", ErrFormat, table)
	case t.ids[key]:
		return fmt.Errorf("%w: %s has the id %.40q twice", ErrFormat, table, id)
	case len(t.Users) >= MaxRows, len(t.Roles) >= MaxRows:
		return fmt.Errorf("more than %d rows: import the file in parts", MaxRows)
	default:
		t.ids[key] = true
	}
	if table == "directus_roles" {
		t.Roles = append(t.Roles, Role{ID: id, Name: value("name")})
		return nil
	}
	t.Users = append(t.Users, User{
		ID: id, Status: value("status"), Role: strings.ToLower(value("role")), Email: value("email"), FirstName: value("first_name"), LastName: value("last_name"),
		Language: value("language"), Provider: value("provider"), ExternalIdentifier: value("external_identifier"),
	})
	return nil
}

// needed returns the columns without which a file is useless.
func needed(table string) []string {
	if table == "directus_roles" {
		return []string{"id", "name"}
	}
	return []string{"id", "status", "provider", "external_identifier"}
}

// wanted reports whether a column is kept.
func wanted(column string) bool {
	switch column {
	case "id", "name", "status", "role", "email", "first_name", "last_name", "language", "provider", "external_identifier":
		return true
	}
	return false
}

// checkColumns refuses a table without the columns that identify users: an export without
// external_identifier would create accounts that nobody can sign in to.
func checkColumns(table string, has func(column string) bool) error {
	var missing []string
	for _, column := range needed(table) {
		if !has(column) {
			missing = append(missing, column)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("%w: %s lacks %s: export these fields too, as an administrator", ErrFormat, table, strings.Join(missing, ", "))
	}
	return nil
}

func checkValue(column, text string) error {
	if len(text) > maxValue {
		return fmt.Errorf("%w: %s has a value of more than %d bytes", ErrFormat, column, maxValue)
	}
	return nil
}
