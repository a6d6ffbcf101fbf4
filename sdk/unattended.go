package sdk

import "context"

// Unattended marks the context of a Check that nobody has asked for: the host looks now
// and then for what expires soon. A Checker then leaves out what a provider may count as
// a failure or an attack, such as a deliberate wrong code.
func Unattended(ctx context.Context) context.Context {
	return context.WithValue(ctx, unattendedKey{}, true)
}

// IsUnattended reports whether a Check runs unattended.
func IsUnattended(ctx context.Context) bool { return ctx.Value(unattendedKey{}) != nil }

type unattendedKey struct{}
