package directus

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
)

// readCSV reads a table with the column names in its first line (RFC 4180).
func readCSV(data []byte, table string, into *tables) error {
	reader := csv.NewReader(bytes.NewReader(data))
	reader.ReuseRecord = true
	head, err := reader.Read()
	if err != nil || len(head) > maxColumns {
		return fmt.Errorf("%w: it is not JSON, CSV with the column names in its first line, or the plain text of pg_dump", ErrFormat)
	}
	columns := slices.Clone(head)
	if err := checkColumns(table, func(column string) bool { return slices.Contains(columns, column) }); err != nil {
		return err
	}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrFormat, err)
		}
		line, _ := reader.FieldPos(0)
		if err := addRecord(columns, record, table, into); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// addRecord adds a row. If two columns have the same name, the first one counts.
func addRecord(columns, record []string, table string, into *tables) error {
	for i, column := range columns {
		if wanted(column) {
			if err := checkValue(column, record[i]); err != nil {
				return err
			}
		}
	}
	return into.add(table, func(column string) string {
		if i := slices.Index(columns, column); i >= 0 {
			return record[i]
		}
		return ""
	})
}
