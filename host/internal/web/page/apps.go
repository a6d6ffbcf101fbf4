package page

// Denied tells people that an application does not admit them.
type Denied struct {
	App      string // its name
	Admitted bool   // it does, by now
	Person   SignedIn
	Lacks    []Lack

	ContinueURL string // into the application
	AgainURL    string // where to sign in as somebody else
}

// Lack is what somebody needs and does not have.
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
		return "an account whose address or name the app can be told"
	default:
		return "to be one of the people who are named for it"
	}
}

// SignOut asks whether to sign out.
type SignOut struct {
	Person    string // empty: not known
	LogoutURL string // the forms post to it
	Redirect  string // goes along; it has not been checked
	BackURL   string
}

func (SignOut) file() string      { return "signout.html" }
func (s SignOut) links() []string { return []string{s.LogoutURL, s.BackURL} }
