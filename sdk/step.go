package sdk

// A Step is what happens next in a login: a [Redirect], [FormPost], [Prompt] or
// [Authenticated].
//
// Every step except Authenticated carries Memory: at most [MaxMemory] bytes, which
// the host seals and hands to the next Continue. Return the struct itself, not a
// pointer to it.
type Step interface{ step() }

// Redirect sends the browser to the provider with a GET request.
type Redirect struct {
	// URL must be https, or http to a loopback address.
	URL    string
	Memory []byte
}

// FormPost sends the browser to the provider with a POST request (the form_post
// of OAuth 2.0, the HTTP POST binding of SAML 2.0). The host renders the form.
type FormPost struct {
	// URL must be https, or http to a loopback address.
	URL    string
	Fields []FormField
	Memory []byte
}

// FormField is one hidden field of a FormPost.
type FormField struct{ Name, Value string }

// Prompt asks the end user for input. The host renders the fields; no markup
// crosses the wire.
type Prompt struct {
	// Reason says why the prompt is shown again, such as
	// ReasonBadCredentials after a wrong password. It is empty the first time.
	Reason Reason

	Fields []PromptField
	Memory []byte
}

// PromptField is one input field.
type PromptField struct {
	// Name is the key of the answer in ContinueRequest.Answers: at most 32
	// lower-case letters, digits and underscores, and not "state".
	Name string
	Kind FieldKind

	// Label is shown next to the field as plain text. When it is empty, the host
	// shows its own translated label for the kind.
	Label string

	// Optional fields may be left empty.
	Optional bool
}

// FieldKind says what a prompt field holds, so that the host can choose its
// label, its input type and its autocomplete token.
type FieldKind string

// The kinds of prompt fields.
const (
	FieldText        FieldKind = "text"
	FieldUsername    FieldKind = "username"
	FieldPassword    FieldKind = "password"
	FieldNewPassword FieldKind = "new_password"
	FieldOneTimeCode FieldKind = "one_time_code"
)

// FieldKinds lists the kinds of prompt fields.
func FieldKinds() []FieldKind {
	return []FieldKind{FieldText, FieldUsername, FieldPassword, FieldNewPassword, FieldOneTimeCode}
}

// Authenticated ends a login: the provider confirmed the identity.
type Authenticated struct{ Identity Identity }

func (Redirect) step()      {}
func (FormPost) step()      {}
func (Prompt) step()        {}
func (Authenticated) step() {}

// Limits that the host enforces on every step. A step that exceeds one of them ends
// the login as a fault of the plugin.
const (
	MaxMemory       = 1 << 10  // bytes of Memory, which travels in a cookie
	MaxURL          = 16 << 10 // bytes of a Redirect or FormPost URL
	MaxFormFields   = 32
	MaxFormBytes    = 256 << 10 // bytes of all field names and values together
	MaxPromptFields = 8
	MaxFieldName    = 32      // bytes of the name of a prompt field
	MaxLabel        = 128     // bytes of a label
	MaxAnswer       = 1 << 10 // bytes of the input into one field
)
