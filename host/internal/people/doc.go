// Package people is what an operator does with those who sign in: the operations on
// accounts, links, sessions, roles and the keys of the administration.
//
// [Operations] checks what it is given, and says in named errors what cannot be done.
// Requests and answers are types of this package; their tags say how package admin
// reads and writes them over HTTP, and what its document says of them:
//
//	path:"user"    a part of the path; query:"limit" of the query; json of the body
//	doc:"…"        what it means
//	max:"255"      the longest text, in bytes
//	enum:"a|b"     the only values
//
// An answer always has all its members. What is not known is null.
package people
