package options

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// Secret is a text that prints, logs and marshals as "[secret]". Only [Secret.Reveal]
// returns it.
//
// Keep it in exported fields: fmt calls no methods on unexported fields of a
// struct, and would print the text.
type Secret string

const hidden = "[secret]"

// Reveal returns the text.
func (s Secret) Reveal() string { return string(s) }

// String returns "[secret]".
func (Secret) String() string { return hidden }

// GoString returns "[secret]".
func (Secret) GoString() string { return hidden }

// Format writes "[secret]" for every verb: without it, fmt shows the text when
// the verb does not fit, as in %d.
func (Secret) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, hidden) }

// MarshalText returns "[secret]".
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON returns "[secret]" as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }

// LogValue returns "[secret]".
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// JSON is an option that holds any JSON, with its order and numbers as written.
type JSON = json.RawMessage
