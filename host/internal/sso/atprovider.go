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

	// ReplaceGrant stores another grant of a session; ErrNotFound if there is no
	// such session.
	ReplaceGrant(ctx context.Context, sessionID string, sealed []byte) error

	// EndProviderSessions spends once-IDs and ends the selected sessions in one
	// transaction, and returns what it ended. ErrSpent if a once-ID was spent
	// before; then it ends nothing.
	EndProviderSessions(ctx context.Context, selection Selection, once ...OnceID) ([]Session, error)
}

// Selection names sessions as a provider does. Everything is compared byte for
// byte. With both a subject and session IDs, a session must match both; with
// neither, none is selected.
type Selection struct {
	Provider   string
	Subject    string   // the LogoutSubject of AtProvider
	SessionIDs []string // the SessionID of AtProvider is one of them
}
