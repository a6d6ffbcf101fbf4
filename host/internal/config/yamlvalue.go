package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"go.yaml.in/yaml/v3"

	"github.com/doorward/doorward/sdk/options"
)

// maxNodes is how many values a file may contain after its aliases are followed: a few
// lines of aliases can stand for billions.
const maxNodes = 100_000

var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// givenBy reads the value of an entry.
func (l *loader) givenBy(e entry, name string, t options.Type) given {
	found := given{origin: l.document.at(name, e.line), name: name, place: l.document.line(e.line), base: l.document.dir}
	switch kind, path, _ := reference(followAlias(e.node)); kind {
	case "env":
		found.base = l.dir
	case "file":
		found.file = path
	}
	var err error
	if found.value, err = l.entryValue(e, t); err != nil {
		l.problems.Addf(found.origin, "%v", err)
		found.value, found.broken = nil, true
	}
	return found
}

func (l *loader) entryValue(e entry, t options.Type) (any, error) {
	value, err := l.value(e.key, e.node, 0)
	if _, isMapping := value.(map[string]any); err != nil || t != options.TypeJSON || !isMapping {
		return value, err
	}
	// A map has no order, but in a role mapping the first match counts.
	var b bytes.Buffer
	err = l.encode(&b, e.key, e.node)
	return options.JSON(b.Bytes()), err
}

// value turns the node of a key into nil, bool, string, json.Number, []any or map[string]any.
// Numbers keep their digits. Errors do not quote values.
func (l *loader) value(key string, node *yaml.Node, depth int) (any, error) {
	if l.nodes++; l.nodes > maxNodes || depth > options.MaxDepth {
		return nil, errors.New("the file has too many values, or values nested too deep")
	}
	node = followAlias(node)
	if kind, name, ok := reference(node); ok {
		return l.referred(key, kind, name)
	}
	switch node.Kind {
	case yaml.ScalarNode:
		return scalar(node)
	case yaml.SequenceNode:
		return l.sequence(key, node, depth)
	case yaml.MappingNode:
		return l.mapping(node, depth)
	}
	return nil, errors.New("has no value that can be read")
}

func (l *loader) sequence(key string, node *yaml.Node, depth int) (any, error) {
	list := []any{}
	for _, element := range node.Content {
		value, err := l.value(key, element, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

func (l *loader) mapping(node *yaml.Node, depth int) (any, error) {
	object := map[string]any{}
	for i := 0; i < len(node.Content); i += 2 {
		key, err := scalarKey(node.Content[i])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", node.Content[i].Line, err)
		}
		if _, twice := object[key]; twice {
			return nil, fmt.Errorf("line %d: the key %q is set twice", node.Content[i].Line, key)
		}
		if object[key], err = l.value(key, node.Content[i+1], depth+1); err != nil {
			return nil, err
		}
	}
	return object, nil
}

// encode writes a node as JSON in the order of the file. value has already checked it.
func (l *loader) encode(b *bytes.Buffer, key string, node *yaml.Node) error {
	node = followAlias(node)
	if _, _, ok := reference(node); ok || node.Kind != yaml.MappingNode {
		value, err := l.value(key, node, 0)
		if err != nil {
			return err
		}
		return encodeJSON(b, value)
	}
	b.WriteByte('{')
	for i := 0; i < len(node.Content); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encodeJSON(b, followAlias(node.Content[i]).Value); err != nil {
			return err
		}
		b.WriteByte(':')
		if err := l.encode(b, followAlias(node.Content[i]).Value, node.Content[i+1]); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func encodeJSON(b *bytes.Buffer, value any) error {
	encoded, err := json.Marshal(value)
	b.Write(encoded)
	return err
}

func scalar(node *yaml.Node) (any, error) {
	switch node.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!str", "!!timestamp":
		return node.Value, nil
	case "!!bool":
		var value bool
		if err := node.Decode(&value); err != nil {
			return nil, errors.New("must be true or false")
		}
		return value, nil
	case "!!int", "!!float":
		// 0123 would be 83, and 0x1f would be 31: an identifier would silently change.
		if !decimal.MatchString(node.Value) {
			return nil, errors.New("looks like a number but is not in plain decimal; put it in quotes if it is text")
		}
		return json.Number(node.Value), nil
	}
	return nil, errors.New("has a YAML tag; put a value that begins with ! in quotes")
}

func scalarKey(node *yaml.Node) (string, error) {
	node = followAlias(node)
	if node.Kind != yaml.ScalarNode {
		return "", errors.New("a key must be text")
	}
	if node.ShortTag() == "!!merge" {
		return node.Value, errors.New("merging with << is not supported; write the values out, or use an alias for a single value")
	}
	return node.Value, nil
}

// reference recognises {file: path} and {env: NAME}.
func reference(node *yaml.Node) (kind, name string, ok bool) {
	if node.Kind != yaml.MappingNode || len(node.Content) != 2 {
		return "", "", false
	}
	key, value := followAlias(node.Content[0]), followAlias(node.Content[1])
	if value.Kind != yaml.ScalarNode || value.ShortTag() != "!!str" || (key.Value != "file" && key.Value != "env") {
		return "", "", false
	}
	return key.Value, value.Value, true
}

// referred reads the file or variable of a reference.
func (l *loader) referred(key, kind, name string) (any, error) {
	if kind == "file" {
		return l.readValue(key, name, l.document.dir)
	}
	for _, layer := range l.layers {
		if v := layer[name]; v.value != "" {
			return v.value, nil
		}
	}
	return nil, fmt.Errorf("the environment variable %s is not set", name)
}

// followAlias returns what an alias stands for. An anchor cannot stand for an alias, so
// one step is enough.
func followAlias(node *yaml.Node) *yaml.Node {
	if node != nil && node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}
