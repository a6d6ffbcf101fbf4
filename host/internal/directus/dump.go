package directus

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// copyLine starts the rows of a table in the plain text of pg_dump.
var copyLine = regexp.MustCompile(`^COPY (?:"?[A-Za-z0-9_]+"?\.)?"?(directus_users|directus_roles)"? \(([^()]+)\) FROM stdin;$`)

// isDump reports whether a text was written by pg_dump: SQL comments, a statement, or the
// rows of a table.
func isDump(text []byte) bool {
	for _, start := range []string{"--", "SET ", "COPY ", `\restrict`} {
		if bytes.HasPrefix(text, []byte(start)) {
			return true
		}
	}
	return false
}

// readDump reads the rows of COPY … FROM stdin of the two tables.
func readDump(text []byte, into *tables) error {
	table, columns := "", []string(nil)
	for n := 1; len(text) > 0; n++ {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		line = bytes.TrimSuffix(line, []byte("\r"))
		switch found := copyLine.FindSubmatch(line); {
		case table != "" && string(line) == `\.`:
			table = ""
		case table != "":
			if err := addCopied(columns, string(line), table, into); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
		case found != nil:
			table, columns = string(found[1]), columnsOf(string(found[2]))
			if err := checkColumns(table, func(column string) bool { return slices.Contains(columns, column) }); err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
		case bytes.HasPrefix(line, []byte("INSERT INTO ")) && bytes.Contains(line, []byte("directus_users")):
			return fmt.Errorf("line %d: %w: the rows are INSERT statements; run pg_dump without --inserts", n, ErrFormat)
		}
	}
	if table != "" {
		return fmt.Errorf("%w: the rows of %s are cut off", ErrFormat, table)
	}
	return nil
}

func columnsOf(list string) []string {
	columns := strings.Split(list, ", ")
	for i, column := range columns {
		columns[i] = strings.Trim(column, `"`)
	}
	return columns
}

func addCopied(columns []string, line, table string, into *tables) error {
	record := strings.Split(line, "\t")
	if len(record) != len(columns) {
		return fmt.Errorf("%w: %d values in %d columns of %s", ErrFormat, len(record), len(columns), table)
	}
	for i, column := range columns {
		if !wanted(column) {
			record[i] = ""
			continue
		}
		text, err := uncopied(record[i])
		if err != nil {
			return fmt.Errorf("%w in %s", err, column)
		}
		record[i] = text
	}
	return addRecord(columns, record, table, into)
}

// uncopied reads a value in the text format of COPY (PostgreSQL manual, COPY, File
// Formats). NULL becomes empty.
func uncopied(value string) (string, error) {
	if value == `\N` {
		return "", nil
	}
	if !strings.Contains(value, `\`) {
		return value, nil
	}
	var text strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' {
			text.WriteByte(value[i])
			continue
		}
		i++
		if i == len(value) {
			return "", fmt.Errorf("%w: a value ends with a backslash", ErrFormat)
		}
		if at := strings.IndexByte("bfnrtv", value[i]); at >= 0 {
			text.WriteByte("\b\f\n\r\t\v"[at])
			continue
		}
		digits, base := numberAt(value[i:])
		if digits == "" {
			text.WriteByte(value[i])
			continue
		}
		number, err := strconv.ParseUint(strings.TrimPrefix(digits, "x"), base, 8)
		if err != nil {
			return "", fmt.Errorf("%w: an escaped number is not a byte", ErrFormat)
		}
		text.WriteByte(byte(number))
		i += len(digits) - 1
	}
	return text.String(), nil
}

// numberAt finds one to three octal digits, or an x with one or two hexadecimal digits.
func numberAt(text string) (digits string, base int) {
	span := func(from, most int, set string) int {
		n := from
		for n < len(text) && n < from+most && strings.IndexByte(set, text[n]) >= 0 {
			n++
		}
		return n
	}
	if text[0] == 'x' {
		if n := span(1, 2, "0123456789abcdefABCDEF"); n > 1 {
			return text[:n], 16
		}
		return "", 0
	}
	return text[:span(0, 3, "01234567")], 8
}
