package page

import (
	"cmp"
	"fmt"
	"time"
)

// SignIn is the page on which people choose how to sign in.
type SignIn struct {
	Providers []Provider // none: the page tells the operator what to do
	SignedOut bool       // they have just signed out
	Elsewhere bool       // ... but may still be signed in at the provider or other places
	Problem   Message    // why a sign-in just failed; zero: it did not
	ID        string     // the reference to quote for that; empty: not shown
}

// Provider is one way to sign in.
type Provider struct {
	Name        string // as in URLs; only where it is posted
	Label       string // plain text
	Icon        string // one of our icons; any other name gives a monogram of Label
	URL         string // where the login starts
	Unavailable bool   // shown as such, and not a link
}

func (SignIn) file() string { return "signin.html" }

func (s SignIn) links() []string {
	var list []string
	for _, p := range s.Providers {
		list = append(list, p.URL)
	}
	return list
}

// Invitation tells whose account a one-time link is for, and how one can sign in to take
// it.
type Invitation struct {
	Name       string
	Email      string
	Action     string // the form posts to it, with the name of a provider
	TokenField HiddenField
	Providers  []Provider // by their names; none: nobody can sign in
}

func (Invitation) file() string      { return "invitation.html" }
func (i Invitation) links() []string { return []string{i.Action} }

// Submit is a form that submits itself, by a script or by its button. It takes
// a login to a provider, or a provider's answer to us.
type Submit struct {
	Provider   string // its label
	SigningOut bool   // it takes a logout, not a login
	Action     string
	Fields     []HiddenField
}

// HiddenField is a field of a form that is not shown.
type HiddenField struct{ Name, Value string }

func (Submit) file() string      { return "submit.html" }
func (s Submit) links() []string { return []string{s.Action} }

// PasswordExpires tells people who have just signed in that they need another
// password soon.
type PasswordExpires struct {
	At          time.Time
	In          time.Duration // until then
	ContinueURL string
}

func (PasswordExpires) file() string      { return "expires.html" }
func (p PasswordExpires) links() []string { return []string{p.ContinueURL} }

// When says how soon, in words.
func (p PasswordExpires) When() string {
	days := int(p.In.Hours() / 24)
	switch {
	case p.In < 24*time.Hour:
		return "in less than a day"
	case days == 1:
		return "in one day"
	}
	return fmt.Sprintf("in %d days", days)
}

// Failure tells why something did not work, and what to do next.
type Failure struct {
	Message  Message
	ID       string // the reference to quote; empty: not shown
	RetryURL string // where to try the same again; empty: not shown
	HomeURL  string // where to start anew; empty: not shown
	BackURL  string // the account, where this was begun; empty: not shown
}

func (Failure) file() string      { return "failure.html" }
func (f Failure) links() []string { return []string{f.RetryURL, f.HomeURL, f.BackURL} }

// SignedIn tells people who they are here, and lets them sign out.
type SignedIn struct {
	Name      string
	Email     string
	Role      string
	Provider  string    // its label
	Since     time.Time // zero: not shown
	Expires   time.Time // zero: not shown
	LogoutURL string    // the form posts to it, with mode=session

	AccountURL string // their account; empty: not shown
}

func (SignedIn) file() string      { return "signedin.html" }
func (s SignedIn) links() []string { return []string{s.LogoutURL, s.AccountURL} }

// Person names the person as well as we know; empty if we know nothing.
func (s SignedIn) Person() string { return cmp.Or(s.Name, s.Email) }

// AlreadySignedIn is for people who come back to a sign-in that was finished.
type AlreadySignedIn struct {
	Name        string
	Email       string
	ContinueURL string // where the sign-in led
	AgainURL    string // where to sign in as somebody else; empty: not shown
}

func (AlreadySignedIn) file() string      { return "already.html" }
func (a AlreadySignedIn) links() []string { return []string{a.ContinueURL, a.AgainURL} }

// Person is as of [SignedIn].
func (a AlreadySignedIn) Person() string { return cmp.Or(a.Name, a.Email) }
