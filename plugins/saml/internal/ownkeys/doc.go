// Package ownkeys reads the keys of the service provider, which is us: those that
// sign, those that decrypt, and the certificates that go with them.
package ownkeys
