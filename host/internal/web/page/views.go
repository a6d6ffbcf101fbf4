package page

import (
	"cmp"
	"fmt"
	"time"
)

// SignIn is the page on which people choose how to sign in.
type SignIn struct {
	Providers []Provider // empty: the page tells the operator what to do
	SignedOut bool       // they have just signed out
	Elsewhere bool       // ... but may still be signed in with the provider or in other apps
	Problem   Message    // why a sign-in just failed; zero: none failed
	ID        string     // the reference to quote for Problem; empty: not shown
}

// Provider is one way to sign in.
type Provider struct {
	Name        string // as in URLs; only for pages that post it
	Label       string // plain text
	Icon        string // the name of an icon; any other name gives a monogram of Label
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

// Invitation says whose account a one-time link is for, and offers the ways to sign in to
// it.
type Invitation struct {
	Name       string
	Email      string
	Action     string // where the form posts the name of a provider
	TokenField HiddenField
	Providers  []Provider // with names, without URLs; empty: nobody can sign in
}

func (Invitation) file() string      { return "invitation.html" }
func (i Invitation) links() []string { return []string{i.Action} }

// Submit is a form that a script or its button submits. It takes a login to a
// provider, or a provider's response to this host.
type Submit struct {
	Provider   string // its label
	SigningOut bool   // the form is for a logout, not for a login
	Action     string
	Fields     []HiddenField
}

// HiddenField is a field of a form that is not shown.
type HiddenField struct{ Name, Value string }

func (Submit) file() string      { return "submit.html" }
func (s Submit) links() []string { return []string{s.Action} }

// PasswordExpires tells people who have just signed in that they need a new
// password soon.
type PasswordExpires struct {
	At          time.Time
	In          time.Duration // until then
	ContinueURL string
}

func (PasswordExpires) file() string      { return "expires.html" }
func (p PasswordExpires) links() []string { return []string{p.ContinueURL} }

// When says how soon the password expires, in words.
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

// Failure says why something did not work and what to do next.
type Failure struct {
	Message  Message
	ID       string // the reference to quote; empty: not shown
	RetryURL string // where to try again; empty: not shown
	HomeURL  string // where to start from the beginning; empty: not shown
	BackURL  string // the account page, where this was started; empty: not shown
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

	AccountURL string // the account page; empty: not shown
}

func (SignedIn) file() string      { return "signedin.html" }
func (s SignedIn) links() []string { return []string{s.LogoutURL, s.AccountURL} }

// Person is the name of the person, otherwise their e-mail address; empty if both are unknown.
func (s SignedIn) Person() string { return cmp.Or(s.Name, s.Email) }

// SignOut asks people whether they want to sign out.
type SignOut struct {
	Person    string // empty: not known
	LogoutURL string // the forms post to it
	Redirect  string // posted with the forms; not checked yet
	BackURL   string
}

func (SignOut) file() string      { return "signout.html" }
func (s SignOut) links() []string { return []string{s.LogoutURL, s.BackURL} }

// AlreadySignedIn is for people who come back to a sign-in that is finished.
type AlreadySignedIn struct {
	Name        string
	Email       string
	ContinueURL string // the target of the sign-in
	AgainURL    string // where to sign in again; empty: not shown
}

func (AlreadySignedIn) file() string      { return "already.html" }
func (a AlreadySignedIn) links() []string { return []string{a.ContinueURL, a.AgainURL} }

// Person is the same as of [SignedIn].
func (a AlreadySignedIn) Person() string { return cmp.Or(a.Name, a.Email) }
