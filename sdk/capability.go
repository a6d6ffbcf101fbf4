package sdk

import (
	"context"
	"time"
)

// A Refresher finds out whether a session is still valid at the provider.
type Refresher interface {
	// Refresh looks the end user up again with the Grant of their Identity. It
	// returns ErrDenied when the session must end, and ErrUnavailable when the
	// provider cannot say.
	Refresh(ctx context.Context, grant []byte) (Refreshed, error)
}

// Refreshed is the outcome of a successful refresh.
type Refreshed struct {
	// Identity is the end user as the provider sees them now. Its Subject must
	// be that of the login; its Grant replaces the old one unless it is empty.
	Identity Identity

	// Undecided is the error that Refresh would return, if the provider could not say
	// but the grant was replaced on the way. Then only Subject and Grant of the
	// Identity count. The host keeps the grant, and otherwise acts as after that error.
	// It is for single-use refresh tokens, where returning only the error would lose
	// the new token.
	Undecided error
}

// A LogoutBeginner also ends the end user's session at the provider.
type LogoutBeginner interface {
	// BeginLogout returns a Redirect or a FormPost to the provider, or nil if
	// there is nothing to do there. What you need to check the answer travels in the
	// Memory of the step, as in a login.
	BeginLogout(ctx context.Context, req LogoutRequest) (Step, error)
}

// LogoutRequest says who logs out.
type LogoutRequest struct {
	State   string // as in BeginRequest
	Subject string // of the Identity of the login
	Grant   []byte // of the Identity of the login, or of the last refresh

	// ReturnURL is Env.LogoutURL, or that of another public URL of the host, with the
	// State in its query, as in BeginRequest.
	ReturnURL string
}

// A LogoutReceiver lets the provider end sessions at the host.
type LogoutReceiver interface {
	// ReceiveLogout checks a request to Env.LogoutURL: a logout that the
	// provider demands, or its answer to a logout that BeginLogout began. The host
	// ends the sessions named in the result only if the error is nil.
	ReceiveLogout(ctx context.Context, req LogoutMessage) (Logout, error)
}

// LogoutMessage is a request to Env.LogoutURL. Everything in it except State and
// Memory is hostile until checked.
type LogoutMessage struct {
	Request InboundRequest

	// State and Memory are those of the BeginLogout that this browser has under
	// way, if the request carries its state; otherwise they are empty.
	State  string
	Memory []byte
}

// Logout says what a logout message of the provider means.
type Logout struct {
	// Outcome says how a logout that BeginLogout began has ended. It is empty when the
	// provider demands a logout; then Subject and SessionIDs say which sessions end.
	Outcome LogoutOutcome

	// Subject and SessionIDs select the sessions: by either, or by both when
	// both are set. Subject is compared to the LogoutSubject of the Identity of
	// the login, or to its Subject where that is empty; SessionIDs to its SessionID.
	Subject    string
	SessionIDs []string

	// Reply is the next step of the browser (Redirect or FormPost). It is nil when
	// the provider called the host directly and expects only a success status.
	Reply Step

	// Framed marks a demand that arrives in a frame of one of the provider's pages (OpenID
	// Connect Front-Channel Logout 1.0). The host then sends an empty response, its only
	// one that other sites may frame. Framed excludes a Reply. A host without
	// FeatureFramedLogout responds with a page that no browser shows in a frame.
	Framed bool

	// OnceID and OnceUntil work as in Identity.
	OnceID    string
	OnceUntil time.Time
}

// LogoutOutcome is how a logout at the provider ended.
type LogoutOutcome string

// The outcomes of a logout that BeginLogout began.
const (
	LogoutDone    LogoutOutcome = "done"
	LogoutPartial LogoutOutcome = "partial" // the end user is still signed in somewhere
)

// MaxLogoutSessions bounds the SessionIDs of a Logout.
const MaxLogoutSessions = 100

// A MetadataPublisher describes the host to the provider, with one set of URLs: those of
// Env. Its logins and logouts therefore begin there, even if the host has several public
// URLs.
type MetadataPublisher interface {
	// Metadata returns the document that the host serves at Env.MetadataURL,
	// without authentication.
	Metadata(ctx context.Context) (Document, error)
}

// Document is a public document, such as SAML metadata.
type Document struct {
	// ContentType is one of MetadataTypes, without parameters.
	ContentType string

	// Content has 1 to MaxMetadata bytes.
	Content []byte
}

// MaxMetadata bounds the Content of a Document in bytes.
const MaxMetadata = 512 << 10

// MetadataTypes lists the types that a Document may have. A browser would show some other
// types as a page of the host, with scripts.
func MetadataTypes() []string {
	return []string{"application/samlmetadata+xml", "application/xml", "text/xml", "application/json"}
}
