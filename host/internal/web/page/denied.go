package page

// Denied tells people that they do not have access to an application.
type Denied struct {
	App      string // its name
	Admitted bool   // they have access now
	Person   SignedIn
	Lacks    []Lack

	ContinueURL string // into the application
	AgainURL    string // where to sign in as somebody else
}

// Lack is a requirement of the application that a person does not meet.
type Lack struct {
	What  string // "providers", "roles", "groups", "users" or "name"
	OneOf []string
}

func (Denied) file() string      { return "denied.html" }
func (d Denied) links() []string { return []string{d.ContinueURL, d.AgainURL, d.Person.LogoutURL} }

// Text says what is needed.
func (l Lack) Text() string {
	switch l.What {
	case "providers":
		return "a sign-in with one of:"
	case "roles":
		return "one of the roles:"
	case "groups":
		return "one of the groups:"
	case "name":
		return "an account with an e-mail address or name that can be passed to the app"
	default:
		return "to be on the list of people for this app"
	}
}
