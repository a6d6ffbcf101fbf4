package sdk

import "context"

// Unattended marks the context of a Check that no person started: from time to time the
// host looks for what expires soon. A Checker then leaves out whatever a provider may
// count as a failure or an attack, such as a deliberately wrong code.
func Unattended(ctx context.Context) context.Context {
	return context.WithValue(ctx, unattendedKey{}, true)
}

// IsUnattended reports whether a Check runs unattended.
func IsUnattended(ctx context.Context) bool { return ctx.Value(unattendedKey{}) != nil }

type unattendedKey struct{}
