// Package options decodes the options of a provider, as an operator configured them,
// strictly into a Go struct.
//
// You declare a struct. Everything else follows from it: the schema that the host shows
// and checks, the option table in the manual, and the decoding.
//
//	type Options struct {
//		Issuer       string            `option:"issuer_url,required" doc:"URL of the issuer"`
//		ClientID     string            `option:"client_id,required" doc:"client identifier"`
//		ClientSecret options.Secret    `option:"client_secret" doc:"client secret"`
//		Scope        []string          `option:"scope" default:"openid,profile" doc:"scopes to ask for"`
//		Method       string            `option:"method" default:"post" oneof:"post|basic" doc:"how the client authenticates"`
//		Timeout      time.Duration     `option:"timeout" default:"5s" doc:"limit of one request"`
//		Params       map[string]string `option:"params" doc:"more parameters of the request"`
//	}
//
// # Tags
//
// option has the name, in lower-case letters, digits and underscores, and after
// commas the flags "required" and "secret". A field of type [Secret] is secret
// without the flag. `option:"-"` leaves a field out. Write default as the operator
// would write it. oneof lists the allowed values, separated by bars; a value is
// compared without regard to case, and becomes the one in oneof. For a list it applies
// to each element. doc says what the option means, for the manual. The fields of
// embedded structs count, too.
//
// # Types and how values are read
//
// A value is text, as from an environment variable, or has a type, as from YAML or
// JSON. The type of the field decides how the value is read, never its look: an
// 18-digit client identifier stays exact, and a secret may contain a comma.
//
//	string             the text as it is. A whole number keeps its digits.
//	                   true, false and fractions without quotes are refused.
//	Secret             like string; prints as "[secret]".
//	bool               true, yes, on, 1 or false, no, off, 0, in any case.
//	int                a whole number.
//	time.Duration      "15m", "7d", "1.5h"; a plain number is milliseconds.
//	[]string           "a, b" (split on commas and trimmed, empty elements left
//	                   out), a JSON array, or a list.
//	map[string]string  a JSON object, a mapping, or single values: the option
//	                   params__ui_locales sets the key ui_locales of params.
//	map[string]any     the same, of any depth: client__tls__min sets min in tls.
//	                   Numbers are [encoding/json.Number]; single values stay text.
//	JSON               any JSON, kept byte for byte.
//
// A null or an empty text counts as not given. If both an option and single values
// of it are given, the single values win. A JSON object with the same key twice is
// refused.
//
// # Problems
//
// [Decode] reports all errors at once, as [Problems] in a stable order: mismatches,
// missing required options, values outside oneof, and options that do not exist, with
// the name that was probably meant. The texts say what to write instead, and never
// contain the value of a secret option. For checks that the tags cannot express, write
// a method
//
//	func (o Options) Validate() error
//
// Decode calls it last, if everything else is right. It may return Problems.
//
// An embedded struct that several mechanisms share has
//
//	func (o Shared) Problems() options.Problems
//
// instead. Decode calls it for each embedded struct, so that nobody who embeds the
// struct can forget the check.
package options
