package sso

import "context"

// AtProvider is what a session is called at its provider.
type AtProvider struct {
	Subject       string // of the identity of the login
	LogoutSubject string // by which logout messages name the end user
	SessionID     string // by which they name the session; empty: by none
	SealedGrant   []byte // encrypted with a key derived from SECRET; empty: none
}

// ProviderSessions keeps what sessions are called at their providers.
type ProviderSessions interface {
	// AtProvider returns what was stored for a session; ErrNotFound if there is
	// no such session.
	AtProvider(ctx context.Context, sessionID string) (AtProvider, error)

	// LeaseGrant lets one host alone ask with the grant of a session, and returns the
	// sealed grant. The lease ends by the clock of the database, so that those of the
	// hosts may differ, and with ReleaseGrant or RotateToken. Who has it already gets it
	// anew. ErrLeased if another host has it; ErrSpent if the token was exchanged,
	// or the provider asked since AskedAt; ErrNotFound if it is no token of that session. Then nothing changes.
	LeaseGrant(ctx context.Context, lease GrantLease) (sealed []byte, err error)

	// GrantLeased reports whether another host than this one has the lease of a
	// session. It changes nothing, and is false if there is no such session.
	GrantLeased(ctx context.Context, sessionID, but string) (bool, error)

	// ReleaseGrant ends a lease. It is no error if the holder does not have it.
	ReleaseGrant(ctx context.Context, sessionID, holder string) error

	// ReplaceGrant stores another grant of a session, for who has taken its lease last,
	// even if that is over: ErrLeased if that is not the holder, or if the lease was
	// ended. ErrNotFound if there is no such session.
	ReplaceGrant(ctx context.Context, sessionID, holder string, sealed []byte) error

	// EndLeased ends a session, for who has taken the lease of its grant last, even if
	// that is over. ErrLeased if that is not the holder, if the lease was ended, or if
	// there is no such session; then nothing changes.
	EndLeased(ctx context.Context, sessionID, holder string, event Event) error

	// EndProviderSessions spends once-IDs and ends the selected sessions in one
	// transaction, keeps the event of each, and returns what it ended. ErrSpent if a
	// once-ID was spent before; then it ends nothing.
	EndProviderSessions(ctx context.Context, selection Selection, event Event, once ...OnceID) ([]Session, error)
}

// Selection names sessions as a provider does. Everything is compared byte for
// byte. With both a subject and session IDs, a session must match both; with
// neither, none is selected.
type Selection struct {
	Provider   string
	Subject    string   // the LogoutSubject of AtProvider
	SessionIDs []string // the SessionID of AtProvider is one of them
}
