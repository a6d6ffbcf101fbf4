// Package claims reads what an identity provider released about an end user,
// and turns it into an [sdk.Identity].
//
// Claims, attributes and user-info fields come from the network, so they are
// hostile until checked. They are parsed once, here. [Decode] reads a JSON object,
// and [DecodeList] an array, more strictly than encoding/json does:
//
//   - Keys are exact. encoding/json matches "SUB" with sub and lets the last of
//     two equal keys win, so that two readers of one token can see two people.
//     An object with a key twice, or with two keys that differ only in case, is
//     refused at any depth; so is the key "__proto__". [DecodeFor] admits keys that
//     differ only in case where nobody reads either of them.
//   - Text is valid Unicode: no broken UTF-8, no lone surrogate and no NUL, all
//     of which other readers replace or cut off silently. [DecodeFor] turns a text
//     with a lone surrogate or a NUL into a value without a type ([Unreadable]), on
//     which only readers that need it fail.
//   - Numbers keep their digits ([json.Number]), so that an account number
//     beyond 2^53 does not become somebody else's.
//   - Size, depth and count are limited by [MaxBytes], [MaxDepth], [MaxValues].
//
// The getters of [Object] check types exactly and never convert: "true" is not
// true, "1700000000" is not a time. An absent claim and a null claim are the same
// and give the zero value without an error (OpenID Connect Core section 5.3.2
// requires absent claims to be omitted, but some providers send null).
//
//	object, err := claims.Decode(payload)
//	...
//	issuer, err := object.String("iss")
//	expires, err := object.Time("exp")
//	verified := object.True("email_verified")
//
// [Mapping] says which claim becomes which field of an identity. A name in it
// may be a dotted path into nested objects, as in "realm_access.roles":
//
//	mapping := claims.OpenID()
//	mapping.Groups = "realm_access.roles"
//	identity, err := mapping.Identity(object)
//
// Error texts name claims and types, never values.
package claims
