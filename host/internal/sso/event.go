package sso

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/doorward/doorward/sdk"
)

// Event is a change as the audit stores it. It contains no secrets and no claims. A store
// writes it in the same transaction as the change. An event without a Kind is not stored.
type Event struct {
	ID int64 // set by the store; increases, but a later event may become visible earlier

	At        time.Time
	Kind      EventKind
	Actor     ActorKind
	ActorName string // of an administration key

	Provider  string
	Subject   string // hash by SubjectHasher; empty: unknown
	UserID    string
	SessionID string

	Address   string // of the client, as far as it can be trusted
	UserAgent string // as the client sent it, at a login
	Reason    string // one word
	Detail    string // plain text: the name of what was changed
	RequestID string // as in the log

	SessionsEnded int // together with a user or a link
}

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	EventSignedIn     EventKind = "signed_in"
	EventSessionEnded EventKind = "session_ended" // except by its expiry

	EventUserAdded     EventKind = "user_added" // by a first login, or an operator
	EventUserInvited   EventKind = "user_invited"
	EventUserChanged   EventKind = "user_changed"
	EventUserSuspended EventKind = "user_suspended"
	EventUserActivated EventKind = "user_activated"
	EventUserDeleted   EventKind = "user_deleted"
	EventUserLinked    EventKind = "user_linked"
	EventUserUnlinked  EventKind = "user_unlinked"
	EventRoleChanged   EventKind = "role_changed" // of a user

	EventRoleAdded   EventKind = "role_added"
	EventRoleRenamed EventKind = "role_renamed"
	EventRoleRemoved EventKind = "role_removed"

	EventKeyAdded          EventKind = "key_added" // an administration key
	EventKeyRemoved        EventKind = "key_removed"
	EventSigningKeyAdded   EventKind = "signing_key_added"
	EventSigningKeyRemoved EventKind = "signing_key_removed"
	EventSecretForgotten   EventKind = "secret_forgotten" // with everything sealed under it
)

// EventKinds returns all kinds.
func EventKinds() []EventKind {
	return []EventKind{
		EventSignedIn, EventSessionEnded,
		EventUserAdded, EventUserInvited, EventUserChanged, EventUserSuspended, EventUserActivated, EventUserDeleted, EventUserLinked, EventUserUnlinked, EventRoleChanged,
		EventRoleAdded, EventRoleRenamed, EventRoleRemoved,
		EventKeyAdded, EventKeyRemoved, EventSigningKeyAdded, EventSigningKeyRemoved, EventSecretForgotten,
	}
}

// ActorKind says who did it.
type ActorKind string

// The kinds of actors.
const (
	ActorUser     ActorKind = "user"     // the user of the event
	ActorProvider ActorKind = "provider" // through a message or a response
	ActorOperator ActorKind = "operator" // anyone who can open the control socket or the database
	ActorKey      ActorKind = "key"      // an administration key
	ActorHost     ActorKind = "host"     // Doorward itself, by a rule or by its configuration
)

// Why a session ended.
const (
	ReasonLoggedOut         = "logged_out"
	ReasonLoggedOutOfAll    = "logged_out_of_all" // from another session
	ReasonReplaced          = "replaced"          // by a login in the same browser
	ReasonProviderLoggedOut = "provider_logged_out"
	ReasonProviderRefused   = "provider_refused" // at a refresh; Detail has its reason
	ReasonOtherSubject      = "other_subject"    // the provider reported another user at a refresh
	ReasonGrantUnreadable   = "grant_unreadable" // so the provider cannot be asked any more
	ReasonTokenReused       = "token_reused"
	ReasonUserInactive      = "user_inactive"
	ReasonEndedByOperator   = "ended_by_operator"
)

// Reasons for other changes.
const (
	ReasonFirstLogin    = "first_login"
	ReasonVerifiedEmail = "verified_email"
	ReasonInvitation    = "invitation"    // an invitation was accepted
	ReasonImported      = "imported"      // from Directus, or matched by imported data
	ReasonConfiguration = "configuration" // it names a role that did not exist
	ReasonScheduled     = "scheduled"
	ReasonRevoked       = "revoked" // with all other signing keys
)

// Limits of an Event in bytes.
const (
	maxEventWord = sdk.MaxReason // the longest word
	maxEventText = 256
)

// Bounded returns the event as it is stored: all texts have a limited length and are
// UTF-8. Otherwise, texts of a client, a provider or a plugin stay as they are; code that
// displays them must expect anything.
func (e Event) Bounded() Event {
	e.ActorName, e.Provider = bounded(e.ActorName, maxEventText), bounded(e.Provider, maxEventText)
	e.Subject, e.UserID, e.SessionID = bounded(e.Subject, maxEventWord), bounded(e.UserID, maxEventWord), bounded(e.SessionID, maxEventWord)
	e.Address, e.UserAgent = bounded(e.Address, maxEventWord), bounded(e.UserAgent, maxEventText)
	e.Reason, e.Detail, e.RequestID = bounded(e.Reason, maxEventWord), bounded(e.Detail, maxEventText), bounded(e.RequestID, maxEventWord)
	return e
}

func bounded(text string, most int) string {
	if len(text) <= most && utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// For returns the event about that session.
func (e Event) For(session Session) Event {
	e.UserID, e.SessionID, e.Provider = session.UserID, session.ID, session.Provider
	return e
}
