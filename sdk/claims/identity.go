package claims

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/doorward/doorward/sdk"
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

	// SplitGroups takes a groups claim that is one string for a list separated
	// by commas. Leave it off where somebody may choose the name of a group: a
	// lone group "guests,admins" would become two.
	SplitGroups bool
}

// OpenID is the mapping of the standard claims (OpenID Connect Core sections 2
// and 5.1), with groups as nearly all providers call it.
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
	ReasonClaimInvalid   sdk.Reason = "claim_invalid"
	ReasonClaimsTooLarge sdk.Reason = "claims_too_large"
)

// Identity makes an identity of claims. It keeps every value as it was
// released: nothing is folded or normalised.
//
// The subject must be there, as a string or as a whole number, which is taken
// digit by digit. EmailVerified is true only for the JSON value true. A claim
// of a wrong type, with a control character in it, or beyond the limits of
// package sdk is an error: guessing would make somebody else of the end user.
func (m Mapping) Identity(o Object) (sdk.Identity, error) {
	r := reader{object: o}
	identity := sdk.Identity{
		Username:   r.text(m.Username),
		Email:      r.text(m.Email),
		GivenName:  r.text(m.GivenName),
		FamilyName: r.text(m.FamilyName),
		Name:       r.text(m.Name),
		Groups:     r.groups(m.Groups, m.SplitGroups),
		AMR:        r.texts(m.AMR),
		ACR:        r.text(m.ACR),
		Claims:     o,
	}
	identity.EmailVerified = identity.Email != "" && r.lookup(m.EmailVerified) == true
	r.authTime(m.AuthTime, &identity)
	if r.err != nil {
		return sdk.Identity{}, sdk.InvalidResponse(ReasonClaimInvalid, "%w", r.err)
	}
	if err := checkSize(o); err != nil {
		return sdk.Identity{}, err
	}
	var err error
	identity.Subject, err = m.subject(o)
	return identity, err
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

// CheckSubject says what keeps s from being a subject: emptiness, more than
// sdk.MaxSubject bytes, broken UTF-8, a control character.
func CheckSubject(s string) error {
	if s == "" {
		return errors.New("is empty")
	}
	return checkText(s, sdk.MaxSubject)
}

func checkText(s string, most int) error {
	switch {
	case len(s) > most:
		return fmt.Errorf("has %d bytes, at most %d are allowed", len(s), most)
	case !utf8.ValidString(s):
		return errors.New("is not valid UTF-8")
	case strings.ContainsFunc(s, unicode.IsControl):
		return errors.New("holds a control character")
	}
	return nil
}

func checkSize(o Object) error {
	data, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("encoding the claims: %w", err)
	}
	if len(data) > sdk.MaxClaims {
		return sdk.InvalidResponse(ReasonClaimsTooLarge, "%d bytes of claims, at most %d are allowed: have the provider release fewer", len(data), sdk.MaxClaims)
	}
	return nil
}

// reader keeps the first error, so that a mapping reads as a list.
type reader struct {
	object Object
	err    error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) lookup(path string) any {
	if path == "" {
		return nil
	}
	v, err := r.object.Lookup(path)
	if err != nil {
		r.fail(err)
	}
	return v
}

func (r *reader) text(path string) string {
	s, err := asString(path, r.lookup(path))
	if err != nil {
		r.fail(err)
		return ""
	}
	if err := checkText(s, sdk.MaxAttribute); err != nil {
		r.fail(fmt.Errorf("claim %s %w", quote(path), err))
	}
	return s
}

func (r *reader) texts(path string) []string {
	list, err := asStrings(path, r.lookup(path))
	if err != nil {
		r.fail(err)
		return nil
	}
	r.checkList(path, list)
	return list
}

func (r *reader) groups(path string, split bool) []string {
	v := r.lookup(path)
	joined, isString := v.(string)
	if !isString || !split {
		return r.texts(path)
	}
	var list []string
	for name := range strings.SplitSeq(joined, ",") {
		if name = strings.Trim(name, " "); name != "" {
			list = append(list, name)
		}
	}
	r.checkList(path, list)
	return list
}

func (r *reader) checkList(path string, list []string) {
	if len(list) > sdk.MaxGroups {
		r.fail(fmt.Errorf("claim %s has %d values, at most %d are allowed", quote(path), len(list), sdk.MaxGroups))
		return
	}
	total := 0
	for _, s := range list {
		total += len(s)
		if err := checkText(s, sdk.MaxAttribute); err != nil {
			r.fail(fmt.Errorf("a value of claim %s %w", quote(path), err))
			return
		}
	}
	if total > sdk.MaxGroupBytes {
		r.fail(fmt.Errorf("claim %s has %d bytes, at most %d are allowed", quote(path), total, sdk.MaxGroupBytes))
	}
}

// authTime leaves the zero value for 0, which some providers send when they do
// not know.
func (r *reader) authTime(path string, identity *sdk.Identity) {
	t, err := asTime(path, r.lookup(path))
	if err != nil {
		r.fail(err)
		return
	}
	if t.Unix() > 0 {
		identity.AuthTime = t
	}
}
