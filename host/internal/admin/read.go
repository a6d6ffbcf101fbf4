package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/doorward/doorward/host/internal/people"
)

// maxBody bounds the body of a request, in bytes.
const maxBody = 64 << 10

var (
	errTooLarge = fmt.Errorf("the body has more than %d bytes", maxBody)
	errNotJSON  = errors.New("the content type must be application/json")
)

// read reads a request into the value that in points to. Anything in the request that is
// not understood is an ErrInvalid of package people: nothing is ignored silently.
func read(r *http.Request, in any) error {
	value := reflect.ValueOf(in).Elem()
	members := membersOf(value.Type())
	for _, m := range at(members, inPath) {
		value.FieldByIndex(m.index).SetString(r.PathValue(m.name))
		if err := m.check(value.FieldByIndex(m.index)); err != nil {
			return err
		}
	}
	if err := readQuery(r.URL.RawQuery, value, at(members, inQuery)); err != nil {
		return err
	}
	return readBody(r, value, at(members, inBody))
}

func readQuery(raw string, value reflect.Value, members []member) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return &people.InvalidError{Member: "query", How: "cannot be read"}
	}
	for _, m := range members {
		given, ok := query[m.name]
		delete(query, m.name)
		switch {
		case len(given) > 1:
			return m.invalid("is given more than once")
		case !ok && m.required:
			return m.invalid("is missing")
		case ok:
			if err := m.setText(value.FieldByIndex(m.index), given[0]); err != nil {
				return err
			}
		}
	}
	for name := range query {
		return unknown(name)
	}
	return nil
}

func unknown(name string) error {
	return &people.InvalidError{Member: strconv.QuoteToASCII(name[:min(len(name), 40)]), How: "is not known"}
}

// setText sets a string, a time, a number or a boolean of the query.
func (m member) setText(to reflect.Value, text string) error {
	if at, ok := to.Addr().Interface().(*time.Time); ok {
		var err error
		if *at, err = time.Parse(time.RFC3339, text); err != nil {
			return m.invalid("must be %s", wanted(m.kind))
		}
		return nil
	}
	switch to.Kind() {
	case reflect.String:
		to.SetString(text)
		return m.check(to)
	case reflect.Bool:
		to.SetBool(text == "true")
		if text != "true" && text != "false" {
			return m.invalid("must be true or false")
		}
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return m.invalid("must be a number")
	}
	to.SetInt(int64(n))
	return m.check(to)
}

func readBody(r *http.Request, value reflect.Value, members []member) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return &people.InvalidError{Member: "body", How: "ended early"}
	case len(body) > maxBody:
		return errTooLarge
	case len(members) == 0 && len(body) == 0:
		return nil
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return errNotJSON
	}
	object, err := readObject(body)
	if err != nil {
		return err
	}
	for _, m := range members {
		raw, ok := object[m.name]
		delete(object, m.name)
		if !ok && m.required {
			return m.invalid("is missing")
		}
		if !ok {
			continue
		}
		if err := m.setJSON(value.FieldByIndex(m.index), raw); err != nil {
			return err
		}
	}
	for name := range object {
		return unknown(name)
	}
	return nil
}

func (m member) setJSON(to reflect.Value, raw json.RawMessage) error {
	_, mayBeNull := to.Interface().(people.Change)
	if string(raw) == "null" && !mayBeNull {
		return m.invalid("must not be null")
	}
	if err := json.Unmarshal(raw, to.Addr().Interface()); err != nil {
		return m.invalid("must be %s", wanted(m.kind))
	}
	return m.check(to)
}

// readObject reads a JSON object that has each name once: another program could use the
// other value of a name that is there twice.
func readObject(body []byte) (map[string]json.RawMessage, error) {
	wrong := func(how string) error { return &people.InvalidError{Member: "body", How: how} }
	if !utf8.Valid(body) { // invalid bytes would be replaced, which could make another user's name
		return nil, wrong("is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, wrong("must be a JSON object")
	}
	object := map[string]json.RawMessage{}
	for decoder.More() {
		token, err := decoder.Token()
		name, isName := token.(string)
		var raw json.RawMessage
		if err != nil || !isName || decoder.Decode(&raw) != nil {
			return nil, wrong("is not JSON")
		}
		if _, ok := object[name]; ok {
			return nil, wrong(fmt.Sprintf("has %.40q more than once", name))
		}
		object[name] = raw
	}
	if _, err := decoder.Token(); err != nil {
		return nil, wrong("is not JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, wrong("has more after its JSON object")
	}
	return object, nil
}
