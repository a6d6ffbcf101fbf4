// Package idp knows the identity provider: its metadata, which it keeps up to date,
// and the keys in it, with which it verifies signatures.
package idp
