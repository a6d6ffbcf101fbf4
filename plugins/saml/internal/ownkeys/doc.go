// Package ownkeys reads the keys of Doorward as a service provider: the signing key, the
// decryption keys, and their certificates.
package ownkeys
