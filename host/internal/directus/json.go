package directus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// readJSON reads a list of objects, or an object with such a list as data. A role may be
// an object with an id, as the API returns it when fields of it are requested.
func readJSON(text []byte, table string, into *tables) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if text[0] == '{' {
		var envelope struct {
			Data json.RawMessage `json:"data"`
		}
		if err := decoder.Decode(&envelope); err != nil || len(envelope.Data) == 0 {
			return fmt.Errorf("%w: the JSON object has no data", ErrFormat)
		}
		if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: there is more text after the JSON object", ErrFormat)
		}
		decoder = json.NewDecoder(bytes.NewReader(envelope.Data))
	}
	if start, err := decoder.Token(); err != nil || start != json.Delim('[') {
		return fmt.Errorf("%w: it is not a list of rows", ErrFormat)
	}
	for n := 1; decoder.More(); n++ {
		var row map[string]json.RawMessage
		if err := decoder.Decode(&row); err != nil {
			return fmt.Errorf("%w: row %d is not a JSON object", ErrFormat, n)
		}
		if err := addObject(row, table, into); err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
	}
	if _, err := decoder.Token(); err != nil {
		return fmt.Errorf("%w: the list is cut off", ErrFormat)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: there is more text after the list", ErrFormat)
	}
	return nil
}

func addObject(row map[string]json.RawMessage, table string, into *tables) error {
	if err := checkColumns(table, func(column string) bool { _, ok := row[column]; return ok }); err != nil {
		return err
	}
	values := map[string]string{}
	for column, raw := range row {
		if !wanted(column) {
			continue
		}
		text, err := textOf(column, raw)
		if err != nil {
			return err
		}
		values[column] = text
	}
	return into.add(table, func(column string) string { return values[column] })
}

func textOf(column string, raw json.RawMessage) (string, error) {
	var text *string
	if err := json.Unmarshal(raw, &text); err == nil {
		if text == nil {
			return "", nil
		}
		return *text, checkValue(column, *text)
	}
	var object struct {
		ID string `json:"id"`
	}
	if column != "role" || json.Unmarshal(raw, &object) != nil || object.ID == "" {
		return "", fmt.Errorf("%w: %s is neither a string nor null", ErrFormat, column)
	}
	return object.ID, checkValue(column, object.ID)
}
