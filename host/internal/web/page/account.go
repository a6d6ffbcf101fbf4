package page

import (
	"cmp"
	"time"
)

// Account tells people who they are here, where they are signed in, and by what.
type Account struct {
	Name, Email, Username, Role string

	Groups      []string // at most as many as can be read
	MoreGroups  int      // how many further ones there are
	GroupsKnown bool

	Sessions     []AccountSession // this one first
	MoreSessions bool             // there are others that are not shown
	Others       bool             // there are others

	Links    []AccountLink
	Linkable []Linkable

	HomeURL, LogoutURL, EndURL, EndOthersURL, LinkURL, UnlinkURL string
}

// AccountSession is a browser or a program that is signed in.
type AccountSession struct {
	ID       string
	Current  bool   // it is this browser
	Device   string // what it says that it is
	Address  string // empty: not known
	Provider string // its label
	Program  bool   // it has refresh and access tokens, no session cookie

	Since, Refreshed, Expires time.Time // zero: not known
}

// AccountLink is one way to sign in to the account.
type AccountLink struct {
	Label             string
	Provider, Subject string // go along when it is unlinked
	ShownSubject      string // tells two of one provider apart; empty: need not be told
	Removable         bool
	Current           bool // this browser is signed in by it
}

// Linkable is a provider that can be linked.
type Linkable struct {
	Provider      // without a URL
	Again    bool // one of its accounts is linked already
}

func (Account) file() string { return "account.html" }

func (a Account) links() []string {
	return []string{a.HomeURL, a.LogoutURL, a.EndURL, a.EndOthersURL, a.LinkURL, a.UnlinkURL}
}

// Person is as of [SignedIn].
func (a Account) Person() string { return cmp.Or(a.Name, a.Email, a.Username) }
