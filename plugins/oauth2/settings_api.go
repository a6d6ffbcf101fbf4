package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/doorward/doorward/plugins/oauth2/internal/fieldpath"
	"github.com/doorward/doorward/plugins/oauth2/internal/preset"
	"github.com/doorward/doorward/plugins/oauth2/internal/profile"
	"github.com/doorward/doorward/sdk/upstream"
)

// maxCalls bounds the requests for a profile, pages not counted.
const maxCalls = 8

// headers puts those of the operator over those of the preset. The token is ours to
// send, and to nobody but whom a URL names.
func (t *settler) headers(option string, ofPreset, written map[string]string) map[string]string {
	out := map[string]string{"User-Agent": "Doorward/" + version}
	maps.Copy(out, ofPreset)
	for _, name := range slices.Sorted(maps.Keys(written)) {
		value := strings.ReplaceAll(written[name], "{client_id}", t.o.ClientID)
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			t.problems.Addf(option, "has the field %q, which is no name of a header field", upstream.Shown(name))
		case !httpguts.ValidHeaderFieldValue(value):
			t.problems.Addf(option, "has a control character in the value of %s", canonical)
		case slices.Contains([]string{"Authorization", "Host", "Content-Type", "Content-Length", "Accept-Encoding", "Cookie"}, canonical):
			t.problems.Addf(option, "cannot set %s", canonical)
		default:
			out[canonical] = value
		}
	}
	return out
}

// api reads the requests for the profile, and when an answer is an error.
func (t *settler) api() {
	calls := t.p.Calls
	if t.s.groups {
		calls = slices.Concat(calls, t.p.GroupCalls)
	}
	for i, c := range calls {
		c.URL = t.resolve(c.URL)
		calls = slices.Clone(calls)
		calls[i] = c
	}
	written, err := readCalls(t.o.ProfileCalls)
	if err != nil {
		t.problems.Addf("profile_calls", "%v", err)
	}
	for _, c := range slices.Concat(calls, written) {
		call, err := parseCall(c)
		switch {
		case err != nil:
			t.problems.Addf("profile_calls", "%v", err)
		case slices.ContainsFunc(t.s.calls, func(other profile.Call) bool { return other.Name == call.Name }):
			t.problems.Addf("profile_calls", "has the name %s twice", call.Name)
		default:
			t.s.calls = append(t.s.calls, call)
		}
	}
	if len(t.s.calls) > maxCalls {
		t.problems.Addf("profile_calls", "are %d, at most %d are made", len(t.s.calls), maxCalls)
	}
	errorWhen := t.o.ErrorWhen
	if len(errorWhen) == 0 {
		errorWhen = t.p.ErrorWhen
	}
	if len(errorWhen) == 0 {
		errorWhen = []string{"error"}
	}
	t.s.errorWhen = t.rules("error_when", errorWhen)
	t.s.tokenErrors = tokenRules(t.s.errorWhen)
	t.s.refuseWhen = t.rules("refuse_when", slices.Concat(t.p.RefuseWhen, t.o.RefuseWhen))
}

// tokenRules are those that are good for token answers, too. One such as
// resultcode!=00 is about the envelope of the profile, which a token answer has not:
// it would call every one of them an error.
func tokenRules(rules []fieldpath.Rule) []fieldpath.Rule {
	return slices.DeleteFunc(slices.Clone(rules), fieldpath.Rule.Negative)
}

func (t *settler) rules(option string, texts []string) []fieldpath.Rule {
	var rules []fieldpath.Rule
	for _, text := range texts {
		rule, err := fieldpath.ParseRule(text)
		if err != nil {
			t.problems.Addf(option, "has the rule %q, which %v", upstream.Shown(text), err)
			continue
		}
		rules = append(rules, rule)
	}
	return rules
}

// readCalls reads the option profile_calls, and refuses members that it does not
// know.
func readCalls(raw []byte) ([]preset.Call, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var calls []struct {
		Name     string `json:"name"`
		URL      string `json:"url"`
		List     bool   `json:"list"`
		Pages    string `json:"pages"`
		Items    string `json:"items"`
		Optional bool   `json:"optional"`
		User     string `json:"user"`
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&calls); err != nil {
		return nil, fmt.Errorf("must be a JSON array of objects with name and url, and list, pages, items, optional and user where they are needed: %s", upstream.Quoted(err.Error()))
	}
	var list []preset.Call
	for _, c := range calls {
		list = append(list, preset.Call(c))
	}
	return list, nil
}

// parseCall reads one call.
func parseCall(c preset.Call) (profile.Call, error) {
	out := profile.Call{Name: c.Name, List: c.List, Optional: c.Optional, Method: http.MethodGet}
	if !callName.MatchString(c.Name) || c.Name == tokenRoot || c.Name == profileRoot {
		return out, fmt.Errorf("has the name %q: write lower-case letters, digits and underscores, and neither token nor profile", upstream.Shown(c.Name))
	}
	var err error
	if out.URL, err = fieldpath.ParseTemplate(c.URL); err != nil {
		return out, fmt.Errorf("has a URL for %s that %w", c.Name, err)
	}
	plain := strings.NewReplacer("{", "", "}", "").Replace(c.URL)
	u, err := upstream.ParseEndpoint(plain)
	if err != nil {
		return out, fmt.Errorf("has a URL for %s that %w", c.Name, err)
	}
	if before, _, _ := strings.Cut(c.URL, "{"); len(before) < len(u.Scheme+"://"+u.Host+"/") {
		return out, fmt.Errorf("has a URL for %s with a field in its host: a field may stand in path and query only", c.Name)
	}
	switch next, isNext := strings.CutPrefix(c.Pages, preset.PagesNext); {
	case c.Pages == "":
	case c.Pages == preset.PagesLink:
		out.Link = true
	case isNext:
		if out.Next, err = fieldpath.Parse(next); err != nil {
			return out, fmt.Errorf("has pages of %s whose path %w", c.Name, err)
		}
	default:
		return out, fmt.Errorf("has pages of %s that are neither link nor next: and a path", c.Name)
	}
	if c.User != "" {
		if out.User, err = fieldpath.Parse(c.User); err != nil {
			return out, fmt.Errorf("has a user of %s whose path %w", c.Name, err)
		}
	}
	if c.Items != "" {
		if out.Items, err = fieldpath.Parse(c.Items); err != nil {
			return out, fmt.Errorf("has items of %s whose path %w", c.Name, err)
		}
	}
	if (out.Link || !out.Next.IsZero()) && !out.List && out.Items.IsZero() {
		return out, fmt.Errorf("has pages of %s and does not say where their items are: write list or items", c.Name)
	}
	return out, nil
}

// restrictions reads who may sign in, which decides whether groups are read.
func (t *settler) restrictions() {
	t.s.allowed = allowLists{
		lists: map[string][]string{
			preset.Organization: t.o.AllowedOrgs, preset.Team: t.o.AllowedTeams, anyKind: t.o.AllowedGroups,
		},
	}
	for _, list := range []struct {
		option  string
		entries []string
	}{
		{"allowed_organizations", t.o.AllowedOrgs}, {"allowed_teams", t.o.AllowedTeams},
		{"allowed_groups", t.o.AllowedGroups}, {"allowed_email_domains", t.o.AllowedDomains},
	} {
		// Whoever writes a list means to keep somebody out.
		if list.entries != nil && len(list.entries) == 0 {
			t.problems.Addf(list.option, "is a list without an entry, and would let in everybody: write who may sign in, or leave it out")
		}
	}
	for _, kind := range []string{preset.Organization, preset.Team} {
		option := "allowed_" + kind + "s"
		if len(t.s.allowed.lists[kind]) > 0 && !slices.ContainsFunc(t.p.Groups, func(g preset.Groups) bool { return g.Kind == kind }) {
			t.problems.Addf(option, "needs a preset that knows %ss, such as github; allowed_groups is for all others", kind)
		}
	}
	for _, domain := range t.o.AllowedDomains {
		domain = lowerASCII(strings.TrimPrefix(domain, "@"))
		if u, err := url.Parse("https://" + domain + "/"); err != nil || u.Host != domain || domain == "" || strings.ContainsAny(domain, "*:") {
			t.problems.Addf("allowed_email_domains", "has %q: write a domain such as example.com", upstream.Shown(domain))
		}
		t.s.allowed.domains = append(t.s.allowed.domains, domain)
	}
	t.s.groups = t.o.ReadGroups || t.s.allowed.groupsDecide()
	t.groupSources()
	if t.s.groups && len(t.s.groupSources) == 0 {
		t.problems.Addf("group_claim_name", "is missing: the preset %s has no groups to read", t.p.Name)
	}
	if t.s.groups && t.o.Scope == "" {
		t.s.scopes = slices.Concat(t.s.scopes, t.p.GroupScopes)
	}
	t.s.params.Set("scope", strings.Join(t.s.scopes, t.s.separator))
	if len(t.s.scopes) == 0 {
		t.s.params.Del("scope")
	}
}

// groupSources are the operator's own, or those of the preset.
func (t *settler) groupSources() {
	sources := t.p.Groups
	if written := t.o.GroupClaimName; written != "" || t.o.Preset == "" {
		sources = []preset.Groups{{Kind: preset.Group, Path: cmp.Or(written, "groups"), Name: t.o.GroupName, ID: t.o.GroupID}}
	} else if t.o.GroupName != "" || t.o.GroupID != "" {
		t.problems.Addf("group_name", "goes together with group_claim_name")
	}
	for _, g := range sources {
		if !t.s.groups && t.needsCall(g.Path) {
			continue
		}
		source := groupSource{kind: g.Kind, split: t.o.GroupClaimSeparator == "comma" && t.o.Preset == ""}
		source.path = t.path("group_claim_name", g.Path)
		source.name = t.template("group_name", g.Name)
		source.id = t.template("group_id", g.ID)
		t.s.groupSources = append(t.s.groupSources, source)
	}
}

// needsCall reports whether a path leads into the answer of a call that is made for
// groups only.
func (t *settler) needsCall(path string) bool {
	return slices.ContainsFunc(t.p.GroupCalls, func(c preset.Call) bool {
		rest, ok := strings.CutPrefix(path, c.Name)
		return ok && (rest == "" || strings.IndexByte(".[|", rest[0]) >= 0)
	})
}

func (t *settler) template(option, text string) fieldpath.Template {
	template, err := fieldpath.ParseTemplate(text)
	if err != nil {
		t.problems.Addf(option, "%v", err)
	}
	return template
}

// path reads a path; an empty text is the zero path.
func (t *settler) path(option, text string) fieldpath.Path {
	if text == "" {
		return fieldpath.Path{}
	}
	p, err := fieldpath.Parse(text)
	if err != nil {
		t.problems.Addf(option, "%v", err)
	}
	return p
}
