// Package idtoken holds the rules for the claims of an ID token (OpenID Connect Core
// sections 2 and 3.1.3.7). They are functions of the claims and of what is expected,
// and ask nobody anything.
package idtoken
