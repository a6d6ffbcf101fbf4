package options

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits on what Decode accepts.
const (
	MaxValues    = 1000    // options given
	MaxValueSize = 1 << 20 // bytes of one value
	MaxDepth     = 32      // of lists and mappings in one value
)

var (
	errTooLarge  = errors.New("is larger than 1 MiB")
	errTooDeep   = errors.New("is nested deeper than 32 levels")
	errNotText   = errors.New("must be UTF-8 text without NUL; a certificate or key in DER or PKCS #12 must be converted to PEM (openssl x509, pkey, pkcs12)")
	errNotNumber = errors.New("is not a number")
)

var (
	numberText  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
	integerText = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
)

// normaliser copies a value from any source into nil, bool, string, json.Number,
// float64, []any and map[string]any, and json.RawMessage at the top. Floats stay
// floats, because they may have lost digits that were written.
type normaliser struct{ size int }

func normalise(value any) (any, error) {
	n := &normaliser{}
	raw, ok := value.(json.RawMessage)
	switch {
	case !ok:
		return n.copy(value, 0)
	case len(raw) == 0, string(raw) == "null":
		return nil, nil
	}
	return raw, n.text(string(raw))
}

func (n *normaliser) copy(value any, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, errTooDeep
	}
	switch v := value.(type) {
	case nil, bool:
		return v, n.add(1)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, errNotNumber
		}
		return v, n.add(1)
	case string:
		return v, n.text(v)
	case Secret:
		return string(v), n.text(string(v))
	case json.Number:
		return n.number(v)
	case int:
		return json.Number(strconv.Itoa(v)), n.add(1)
	case int64:
		return json.Number(strconv.FormatInt(v, 10)), n.add(1)
	case uint64:
		return json.Number(strconv.FormatUint(v, 10)), n.add(1)
	case []any:
		return n.list(v, depth)
	case []string:
		return n.list(toAnyList(v), depth)
	case map[string]any:
		return n.object(v, depth)
	case map[string]string:
		return n.object(toAnyMap(v), depth)
	}
	return nil, fmt.Errorf("has the unexpected type %T", value)
}

func (n *normaliser) add(size int) error {
	if n.size += size; n.size > MaxValueSize {
		return errTooLarge
	}
	return nil
}

func (n *normaliser) text(s string) error {
	if err := n.add(len(s)); err != nil {
		return err
	}
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return errNotText
	}
	return nil
}

func (n *normaliser) number(v json.Number) (any, error) {
	if err := n.add(len(v)); err != nil {
		return nil, err
	}
	if !numberText.MatchString(string(v)) {
		return nil, errNotNumber
	}
	return v, nil
}

func (n *normaliser) list(list []any, depth int) (any, error) {
	if err := n.add(1); err != nil {
		return nil, err
	}
	out := make([]any, 0, min(len(list), MaxValueSize))
	for _, element := range list {
		c, err := n.copy(element, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func (n *normaliser) object(object map[string]any, depth int) (any, error) {
	if err := n.add(1); err != nil {
		return nil, err
	}
	out := make(map[string]any)
	for key, member := range object {
		if err := n.text(key); err != nil {
			return nil, err
		}
		c, err := n.copy(member, depth+1)
		if err != nil {
			return nil, err
		}
		out[key] = c
	}
	return out, nil
}

func toAnyList(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func toAnyMap(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for key, s := range m {
		out[key] = s
	}
	return out
}
