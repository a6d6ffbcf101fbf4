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

// maxCalls limits the additional API requests of a login. Pages do not count.
const maxCalls = 8

// headers merges the operator's header fields over those of the preset. It refuses fields
// that the plugin sets itself, so that a token goes only where a URL sends it.
func (b *settingsBuilder) headers(option string, ofPreset, written map[string]string) map[string]string {
	out := map[string]string{"User-Agent": "Doorward/" + version}
	maps.Copy(out, ofPreset)
	for _, name := range slices.Sorted(maps.Keys(written)) {
		value := strings.ReplaceAll(written[name], "{client_id}", b.o.ClientID)
		canonical := http.CanonicalHeaderKey(name)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			b.problems.Addf(option, "has the field %q, which is not a valid name of a header field", upstream.Shown(name))
		case !httpguts.ValidHeaderFieldValue(value):
			b.problems.Addf(option, "contains a control character in the value of %s", canonical)
		case slices.Contains([]string{"Authorization", "Host", "Content-Type", "Content-Length", "Accept-Encoding", "Cookie"}, canonical):
			b.problems.Addf(option, "cannot set %s", canonical)
		default:
			out[canonical] = value
		}
	}
	return out
}

// api reads the requests to the API and the rules about their responses.
func (b *settingsBuilder) api() {
	calls := b.p.Calls
	if b.s.groups {
		calls = slices.Concat(calls, b.p.GroupCalls)
	}
	for i, c := range calls {
		c.URL = b.resolve(c.URL)
		calls = slices.Clone(calls)
		calls[i] = c
	}
	written, err := readCalls(b.o.ProfileCalls)
	if err != nil {
		b.problems.Addf("profile_calls", "%v", err)
	}
	for _, c := range slices.Concat(calls, written) {
		call, err := parseCall(c)
		switch {
		case err != nil:
			b.problems.Addf("profile_calls", "%v", err)
		case slices.ContainsFunc(b.s.calls, func(other profile.Call) bool { return other.Name == call.Name }):
			b.problems.Addf("profile_calls", "contains the name %s twice", call.Name)
		default:
			b.s.calls = append(b.s.calls, call)
		}
	}
	if len(b.s.calls) > maxCalls {
		b.problems.Addf("profile_calls", "has %d requests, at most %d are allowed", len(b.s.calls), maxCalls)
	}
	errorWhen := b.o.ErrorWhen
	if len(errorWhen) == 0 {
		errorWhen = b.p.ErrorWhen
	}
	if len(errorWhen) == 0 {
		errorWhen = []string{"error"}
	}
	b.s.errorWhen = b.rules("error_when", errorWhen)
	b.s.tokenErrors = tokenRules(b.s.errorWhen)
	b.s.refuseWhen = b.rules("refuse_when", slices.Concat(b.p.RefuseWhen, b.o.RefuseWhen))
}

// tokenRules returns the rules that also apply to token responses. A rule such as
// resultcode!=00 is about the envelope of the profile. A token response has no such
// envelope, so the rule would make every token response an error.
func tokenRules(rules []fieldpath.Rule) []fieldpath.Rule {
	return slices.DeleteFunc(slices.Clone(rules), fieldpath.Rule.Negative)
}

func (b *settingsBuilder) rules(option string, texts []string) []fieldpath.Rule {
	var rules []fieldpath.Rule
	for _, text := range texts {
		rule, err := fieldpath.ParseRule(text)
		if err != nil {
			b.problems.Addf(option, "has the rule %q, which %v", upstream.Shown(text), err)
			continue
		}
		rules = append(rules, rule)
	}
	return rules
}

// readCalls parses the option profile_calls and refuses unknown members.
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
		return nil, fmt.Errorf("must be a JSON array of objects with name and url, and optionally list, pages, items, optional and user: %s", upstream.Quoted(err.Error()))
	}
	var list []preset.Call
	for _, c := range calls {
		list = append(list, preset.Call(c))
	}
	return list, nil
}

// parseCall checks one call and parses its URL and paths.
func parseCall(c preset.Call) (profile.Call, error) {
	out := profile.Call{Name: c.Name, List: c.List, Optional: c.Optional, Method: http.MethodGet}
	if !callName.MatchString(c.Name) || c.Name == tokenRoot || c.Name == profileRoot {
		return out, fmt.Errorf("has the name %q: use lower-case letters, digits and underscores, begin with a letter, and use neither token nor profile", upstream.Shown(c.Name))
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
		return out, fmt.Errorf("has a URL for %s with a field in its host: fields are allowed in the path and the query only", c.Name)
	}
	switch next, isNext := strings.CutPrefix(c.Pages, preset.PagesNext); {
	case c.Pages == "":
	case c.Pages == preset.PagesLink:
		out.Link = true
	case isNext:
		if out.Next, err = fieldpath.Parse(next); err != nil {
			return out, fmt.Errorf("has a value of pages for %s whose path %w", c.Name, err)
		}
	default:
		return out, fmt.Errorf("has a value of pages for %s that is neither link nor next: with a path", c.Name)
	}
	if c.User != "" {
		if out.User, err = fieldpath.Parse(c.User); err != nil {
			return out, fmt.Errorf("has a value of user for %s that %w", c.Name, err)
		}
	}
	if c.Items != "" {
		if out.Items, err = fieldpath.Parse(c.Items); err != nil {
			return out, fmt.Errorf("has a value of items for %s that %w", c.Name, err)
		}
	}
	if (out.Link || !out.Next.IsZero()) && !out.List && out.Items.IsZero() {
		return out, fmt.Errorf("has pages for %s but neither list nor items, which say where the items of a page are", c.Name)
	}
	return out, nil
}

// restrictions reads the allow-lists, which decide whether groups are read.
func (b *settingsBuilder) restrictions() {
	b.s.allowed = allowLists{
		lists: map[string][]string{
			preset.Organization: b.o.AllowedOrgs, preset.Team: b.o.AllowedTeams, anyKind: b.o.AllowedGroups,
		},
	}
	for _, list := range []struct {
		option  string
		entries []string
	}{
		{"allowed_organizations", b.o.AllowedOrgs}, {"allowed_teams", b.o.AllowedTeams},
		{"allowed_groups", b.o.AllowedGroups}, {"allowed_email_domains", b.o.AllowedDomains},
	} {
		// An operator who writes a list means to exclude people.
		if list.entries != nil && len(list.entries) == 0 {
			b.problems.Addf(list.option, "is an empty list, which would admit everybody: add entries, or remove the option")
		}
	}
	for _, kind := range []string{preset.Organization, preset.Team} {
		option := "allowed_" + kind + "s"
		if len(b.s.allowed.lists[kind]) > 0 && !slices.ContainsFunc(b.p.Groups, func(g preset.Groups) bool { return g.Kind == kind }) {
			b.problems.Addf(option, "requires a preset that supports %ss, such as github; use allowed_groups for other providers", kind)
		}
	}
	for _, domain := range b.o.AllowedDomains {
		domain = lowerASCII(strings.TrimPrefix(domain, "@"))
		if u, err := url.Parse("https://" + domain + "/"); err != nil || u.Host != domain || domain == "" || strings.ContainsAny(domain, "*:") {
			b.problems.Addf("allowed_email_domains", "contains %q: write a domain such as example.com", upstream.Shown(domain))
		}
		b.s.allowed.domains = append(b.s.allowed.domains, domain)
	}
	b.s.groups = b.o.ReadGroups || b.s.allowed.groupsDecide()
	b.groupSources()
	if b.s.groups && len(b.s.groupSources) == 0 {
		b.problems.Addf("group_claim_name", "is missing: the preset %s does not support groups", b.p.Name)
	}
	if b.s.groups && b.o.Scope == "" {
		b.s.scopes = slices.Concat(b.s.scopes, b.p.GroupScopes)
	}
	b.s.params.Set("scope", strings.Join(b.s.scopes, b.s.separator))
	if len(b.s.scopes) == 0 {
		b.s.params.Del("scope")
	}
}

// groupSources reads where groups are found: in the field of the option, otherwise in the
// fields of the preset.
func (b *settingsBuilder) groupSources() {
	sources := b.p.Groups
	if written := b.o.GroupClaimName; written != "" || b.o.Preset == "" {
		sources = []preset.Groups{{Kind: preset.Group, Path: cmp.Or(written, "groups"), Name: b.o.GroupName, ID: b.o.GroupID}}
	} else if b.o.GroupName != "" || b.o.GroupID != "" {
		b.problems.Addf("group_name", "requires group_claim_name")
	}
	for _, g := range sources {
		if !b.s.groups && b.needsCall(g.Path) {
			continue
		}
		source := groupSource{kind: g.Kind, split: b.o.GroupClaimSeparator == "comma" && b.o.Preset == ""}
		source.path = b.path("group_claim_name", g.Path)
		source.name = b.template("group_name", g.Name)
		source.id = b.template("group_id", g.ID)
		b.s.groupSources = append(b.s.groupSources, source)
	}
}

// needsCall reports whether a path starts in the response to a call that is made only for
// groups.
func (b *settingsBuilder) needsCall(path string) bool {
	return slices.ContainsFunc(b.p.GroupCalls, func(c preset.Call) bool {
		rest, ok := strings.CutPrefix(path, c.Name)
		return ok && (rest == "" || strings.IndexByte(".[|", rest[0]) >= 0)
	})
}

func (b *settingsBuilder) template(option, text string) fieldpath.Template {
	template, err := fieldpath.ParseTemplate(text)
	if err != nil {
		b.problems.Addf(option, "%v", err)
	}
	return template
}

// path parses a path. An empty text is the zero path.
func (b *settingsBuilder) path(option, text string) fieldpath.Path {
	if text == "" {
		return fieldpath.Path{}
	}
	p, err := fieldpath.Parse(text)
	if err != nil {
		b.problems.Addf(option, "%v", err)
	}
	return p
}
