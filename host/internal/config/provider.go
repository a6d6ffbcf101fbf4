package config

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk/contract"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/outbound"
)

// Provider is a configured provider.
type Provider struct {
	sso.Provider

	// Isolated: the provider gets its own plugin process.
	Isolated bool

	// RegistrationUnset: the mechanism decides whether users are created at their first
	// login.
	RegistrationUnset bool

	// RolesByGroupNameUnset: the mechanism decides whether roles follow the names of
	// groups.
	RolesByGroupNameUnset bool

	// Preset is the option of the mechanism with that name, if given. Without a driver, it
	// determines the mechanism: Driver is empty then.
	Preset string

	// LabelUnset: the preset decides on the label.
	LabelUnset bool

	// Options are the options for the mechanism, unread: text from the environment and
	// files; bool, text, json.Number, lists and mappings from YAML.
	Options map[string]any

	// Outbound describes how connections are made: the settings of the host, and the
	// provider's own proxy.
	Outbound outbound.Settings

	source  source
	origins map[string]string // by option
	files   []string          // that contain its options
}

// Spelling returns the name that the operator uses for an option of this provider, so that
// a message can name what to change: AUTH_KEYCLOAK_CLIENT_ID, or
// providers.keycloak.client_id (doorward.yaml:12). For an option that is not given, it is
// the name to add; for the empty name, the provider.
func (p Provider) Spelling(option string) string {
	if option == "" {
		return "provider " + p.Name
	}
	for owner := option; owner != ""; owner = beforeLast(owner, "__") {
		if origin, ok := p.origins[owner]; ok {
			return origin
		}
	}
	return p.source.missing(option)
}

// Near returns the operator's name of the host's option that was probably meant by an
// option that the mechanism does not have; empty if none is similar.
func (p Provider) Near(option string) string {
	var known []string
	for _, o := range providerSchema.Options {
		known = append(known, o.Name)
	}
	near := options.Suggest(option, known)
	if near == "" {
		return ""
	}
	return p.Spelling(near)
}

func beforeLast(text, separator string) string {
	return text[:max(0, strings.LastIndex(text, separator))]
}

// providerOptions are the options of a provider that the host itself reads.
type providerOptions struct {
	Driver                  string         `option:"driver" doc:"The mechanism: openid, oauth2, ldap, saml, or that of another plugin. Required unless preset determines it (doorward presets lists the presets)."`
	Mode                    sso.Mode       `option:"mode" default:"session" oneof:"session|json|cookie" doc:"What a login returns if the client does not say: a session cookie (session), tokens as JSON (json), or an access token and a refresh cookie (cookie)."`
	Label                   string         `option:"label" doc:"The text on the sign-in page. Default: the name that the preset gives, or the name of the provider."`
	Icon                    string         `option:"icon" doc:"The name of the icon on the sign-in page. Default: that of the preset."`
	RedirectAllowList       []string       `option:"redirect_allow_list" doc:"Absolute URLs to which a login may return, in addition to those of Doorward's own origin."`
	DefaultRoleID           string         `option:"default_role_id" doc:"The role, by ID or name, of users who are created and of users whose groups give them none. A role that does not exist is created."`
	AllowPublicRegistration bool           `option:"allow_public_registration" doc:"Create users at their first login. The mechanism sets the default: true for ldap, otherwise false."`
	AllowUnsolicited        bool           `option:"allow_unsolicited" default:"false" dangerous:"true" doc:"Accept a login that was started at the identity provider. Anybody can then sign others in as themselves (login CSRF)."`
	RequireVerifiedEmail    bool           `option:"require_verified_email" default:"false" doc:"Create users only if the provider says that their e-mail address is verified."`
	SyncUserInfo            bool           `option:"sync_user_info" default:"false" doc:"Update names and e-mail address at each login."`
	RoleMapping             options.JSON   `option:"role_mapping" doc:"A JSON object from group to role, by ID or name, which is applied at each login. The first group in its order that the user has counts. A role that does not exist is created."`
	RolesByGroupName        bool           `option:"roles_by_group_name" doc:"Without role_mapping, give the user at each login the role that has the name of one of their groups, in any case. Of several, the first by name counts. The mechanism sets the default: true for ldap with group_dn or group_member_of, otherwise false."`
	IdentifierIgnoreCase    bool           `option:"identifier_ignore_case" default:"false" doc:"Treat identifiers that are e-mail addresses as the same if they differ only in the case of ASCII letters, for providers that do not always spell an address in the same way."`
	LinkByVerifiedEmail     bool           `option:"link_by_verified_email" default:"false" dangerous:"true" doc:"Link a user without an account to the one account with their verified e-mail address, if that address was also verified by a provider with this option. Anyone who can make one of these providers verify an address gets the account with that address."`
	LoginTimeout            time.Duration  `option:"login_timeout" default:"5m" doc:"The time limit of a login, 30s to 1h."`
	Isolation               string         `option:"isolation" default:"shared" oneof:"shared|process" doc:"process gives the provider its own plugin process. With shared, all providers of a mechanism share one."`
	Proxy                   options.Secret `option:"proxy" doc:"The proxy for all connections of the provider, including LDAP, instead of the one in the host's settings: http://, https://, socks5:// or socks5h://, with user:password@ if the proxy requires it; or direct for none."`
	CA                      string         `option:"ca" doc:"PEM certificates of the authorities to trust for the provider's servers, instead of those of the system and of all providers. AUTH_<PROVIDER>_CA_FILE names a file, which is watched. See trust.md."`
	Cert                    string         `option:"cert" doc:"The PEM client certificate for the provider's servers, with its chain."`
	Key                     options.Secret `option:"key" doc:"The PEM key of cert."`
	CookieSecure            bool           `option:"cookie_secure" doc:"Accepted for compatibility, without effect: cookies of a login are Secure if PUBLIC_URL uses https."`
}

var driverName = regexp.MustCompile(`^[a-z0-9_-]{1,63}$`)

// loadProviders reads the providers of AUTH_PROVIDERS and of the YAML file.
func (l *loader) loadProviders(listed providerList) []Provider {
	sources := l.providerSources(listed)
	l.sortVariables(sources)
	var list []Provider
	for _, s := range sources {
		list = append(list, l.loadProvider(s))
	}
	return list
}

func (l *loader) loadProvider(s *source) Provider {
	p := Provider{Options: map[string]any{}, source: *s, origins: map[string]string{}}
	p.Name = s.name
	before := len(l.files)
	own, all := map[string]given{}, l.givenOptions(s)
	for option, found := range all {
		p.origins[option] = found.origin
		if _, ok := providerSchema.Lookup(option); ok {
			own[option] = found
		} else if !found.broken {
			p.Options[option] = found.value
		}
	}
	p.files = slices.Clone(l.files[before:])
	g := newGroup(l, own, p.Spelling)
	g.checkPEM(providerTrustPEM)
	decoded := decode[providerOptions](g)
	decoded.Driver = strings.ToLower(decoded.Driver)
	p.Isolated = decoded.Isolation == "process"
	_, given := own["allow_public_registration"]
	p.RegistrationUnset = !given
	_, given = own["roles_by_group_name"]
	p.RolesByGroupNameUnset = !given
	p.Preset, p.LabelUnset = presetOf(p.Options), decoded.Label == ""
	g.applyOptions(&p.Provider, decoded)
	l.read.providers = append(l.read.providers, providerInput{all, decoded})
	p.Outbound = g.outboundOf(decoded, l.outbound)
	g.warnOfCookieSecure(decoded.CookieSecure)
	if decoded.Driver == "" && p.Preset == "" && g.ok("driver") {
		g.refuse("driver", "is required and not set (mechanism: openid, oauth2, ldap, saml, or that of another plugin), unless preset names a provider that a plugin supports")
	}
	return p
}

func (g *optionGroup) applyOptions(p *sso.Provider, o providerOptions) {
	p.Driver, p.Mode, p.Icon, p.LoginTimeout = o.Driver, o.Mode, o.Icon, o.LoginTimeout
	p.DefaultRole, p.RolesByGroupName = g.defaultRole(o.DefaultRoleID), o.RolesByGroupName
	p.IdentifierIgnoreCase, p.LinkByVerifiedEmail = o.IdentifierIgnoreCase, o.LinkByVerifiedEmail
	p.AllowPublicRegistration, p.RequireVerifiedEmail, p.SyncUserInfo = o.AllowPublicRegistration, o.RequireVerifiedEmail, o.SyncUserInfo
	p.AllowUnsolicited = o.AllowUnsolicited
	p.RedirectAllowList = o.RedirectAllowList
	g.checkDriver(o.Driver)
	g.checkRedirects(o.RedirectAllowList)
	g.within("login_timeout", o.LoginTimeout, 30*time.Second, time.Hour, "from 30s to 1h")
	if p.Label = o.Label; p.Label == "" {
		p.Label = titleCase(p.Name)
	}
	if o.RoleMapping != nil {
		rules, err := roleRules(o.RoleMapping)
		if err != nil {
			g.refuse("role_mapping", "%v", err)
		}
		p.RoleMapping = rules
	}
}

// presetOf reads the only option of mechanisms that the host uses.
func presetOf(given map[string]any) string {
	switch preset := given["preset"].(type) {
	case string:
		return preset
	case options.Secret: // from a file
		return preset.Reveal()
	default:
		return ""
	}
}

// warnOfCookieSecure: the cookies of a login are Secure if and only if PUBLIC_URL is https.
func (g *optionGroup) warnOfCookieSecure(wanted bool) {
	const option = "cookie_secure"
	if g.isGiven(option) && g.ok(option) && g.loader.public != "" && wanted != (g.loader.public == "https") {
		g.loader.warnOfNoEffect("%s has no effect: cookies of a login are Secure only if PUBLIC_URL is https, and it is %s", g.spell(option), g.loader.public)
	}
}

func (g *optionGroup) checkDriver(driver string) {
	switch {
	case driver == "" || !g.ok("driver"):
	case driver == "local":
		g.refuse("driver", "local is not supported, because there are no local passwords; remove the provider, or write the driver of a plugin")
	case !driverName.MatchString(driver):
		g.refuse("driver", "must have letters, digits, - and _ only, such as openid")
	}
}

// defaultRole reads null as none, because Directus parses values as JSON if possible.
func (g *optionGroup) defaultRole(role string) string {
	if role == "" || role == "null" {
		return ""
	}
	if err := sso.CheckRole(role); err != nil {
		g.refuse("default_role_id", "%v; write the ID or the name of a role", err)
	}
	return role
}

func (g *optionGroup) checkRedirects(list []string) {
	for _, entry := range list {
		u, err := url.Parse(entry)
		switch {
		case err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "":
			g.refuse("redirect_allow_list", "has an entry that is not an absolute URL; write each with its path, such as https://app.example.org/")
		case u.User != nil || u.Fragment != "":
			g.refuse("redirect_allow_list", "has an entry with a user or a fragment")
		case strings.Contains(entry, "*"):
			g.refuse("redirect_allow_list", "has an entry with *, which is not a wildcard here; write each URL out: %s", entry)
		}
	}
}

// titleCase makes a label from a name: my-keycloak becomes My Keycloak.
func titleCase(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' })
	for i, word := range words {
		words[i] = string(unicode.ToUpper(rune(word[0]))) + word[1:]
	}
	return strings.Join(words, " ")
}

const maxRules = 1000

// shortened shortens a name in an error.
func shortened(name string) string {
	const most = 64
	if len(name) > most {
		return strings.ToValidUTF8(name[:most], "") + "…"
	}
	return name
}

// roleRules reads {"group":"role"} in its order. Decoding has checked that it is valid
// JSON without duplicate keys.
func roleRules(mapping options.JSON) ([]sso.RoleRule, error) {
	decoder := json.NewDecoder(strings.NewReader(string(mapping)))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, fmt.Errorf(`must be a JSON object from group to role, such as {"admins":"role-id"}`)
	}
	var rules []sso.RoleRule
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("reading the groups: %w", err)
		}
		group, _ := key.(string)
		if err := contract.CheckGroup(group); err != nil {
			return nil, fmt.Errorf("names the group %q, which %w: no group of a provider can match it", shortened(group), err)
		}
		var role any
		if err := decoder.Decode(&role); err != nil {
			return nil, fmt.Errorf("reading the role of group %q: %w", group, err)
		}
		name, ok := role.(string)
		if !ok || name == "" {
			return nil, fmt.Errorf("must give group %q the identifier of one role, in quotes", group)
		}
		if err := sso.CheckRole(name); err != nil {
			return nil, fmt.Errorf("gives group %q a role that %w", group, err)
		}
		rules = append(rules, sso.RoleRule{Group: group, Role: name})
	}
	if len(rules) > maxRules {
		return nil, fmt.Errorf("must have at most %d groups", maxRules)
	}
	return rules, nil
}
