// Package claims reads what an identity provider released about an end user,
// and turns it into an [sdk.Identity].
//
// Claims, attributes and user-info fields come from the network, so they are
// hostile until checked, and they are parsed once, here. [Decode] reads a JSON
// object, and [DecodeList] an array, more strictly than encoding/json does:
//
//   - Keys are exact. encoding/json matches "SUB" with sub and lets the last of
//     two equal keys win, so that two readers of one token can see two people.
//     An object with a key twice, or with two keys that differ only in case, is
//     refused, however deep it lies; so is the key "__proto__". [DecodeFor] lets
//     the latter pass where nobody reads either.
//   - Text is valid Unicode: no broken UTF-8, no lone surrogate and no NUL, all
//     of which other readers replace or cut off silently. [DecodeFor] makes of the
//     latter two a value without a type ([Unreadable]), which stops who needs it.
//   - Numbers keep their digits ([json.Number]), so that an account number
//     beyond 2^53 does not become somebody else's.
//   - Size, depth and count are bounded by [MaxBytes], [MaxDepth], [MaxValues].
//
// The getters of [Object] check types exactly and never convert: "true" is not
// true, "1700000000" is not a time. An absent claim and a null one are the same
// and give the zero value without an error (OpenID Connect Core section 5.3.2
// wants absent claims omitted, and some providers send null).
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
