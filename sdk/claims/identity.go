package claims

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
)

// Mapping says which claim becomes which field of an Identity. Each name may be
// a dotted path, see [Object.Lookup]; a field with an empty name stays empty.
type Mapping struct {
	Subject       string
	Username      string
	Email         string
	EmailVerified string
	GivenName     string
	FamilyName    string
	Name          string
	Groups        string
	AuthTime      string
	AMR           string
	ACR           string

	// TextVerified makes the text "true" in the claim EmailVerified count like the JSON
	// value true, for a provider that is known to write it as text.
	TextVerified bool

	// GroupMember is the path to the name of a group, if each group is an object:
	// display_name for [{"id":1,"display_name":"editors"}].
	GroupMember string

	// GroupSeparator splits a groups claim that is one text. Leave it empty if people
	// can choose the name of a group: a single group "guests,admins" would become two.
	GroupSeparator string
}

// OpenID is the mapping of the standard claims (OpenID Connect Core sections 2
// and 5.1), and of groups, the name that nearly all providers use.
func OpenID() Mapping {
	return Mapping{
		Subject:       "sub",
		Username:      "preferred_username",
		Email:         "email",
		EmailVerified: "email_verified",
		GivenName:     "given_name",
		FamilyName:    "family_name",
		Name:          "name",
		Groups:        "groups",
		AuthTime:      "auth_time",
		AMR:           "amr",
		ACR:           "acr",
	}
}

// The reasons of the errors of Identity, all of kind sdk.ErrInvalidResponse.
const (
	ReasonSubjectMissing sdk.Reason = "subject_missing"
	ReasonSubjectInvalid sdk.Reason = "subject_invalid"
	ReasonClaimInvalid   sdk.Reason = "claim_invalid" // of a mechanism whose rules need the claim
	ReasonClaimsTooLarge sdk.Reason = "claims_too_large"
)

// Identity makes an identity of claims. It keeps every value as it was released,
// without folding or normalising it.
//
// The subject must be present, as a string or as a whole number, which is taken
// digit by digit. EmailVerified is true only for the JSON value true, or with
// TextVerified for the text "true". Lists beyond the limits of package sdk are an
// error.
//
// Claims that only decorate the identity never cause an error: a claim of a wrong type
// is left out, a text of odd form is treated as by [contract.Tidy], and the Warnings of
// the identity name it. If one group cannot be read, all groups are unknown, instead of
// leaving that group out. The host refuses unknown groups if a rule of the operator
// depends on them.
func (m Mapping) Identity(o Object) (sdk.Identity, error) {
	r := reader{object: o}
	identity := sdk.Identity{
		Username:   r.text(m.Username),
		Email:      r.text(m.Email),
		GivenName:  r.text(m.GivenName),
		FamilyName: r.text(m.FamilyName),
		Name:       r.text(m.Name),
		AuthTime:   r.authTime(m.AuthTime),
		AMR:        r.methods(m.AMR),
		ACR:        r.text(m.ACR),
		Claims:     o.readable(),
	}
	identity.EmailVerified = r.verified(m) && identity.Email != ""
	identity.Groups, identity.GroupsUnknown = r.groups(m)
	identity, warnings := contract.Tidy(identity)
	identity.Warnings = append(r.warnings, warnings...)
	if err := checkSize(identity); err != nil {
		return sdk.Identity{}, err
	}
	var err error
	identity.Subject, err = m.subject(o)
	return identity, err
}

// Verified reports whether the claims call the e-mail address verified, whatever it is.
func (m Mapping) Verified(o Object) bool {
	r := reader{object: o}
	return r.verified(m)
}

// subject takes a string or a whole number. A fraction or an exponent would
// give one account several spellings.
func (m Mapping) subject(o Object) (string, error) {
	v, err := o.Lookup(m.Subject)
	if err != nil {
		return "", sdk.InvalidResponse(ReasonSubjectInvalid, "%w", err)
	}
	var subject string
	switch v := v.(type) {
	case nil:
		return "", sdk.InvalidResponse(ReasonSubjectMissing, "no claim %s", quote(m.Subject))
	case string:
		subject = v
	case json.Number:
		if strings.ContainsAny(string(v), ".eE") || v == "-0" {
			return "", sdk.InvalidResponse(ReasonSubjectInvalid, "claim %s is a number with a fraction or an exponent", quote(m.Subject))
		}
		subject = string(v)
	default:
		return "", sdk.InvalidResponse(ReasonSubjectInvalid, "%w", typeError(m.Subject, v, "a string or a whole number"))
	}
	if err := CheckSubject(subject); err != nil {
		return "", sdk.InvalidResponse(ReasonSubjectInvalid, "claim %s %w", quote(m.Subject), err)
	}
	return subject, nil
}

// CheckSubject is [contract.CheckSubject].
func CheckSubject(s string) error { return contract.CheckSubject(s) }

func checkSize(i sdk.Identity) error {
	data, err := json.Marshal(i.Claims)
	if err != nil {
		return fmt.Errorf("encoding the claims: %w", err)
	}
	err = contract.CheckClaims(i.Claims, data)
	if err == nil {
		err = contract.CheckLists(i)
	}
	if broken, ok := errors.AsType[*contract.Broken](err); ok {
		return sdk.InvalidResponse(broken.Reason(), "%w: configure the provider to release fewer", err)
	}
	return err
}

// reader collects warnings, so that Identity can read all claims in one expression.
type reader struct {
	object   Object
	warnings []string
}

func (r *reader) leaveOut(err error) {
	r.warnings = append(r.warnings, fmt.Sprintf("%v: it is left out", err))
}

func (r *reader) text(path string) string {
	v, err := r.object.lookUp(path)
	if err == nil {
		var text string
		if text, err = asString(path, v); err == nil {
			return text
		}
	}
	r.leaveOut(err)
	return ""
}

// methods reads amr, which decides nothing here. A list beyond the limits is left out
// as a whole, because a part of it would mean something else.
func (r *reader) methods(path string) []string {
	v, err := r.object.lookUp(path)
	if err == nil {
		var list []string
		if list, err = asStrings(path, v); err == nil {
			if len(list) <= sdk.MaxAMR && len(strings.Join(list, "")) <= sdk.MaxAttribute {
				return list
			}
			err = fmt.Errorf("claim %s has %d values, which are too many or too long", quote(path), len(list))
		}
	}
	r.leaveOut(err)
	return nil
}

// verified reads whether the provider says that the address belongs to the end user.
func (r *reader) verified(m Mapping) bool {
	v, err := r.object.lookUp(m.EmailVerified)
	if err == nil {
		switch v {
		case nil, false:
			return false
		case true:
			return true
		case "true":
			if m.TextVerified {
				return true
			}
		case "false":
			if m.TextVerified {
				return false
			}
		}
		err = typeError(m.EmailVerified, v, "a boolean")
	}
	r.leaveOut(err)
	return false
}

// authTime returns the zero value for 0, which some providers send when they do not
// know the time.
func (r *reader) authTime(path string) time.Time {
	v, err := r.object.lookUp(path)
	if err == nil {
		var t time.Time
		if t, err = asTime(path, v); err == nil && t.Unix() > 0 {
			return t
		}
	}
	if err != nil {
		r.leaveOut(err)
	}
	return time.Time{}
}

// lookUp is Lookup, but returns nil for an empty path.
func (o Object) lookUp(path string) (any, error) {
	if path == "" {
		return nil, nil
	}
	return o.Lookup(path)
}
