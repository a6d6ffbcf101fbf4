// Package people contains the operations on people who sign in: on accounts, links,
// sessions, roles and administration keys.
//
// [Operations] checks its input and refuses with named errors. Requests and answers are
// types of this package. Their tags say how package admin reads and writes them over
// HTTP, and what its API document says of them:
//
//	path:"user"    part of the path; query:"limit" of the query; json of the body
//	doc:"…"        the meaning
//	max:"255"      the longest text, in bytes
//	enum:"a|b"     the only values
//
// An answer always has all its members. Unknown values are null.
package people
