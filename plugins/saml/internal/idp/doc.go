// Package idp represents the identity provider: its metadata, which it keeps up to date, and
// the keys in it, which verify signatures.
package idp
