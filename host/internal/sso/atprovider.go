package sso

import "context"

// AtProvider holds the provider's names of a session, and its grant.
type AtProvider struct {
	Subject       string // of the identity of the login
	LogoutSubject string // the user in logout messages
	SessionID     string // the session in logout messages; empty: it has no name
	SealedGrant   []byte // encrypted with a key derived from SECRET; empty: no grant
}

// ProviderSessions stores the provider's names and grants of sessions.
type ProviderSessions interface {
	// AtProvider returns what was stored for a session; ErrNotFound if the session does
	// not exist.
	AtProvider(ctx context.Context, sessionID string) (AtProvider, error)

	// LeaseGrant allows one host at a time to ask the provider with the grant of a
	// session, and returns the sealed grant. The lease expires by the clock of the
	// database, because the hosts' clocks may differ; ReleaseGrant and RotateToken end it
	// earlier. The current holder gets it again. ErrLeased if another host has the lease;
	// ErrSpent if the token was exchanged, or the provider was asked since AskedAt;
	// ErrNotFound if the token does not belong to that session. After an error nothing
	// has changed.
	LeaseGrant(ctx context.Context, lease GrantLease) (sealed []byte, err error)

	// GrantLeased reports whether another host has the lease of a session. It changes
	// nothing, and is false if the session does not exist.
	GrantLeased(ctx context.Context, sessionID, but string) (bool, error)

	// ReleaseGrant ends a lease. It is not an error if the holder does not have the
	// lease.
	ReleaseGrant(ctx context.Context, sessionID, holder string) error

	// ReplaceGrant stores another grant of a session if the holder was the last one to
	// take its lease, even if the lease has expired. ErrLeased if another host was the
	// last one, or if the lease was ended. ErrNotFound if the session does not exist.
	ReplaceGrant(ctx context.Context, sessionID, holder string, sealed []byte) error

	// EndLeased ends a session if the holder was the last one to take the lease of its
	// grant, even if the lease has expired. ErrLeased if another host was the last one,
	// if the lease was ended, or if the session does not exist; nothing has changed then.
	EndLeased(ctx context.Context, sessionID, holder string, event Event) error

	// EndProviderSessions spends once-IDs and ends the selected sessions in one
	// transaction, stores the event for each, and returns the ended sessions. ErrSpent if
	// a once-ID was spent before; then it ends nothing.
	EndProviderSessions(ctx context.Context, selection Selection, event Event, once ...OnceID) ([]Session, error)
}

// Selection selects sessions by the provider's names. All values are compared byte for
// byte. With both a subject and session IDs, a session must match both; with neither,
// none is selected.
type Selection struct {
	Provider   string
	Subject    string   // the LogoutSubject of AtProvider
	SessionIDs []string // the SessionID of AtProvider is one of them
}
