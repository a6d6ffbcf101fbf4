// Package options reads what an operator configured into a Go struct, strictly.
//
// The author of a mechanism declares a struct; everything else follows from it:
// the schema that the host shows and checks, the option table in the manual, and
// the decoding.
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
// option holds the name, in lower-case letters, digits and underscores, and after
// commas the flags "required" and "secret". A field of type [Secret] is secret
// without the flag. `option:"-"` leaves a field out. default is written as the
// operator would write it. oneof lists the values that are allowed, separated by
// bars; a value is read in any case of letters, and becomes what oneof has. For a
// list it holds for each element. doc says what the option means, for the manual.
// Embedded structs contribute their fields.
//
// # Types and how values are read
//
// A value is text, as it comes from an environment variable, or has a type, as it
// comes from YAML or JSON. The type of the field decides how it is read, never the
// look of the value: an 18-digit client identifier stays exact, and a secret may
// hold a comma.
//
//	string             the text as it is. A whole number keeps its digits.
//	                   true, false and fractions without quotes are refused.
//	Secret             as string; prints as "[secret]".
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
// A null or an empty text counts as not given. Where both an option and single
// values of it are given, the single values win. The same key twice in a JSON
// object is refused.
//
// # Problems
//
// [Decode] reports everything that is wrong at once, as [Problems] in a stable
// order: mismatches, missing required options, values outside oneof, and options
// that do not exist, with the name that was probably meant. The texts say what to
// write instead, and never contain the value of a secret option. What the tags
// cannot say belongs into a method
//
//	func (o Options) Validate() error
//
// which Decode calls last, if everything else is right. It may return Problems.
//
// An embedded struct that several mechanisms share has
//
//	func (o Shared) Problems() options.Problems
//
// instead, which Decode calls for each embedded struct: whoever embeds it cannot
// forget it.
package options
