package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/doorward/doorward/plugins/oauth2/internal/fieldpath"
	"github.com/doorward/doorward/plugins/oauth2/internal/preset"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// userData is all data of one user from the provider.
type userData struct {
	root    claims.Object // the starting point of paths
	profile claims.Object
	calls   claims.Object
}

// fetchUserData requests the profile of the token's owner, and makes the other API calls.
func (m *mechanism) fetchUserData(ctx context.Context, accessToken string, tokenMembers claims.Object) (userData, error) {
	token := withoutTokens(tokenMembers)
	data := userData{profile: token, calls: claims.Object{}}
	if m.set.profileURL != fromToken {
		var err error
		if data.profile, err = m.api.Profile(ctx, m.method(), m.set.profileURL, accessToken); err != nil {
			return userData{}, err
		}
	}
	data.root = m.root(data.profile)
	data.root[profileRoot] = map[string]any(data.profile)
	data.root[tokenRoot] = map[string]any(token)
	for _, call := range m.set.calls {
		got, err := m.api.Call(ctx, call, data.root, accessToken)
		if err != nil {
			return userData{}, err
		}
		data.calls[call.Name], data.root[call.Name] = got, got
	}
	return data, nil
}

// root is the starting point of paths: the members of the profile, except those that could
// be mistaken for the token response or the response to a call. A user who can choose the
// name of a member of their profile, such as "token.user_id", must not control what the
// operator's paths refer to.
func (m *mechanism) root(profile claims.Object) claims.Object {
	reserved := []string{profileRoot, tokenRoot}
	for _, call := range m.set.calls {
		reserved = append(reserved, call.Name)
	}
	root := claims.Object{}
	for name, value := range profile {
		if first, _, _ := strings.Cut(name, "."); !slices.Contains(reserved, first) {
			root[name] = value
		}
	}
	return root
}

// withoutTokens removes the tokens, which are secret, and the ID token, which this plugin
// does not verify.
func withoutTokens(members claims.Object) claims.Object {
	out := maps.Clone(members)
	for _, name := range []string{"access_token", "refresh_token", "id_token"} {
		delete(out, name)
	}
	if out == nil {
		out = claims.Object{}
	}
	return out
}

// identify builds the identity and decides whether the user may sign in.
func (m *mechanism) identify(data userData) (sdk.Identity, error) {
	root := map[string]any(data.root)
	subject, err := m.subject(data)
	if err != nil {
		return sdk.Identity{}, err
	}
	if err := m.checkTokenUser(data, subject); err != nil {
		return sdk.Identity{}, err
	}
	if err := m.checkCallUsers(data, subject); err != nil {
		return sdk.Identity{}, err
	}
	if err := m.checkRefuseWhen(root); err != nil {
		return sdk.Identity{}, err
	}
	f := m.set.fields
	identity := sdk.Identity{
		Subject:    subject,
		Username:   m.attribute(f.username, root),
		Email:      m.attribute(f.email, root),
		Name:       m.attribute(f.name, root),
		GivenName:  m.attribute(f.first, root),
		FamilyName: m.attribute(f.last, root),
		Claims:     m.collectClaims(data),
	}
	identity.EmailVerified = identity.Email != "" && m.verified(root)
	groups, err := m.groups(root)
	if err != nil {
		return sdk.Identity{}, err
	}
	identity.Groups = names(groups)
	return identity, m.set.allowed.admit(identity, groups)
}

// subject returns the identifier. It must be a string or a whole number: a fraction or an
// exponent would give one account several spellings.
func (m *mechanism) subject(data userData) (string, error) {
	path := m.set.identifier
	v, err := path.One(map[string]any(data.root))
	if err != nil {
		return "", sdk.InvalidResponse(claims.ReasonSubjectInvalid, "identifier_key %w", err)
	}
	if v == nil {
		return "", sdk.InvalidResponse(claims.ReasonSubjectMissing, "the profile has no %s%s", path, m.profileErrorText(data))
	}
	if !m.set.isIdentifier(v) {
		return "", sdk.InvalidResponse(claims.ReasonSubjectInvalid, "%s is not %s: with another type, the user would become a different user", path, m.set.identifierKind())
	}
	text, _ := fieldpath.Text(v)
	if err := claims.CheckSubject(text); err != nil {
		return "", sdk.InvalidResponse(claims.ReasonSubjectInvalid, "%s %w", path, err)
	}
	if slices.Contains(noIdentifiers, text) || strings.TrimSpace(text) != text {
		return "", sdk.InvalidResponse(claims.ReasonSubjectInvalid, "%s is a placeholder for a missing identifier, such as null or undefined, or has spaces around it", path)
	}
	return text, nil
}

// noIdentifiers are values that faulty templates of providers produce.
var noIdentifiers = []string{"undefined", "null", "NaN", "None", "nil", "[object Object]"}

// isIdentifier reports whether a value has the type identifier_type.
func (s settings) isIdentifier(v any) bool {
	switch v := v.(type) {
	case string:
		return s.identifierType != preset.Integer
	case json.Number:
		return s.identifierType != preset.Text && !strings.ContainsAny(string(v), ".eE") && v != "-0"
	default:
		return false
	}
}

// checkTokenUser compares the user in the token response with the profile, to detect a token
// of another user.
func (m *mechanism) checkTokenUser(data userData, subject string) error {
	if m.set.tokenUser.IsZero() {
		return nil
	}
	v, err := m.set.tokenUser.One(data.root[tokenRoot])
	if err != nil {
		return sdk.InvalidResponse(reasonTokenUser, "token_user_key %w", err)
	}
	text, ok := fieldpath.Text(v)
	if v != nil && (!ok || text != subject) {
		return sdk.InvalidResponse(reasonTokenUser, "the token response is about another user than the profile: compare %s with %s", m.set.tokenUser, m.set.identifier)
	}
	return nil
}

// checkCallUsers does the same for responses to calls that name their user: the user may
// have changed between two requests.
func (m *mechanism) checkCallUsers(data userData, subject string) error {
	for _, call := range m.set.calls {
		if call.User.IsZero() || data.calls[call.Name] == nil {
			continue
		}
		found, err := call.User.All(data.calls[call.Name])
		if err != nil {
			return sdk.InvalidResponse(reasonTokenUser, "%s: user %w", call.Name, err)
		}
		for _, v := range found {
			if text, ok := fieldpath.Text(v); !ok || text != subject {
				return sdk.InvalidResponse(reasonTokenUser, "%s is about another user than the profile", call.Name)
			}
		}
	}
	return nil
}

// checkRefuseWhen refuses suspended users. Many providers report the suspension with status
// 200.
func (m *mechanism) checkRefuseWhen(root map[string]any) error {
	for _, rule := range m.set.refuseWhen {
		refused, err := rule.Holds(root)
		if err != nil {
			return sdk.InvalidResponse(claims.ReasonClaimInvalid, "refuse_when: %w", err)
		}
		if refused {
			return sdk.Denied(sdk.ReasonAccountDisabled, "refused by the rule %s", rule)
		}
	}
	return nil
}

// attribute reads a field that is for display only, so that an invalid value never fails a
// login. It ignores a name of 10 kB, or one that changes the direction of text.
func (m *mechanism) attribute(path fieldpath.Path, root map[string]any) string {
	if path.IsZero() {
		return ""
	}
	v, err := path.One(root)
	if err != nil {
		m.logger.Warn("ignoring a field", "field", path.String(), "because", err)
		return ""
	}
	text, ok := fieldpath.Text(v)
	switch {
	case v == nil:
		return ""
	case !ok:
		m.logger.Warn("ignoring a field", "field", path.String(), "because", "it is neither text nor a number")
		return ""
	case len(text) > sdk.MaxAttribute || !utf8.ValidString(text) || strings.ContainsFunc(text, controlOrBidi):
		m.logger.Warn("ignoring a field", "field", path.String(), "because", "it is too long or contains control characters")
		return ""
	}
	return text
}

// controlOrBidi reports control characters and characters that change the direction of text.
func controlOrBidi(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// verified reports whether the provider says that the address is verified, by exactly one of
// the configured values.
func (m *mechanism) verified(root map[string]any) bool {
	f := m.set.fields
	if f.alwaysVerified {
		return true
	}
	if f.verified.IsZero() {
		return false
	}
	v, err := f.verified.One(root)
	if err != nil || v == nil {
		return false
	}
	text, err := json.Marshal(v)
	return err == nil && slices.Contains(f.verifiedValues, string(text))
}

// collectClaims returns the profile and the responses to calls as claims, without the lists
// of groups: their names are in Groups, and the lists can exceed the limit of claims.
func (m *mechanism) collectClaims(data userData) map[string]any {
	out := maps.Clone(map[string]any(data.profile))
	for name, answer := range data.calls {
		if !slices.ContainsFunc(m.set.groupSources, func(g groupSource) bool { return g.reads(name) }) {
			out[name] = answer
		}
	}
	encoded, err := json.Marshal(out)
	if err == nil && len(encoded) <= sdk.MaxClaims {
		return out
	}
	m.logger.Warn("ignoring the claims, because they are too large", "bytes", len(encoded))
	return nil
}

// profileErrorText describes a response that is not a profile: its error text, otherwise the
// names of its members.
func (m *mechanism) profileErrorText(data userData) string {
	said := errorText(data.profile)
	if said == "" {
		return fmt.Sprintf(": it contains %s", memberNames(data.profile))
	}
	return said
}
