package page

import (
	"cmp"
	"time"
)

// Account tells people who they are here, where they are signed in, and how they sign in.
type Account struct {
	Name, Email, Username, Role string

	Groups     []string // only as many as a person can read
	MoreGroups int      // how many more there are

	Sessions     []AccountSession // the one of this browser first
	MoreSessions bool             // there are more sessions than shown
	Others       bool             // there are sessions other than that of this browser

	Links    []AccountLink
	Linkable []Linkable

	HomeURL, LogoutURL, EndURL, EndOthersURL, LinkURL, UnlinkURL string
}

// AccountSession is a browser or an app that is signed in.
type AccountSession struct {
	ID       string
	Current  bool   // the session of this browser
	Device   string // as its User-Agent says
	Address  string // empty: unknown
	Provider string // its label
	Program  bool   // an app, with refresh and access tokens and no session cookie

	Since, Refreshed, Expires time.Time // zero: unknown
}

// AccountLink is one way to sign in to the account.
type AccountLink struct {
	Label             string
	Provider, Subject string // posted to unlink it
	ShownSubject      string // to tell apart two links with the same provider; empty: not needed
	Removable         bool
	Current           bool // this browser is signed in with it
}

// Linkable is a provider that can be linked.
type Linkable struct {
	Provider      // without a URL
	Again    bool // an account with this provider is already linked
}

func (Account) file() string { return "account.html" }

func (a Account) links() []string {
	return []string{a.HomeURL, a.LogoutURL, a.EndURL, a.EndOthersURL, a.LinkURL, a.UnlinkURL}
}

// Person is the name of the person, otherwise their e-mail address or user name.
func (a Account) Person() string { return cmp.Or(a.Name, a.Email, a.Username) }
