package sso

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/doorward/doorward/sdk"
)

// Event is something that was changed, as the audit keeps it. It has no secrets and no
// claims. A store writes it in the transaction of the change: there is neither without the
// other. One without a Kind is not kept.
type Event struct {
	ID int64 // given by the store. It grows; one that was written later may be seen earlier

	At        time.Time
	Kind      EventKind
	Actor     ActorKind
	ActorName string // of a key of the administration

	Provider  string
	Subject   string // what SubjectHasher made of it; empty: not known
	UserID    string
	SessionID string

	Address   string // of the client, as far as that can be believed
	UserAgent string // as the client said, at a login
	Reason    string // one word
	Detail    string // for people: the name of what was changed
	RequestID string // as the log has it

	SessionsEnded int // with a user, or with a link of theirs
}

// EventKind says what happened.
type EventKind string

// The kinds of events.
const (
	EventSignedIn     EventKind = "signed_in"
	EventSessionEnded EventKind = "session_ended" // but not by its expiry

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

	EventKeyAdded          EventKind = "key_added" // of the administration
	EventKeyRemoved        EventKind = "key_removed"
	EventSigningKeyAdded   EventKind = "signing_key_added"
	EventSigningKeyRemoved EventKind = "signing_key_removed"
	EventSecretForgotten   EventKind = "secret_forgotten" // with all that was sealed under it
)

// EventKinds are all that there are.
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
	ActorUser     ActorKind = "user"     // whom it is about
	ActorProvider ActorKind = "provider" // by what it said
	ActorOperator ActorKind = "operator" // who may open the control socket, or the database
	ActorKey      ActorKind = "key"      // of the administration
	ActorHost     ActorKind = "host"     // Doorward itself, by a rule or by its configuration
)

// Why a session ended.
const (
	ReasonLoggedOut         = "logged_out"
	ReasonLoggedOutOfAll    = "logged_out_of_all" // from another session
	ReasonReplaced          = "replaced"          // by a login in the same browser
	ReasonProviderLoggedOut = "provider_logged_out"
	ReasonProviderRefused   = "provider_refused" // at a refresh; Detail has its reason
	ReasonOtherSubject      = "other_subject"    // the provider told of somebody else at a refresh
	ReasonGrantUnreadable   = "grant_unreadable" // so that the provider can be asked no more
	ReasonTokenReused       = "token_reused"
	ReasonUserInactive      = "user_inactive"
	ReasonEndedByOperator   = "ended_by_operator"
)

// Why something else was changed.
const (
	ReasonFirstLogin    = "first_login"
	ReasonVerifiedEmail = "verified_email"
	ReasonInvitation    = "invitation"    // was accepted
	ReasonImported      = "imported"      // from Directus, or known by what was imported
	ReasonConfiguration = "configuration" // which names a role that was not there
	ReasonScheduled     = "scheduled"
	ReasonRevoked       = "revoked" // with all other signing keys
)

// Bounds of an Event in bytes.
const (
	maxEventWord = sdk.MaxReason // the longest of what is a word
	maxEventText = 256
)

// Bounded returns the event as it is stored: no text is longer than there is room for, and
// all are UTF-8. Whatever a client, a provider or a plugin wrote stays as it is otherwise;
// who shows it must expect anything.
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
