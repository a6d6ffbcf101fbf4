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

// answers are all that the provider has told of one end user, under the roots of
// paths.
type answers struct {
	root    claims.Object // for paths
	profile claims.Object
	calls   claims.Object
}

// ask asks the provider who the owner of the token is.
func (m *mechanism) ask(ctx context.Context, accessToken string, tokenMembers claims.Object) (answers, error) {
	token := withoutTokens(tokenMembers)
	known := answers{profile: token, calls: claims.Object{}}
	if m.set.profileURL != fromToken {
		var err error
		if known.profile, err = m.api.Profile(ctx, m.method(), m.set.profileURL, accessToken); err != nil {
			return answers{}, err
		}
	}
	known.root = m.root(known.profile)
	known.root[profileRoot] = map[string]any(known.profile)
	known.root[tokenRoot] = map[string]any(token)
	for _, call := range m.set.calls {
		got, err := m.api.Call(ctx, call, known.root, accessToken)
		if err != nil {
			return answers{}, err
		}
		known.calls[call.Name], known.root[call.Name] = got, got
	}
	return known, nil
}

// root is what paths start from: the members of the profile, but for those that could
// pass for the token response, or for the answer of a call. Who may name a member of
// their profile, be it "token.user_id", must not choose what a path of the operator's
// means.
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

// withoutTokens leaves out what is secret, and the ID token, which nobody has
// verified and which is therefore nobody's word.
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

// identify makes the identity, and decides whether this end user may sign in.
func (m *mechanism) identify(known answers) (sdk.Identity, error) {
	root := map[string]any(known.root)
	subject, err := m.subject(known)
	if err != nil {
		return sdk.Identity{}, err
	}
	if err := m.checkTokenUser(known, subject); err != nil {
		return sdk.Identity{}, err
	}
	if err := m.checkCallUsers(known, subject); err != nil {
		return sdk.Identity{}, err
	}
	if err := m.checkStanding(root); err != nil {
		return sdk.Identity{}, err
	}
	f := m.set.fields
	identity := sdk.Identity{
		Subject:    subject,
		Username:   m.text(f.username, root),
		Email:      m.text(f.email, root),
		Name:       m.text(f.name, root),
		GivenName:  m.text(f.first, root),
		FamilyName: m.text(f.last, root),
		Claims:     m.released(known),
	}
	identity.EmailVerified = identity.Email != "" && m.verified(root)
	groups, err := m.groups(root)
	if err != nil {
		return sdk.Identity{}, err
	}
	identity.Groups = names(groups)
	return identity, m.set.allowed.admit(identity, groups)
}

// subject is the identifier. Nothing but a string or a whole number is one: a
// fraction or an exponent would give one account several spellings.
func (m *mechanism) subject(known answers) (string, error) {
	path := m.set.identifier
	v, err := path.One(map[string]any(known.root))
	if err != nil {
		return "", sdk.InvalidResponse(claims.ReasonSubjectInvalid, "identifier_key %w", err)
	}
	if v == nil {
		return "", sdk.InvalidResponse(claims.ReasonSubjectMissing, "the profile has no %s%s", path, m.saidIn(known))
	}
	if !m.set.isIdentifier(v) {
		return "", sdk.InvalidResponse(claims.ReasonSubjectInvalid, "%s is not %s: somebody who signs in for years would become somebody else", path, m.set.identifierKind())
	}
	text, _ := fieldpath.Text(v)
	if err := claims.CheckSubject(text); err != nil {
		return "", sdk.InvalidResponse(claims.ReasonSubjectInvalid, "%s %w", path, err)
	}
	if slices.Contains(noIdentifiers, text) || strings.TrimSpace(text) != text {
		return "", sdk.InvalidResponse(claims.ReasonSubjectInvalid, "%s is what a program writes that has no identifier, or has spaces around it", path)
	}
	return text, nil
}

// noIdentifiers are what faulty templates of providers write.
var noIdentifiers = []string{"undefined", "null", "NaN", "None", "nil", "[object Object]"}

// isIdentifier holds a value against identifier_type.
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

// checkTokenUser holds the token response's own word about the end user against the
// profile: a token of somebody else would otherwise go unnoticed.
func (m *mechanism) checkTokenUser(known answers, subject string) error {
	if m.set.tokenUser.IsZero() {
		return nil
	}
	v, err := m.set.tokenUser.One(known.root[tokenRoot])
	if err != nil {
		return sdk.InvalidResponse(reasonTokenUser, "token_user_key %w", err)
	}
	text, ok := fieldpath.Text(v)
	if v != nil && (!ok || text != subject) {
		return sdk.InvalidResponse(reasonTokenUser, "the token response is about another user than the profile: compare %s with %s", m.set.tokenUser, m.set.identifier)
	}
	return nil
}

// checkCallUsers does the same for the answers that tell whom they are about: the
// user may have been switched between two requests.
func (m *mechanism) checkCallUsers(known answers, subject string) error {
	for _, call := range m.set.calls {
		if call.User.IsZero() || known.calls[call.Name] == nil {
			continue
		}
		found, err := call.User.All(known.calls[call.Name])
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

// checkStanding refuses who is suspended. Many providers tell so with status 200.
func (m *mechanism) checkStanding(root map[string]any) error {
	for _, rule := range m.set.refuseWhen {
		refused, err := rule.Holds(root)
		if err != nil {
			return sdk.InvalidResponse(claims.ReasonClaimInvalid, "refuse_when: %w", err)
		}
		if refused {
			return sdk.Denied(sdk.ReasonAccountDisabled, "by the rule %s", rule)
		}
	}
	return nil
}

// text is a decoration: whatever is wrong with it never fails a login. A name of
// 10 kB, or one that turns the direction of what follows, is left out.
func (m *mechanism) text(path fieldpath.Path, root map[string]any) string {
	if path.IsZero() {
		return ""
	}
	v, err := path.One(root)
	if err != nil {
		m.logger.Warn("a field is left out", "field", path.String(), "because", err)
		return ""
	}
	text, ok := fieldpath.Text(v)
	switch {
	case v == nil:
		return ""
	case !ok:
		m.logger.Warn("a field is left out", "field", path.String(), "because", "it is neither text nor a number")
		return ""
	case len(text) > sdk.MaxAttribute || !utf8.ValidString(text) || strings.ContainsFunc(text, turns):
		m.logger.Warn("a field is left out", "field", path.String(), "because", "it is too long, or has control characters")
		return ""
	}
	return text
}

// turns reports control characters, and those that turn the direction of text.
func turns(r rune) bool {
	return unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// verified tells whether the provider says that the address is the end user's, by
// the very value that says so.
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

// released are the claims: what was told, but for the lists of groups, whose names
// stand in Groups, and which may be larger than claims may be.
func (m *mechanism) released(known answers) map[string]any {
	out := maps.Clone(map[string]any(known.profile))
	for name, answer := range known.calls {
		if !slices.ContainsFunc(m.set.groupSources, func(g groupSource) bool { return g.reads(name) }) {
			out[name] = answer
		}
	}
	data, err := json.Marshal(out)
	if err == nil && len(data) <= sdk.MaxClaims {
		return out
	}
	m.logger.Warn("the claims are left out: they are too large", "bytes", len(data))
	return nil
}

// saidIn is what an answer that should have been a profile says.
func (m *mechanism) saidIn(known answers) string {
	said := saidOf(known.profile)
	if said == "" {
		return fmt.Sprintf(": it has %s", listed(known.profile))
	}
	return said
}
