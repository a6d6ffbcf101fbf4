package config_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
)

func TestProviderFromEnvironment(t *testing.T) {
	c := newSetup(t, "PUBLIC_URL=https://login.example.org", "AUTH_PROVIDERS=my-keycloak", "AUTH_MY_KEYCLOAK_DRIVER=openid", "AUTH_MY_KEYCLOAK_CLIENT_ID=123456789012345678",
		"AUTH_MY_KEYCLOAK_CLIENT_SECRET=a,b", "AUTH_MY_KEYCLOAK_PARAMS__UI_LOCALES=de", "AUTH_MY_KEYCLOAK_MODE=json",
		"AUTH_MY_KEYCLOAK_REDIRECT_ALLOW_LIST=https://a.example/x, http://localhost:3000/", "AUTH_MY_KEYCLOAK_DEFAULT_ROLE_ID=user",
		"AUTH_MY_KEYCLOAK_ALLOW_PUBLIC_REGISTRATION=yes", "AUTH_MY_KEYCLOAK_SYNC_USER_INFO=no", "AUTH_MY_KEYCLOAK_LOGIN_TIMEOUT=10m",
		"AUTH_MY_KEYCLOAK_ICON=key", "AUTH_MY_KEYCLOAK_COOKIE_SECURE=true").mustLoad(t)
	want := sso.Provider{
		Name: "my-keycloak", Driver: "openid", Label: "My Keycloak", Icon: "key", Mode: sso.ModeJSON,
		RedirectAllowList: []string{"https://a.example/x", "http://localhost:3000/"}, AllowPublicRegistration: true,
		DefaultRole: "user", LoginTimeout: 10 * time.Minute,
	}
	if diff := cmp.Diff(want, c.Providers[0].Provider); diff != "" {
		t.Errorf("provider (-want +got):\n%s", diff)
	}
	wantOptions := map[string]any{"client_id": "123456789012345678", "client_secret": "a,b", "params__ui_locales": "de"}
	if diff := cmp.Diff(wantOptions, c.Providers[0].Options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	if c.Warnings != nil {
		t.Errorf("warnings: %q", c.Warnings)
	}
}

func TestProvidersFromYAML(t *testing.T) {
	s := newSetup(t, "AUTH_PROVIDERS=corp,second", "AUTH_SECOND_DRIVER=saml", "AUTH_ZETA_CLIENT_ID=fromenv", "AUTH_ZETA_PARAMS__HD=example.org",
		"AUTH_ZETA_CLAIMS={}", "ZETA_SECRET=json:kept").
		file(t, "ca.pem", "PEM\n").
		yaml(t, `providers:
  zeta:
    driver: openid
    client_id: fromfile
    client_secret: {env: ZETA_SECRET}
    params: {prompt: login, max_age: 300}
    claims: {a: b}
    claims__c: d
    tenant: 123456789012345678901
    tls: {ca: {file: ca.pem}, verify: true, ratio: 1.50}
    role_mapping: {zoo: r1, alpha: r2, "9": r3}
  alpha: &like
    driver: ldap
  corp: *like
`)
	c := s.mustLoad(t)
	var names []string
	for _, p := range c.Providers {
		names = append(names, p.Name+" "+p.Driver)
	}
	if diff := cmp.Diff([]string{"corp ldap", "second saml", "zeta openid", "alpha ldap"}, names); diff != "" {
		t.Errorf("providers (-want +got):\n%s", diff)
	}
	zeta := c.Providers[2]
	wantOptions := map[string]any{
		"client_id": "fromenv", "client_secret": "json:kept", "params": map[string]any{"prompt": "login", "max_age": json.Number("300")},
		"params__hd": "example.org", "claims": "{}", "tenant": json.Number("123456789012345678901"),
		"tls": map[string]any{"ca": "PEM", "verify": true, "ratio": json.Number("1.50")},
	}
	if diff := cmp.Diff(wantOptions, zeta.Options); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	wantRules := []sso.RoleRule{{Group: "zoo", Role: "r1"}, {Group: "alpha", Role: "r2"}, {Group: "9", Role: "r3"}}
	if diff := cmp.Diff(wantRules, zeta.RoleMapping); diff != "" {
		t.Errorf("role mapping (-want +got):\n%s", diff)
	}
}

// A rule must have the form of groups of an identity: one that can never match may be
// meant to block somebody.
func TestRoleMappingThatNoGroupCanMatch(t *testing.T) {
	for name, group := range map[string]string{
		"empty": "", "a tab": `a\tb`, "a line break": `a\nb`, "too long": strings.Repeat("g", sdk.MaxAttribute+1),
	} {
		c, err := newSetup(t, "AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", `AUTH_X_ROLE_MAPPING={"`+group+`":"admin"}`).load()
		if err == nil || !strings.Contains(err.Error(), "no group of a provider can match it") || len(err.Error()) > 600 {
			t.Errorf("%s: %v, %v", name, c, err)
		}
	}
}

func TestSpelling(t *testing.T) {
	c := newSetup(t, "AUTH_PROVIDERS=corp", "AUTH_CORP_DRIVER=openid", "AUTH_CORP_CLIENT_SECRET_FILE=s", "AUTH_ZETA_SCOPE=x", "AUTH_CORP_PARAMS__HD=x").
		file(t, "s", "hunter2").
		file(t, ".env", "\nAUTH_CORP_CLIENT_ID=x\n").
		yaml(t, "providers:\n  zeta:\n    driver: openid\n    client_id: x\n    params: {a: b}\n").mustLoad(t)
	tests := []struct {
		provider     int
		option, want string
	}{
		{0, "client_id", "AUTH_CORP_CLIENT_ID (.env:2)"},
		{0, "client_secret", "AUTH_CORP_CLIENT_SECRET_FILE"},
		{0, "params__hd", "AUTH_CORP_PARAMS__HD"},
		{0, "issuer_url", "AUTH_CORP_ISSUER_URL"},
		{0, "", "provider corp"},
		{1, "client_id", "providers.zeta.client_id (doorward.yaml:4)"},
		{1, "params__a", "providers.zeta.params (doorward.yaml:5)"},
		{1, "issuer_url", "providers.zeta.issuer_url (doorward.yaml:2)"},
		{1, "scope", "AUTH_ZETA_SCOPE"},
	}
	for _, tt := range tests {
		if got := c.Providers[tt.provider].Spelling(tt.option); got != tt.want {
			t.Errorf("Spelling(%q) = %s, want %s", tt.option, got, tt.want)
		}
	}
}

func TestNear(t *testing.T) {
	c := newSetup(t, "AUTH_PROVIDERS=corp", "AUTH_CORP_DRIVER=openid", "AUTH_CORP_LABLE=x").mustLoad(t)
	for option, want := range map[string]string{
		"lable": "AUTH_CORP_LABEL", "allow_public_registraton": "AUTH_CORP_ALLOW_PUBLIC_REGISTRATION", "colour": "", "client_id": "",
	} {
		if got := c.Providers[0].Near(option); got != want {
			t.Errorf("Near(%q) = %q, want %q", option, got, want)
		}
	}
}

// TestDirectusTraps covers the ways in which Directus misreads its environment.
// Options of mechanisms are decoded as a plugin does.
func TestDirectusTraps(t *testing.T) {
	type mechanism struct {
		ClientID     string            `option:"client_id"`
		ClientSecret options.Secret    `option:"client_secret"`
		Metadata     string            `option:"sp_metadata"`
		MustSucceed  bool              `option:"issuer_discovery_must_succeed" default:"true"`
		Params       map[string]string `option:"params"`
		WantSigned   bool              `option:"sp_want_assertions_signed"`
		Scope        []string          `option:"scope"`
	}
	load := func(t *testing.T, environ ...string) (config.Provider, mechanism) {
		t.Helper()
		s := newSetup(t, append(environ, "AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid")...).file(t, "secret", "hunter2\n")
		p := s.mustLoad(t).Providers[0]
		m, err := options.Decode[mechanism](p.Options)
		if err != nil {
			t.Fatal(err)
		}
		return p, m
	}
	check := func(t *testing.T, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	t.Run("18-digit client id", func(t *testing.T) {
		_, m := load(t, "AUTH_X_CLIENT_ID=123456789012345678")
		check(t, m.ClientID, "123456789012345678")
	})
	t.Run("client id with a cast", func(t *testing.T) {
		_, m := load(t, "AUTH_X_CLIENT_ID=string:123456789012345678")
		check(t, m.ClientID, "123456789012345678")
	})
	t.Run("comma in a secret", func(t *testing.T) {
		_, m := load(t, "AUTH_X_CLIENT_SECRET=a,b", "AUTH_X_SP_metadata=<x a=\"1,2\"/>")
		check(t, m.ClientSecret.Reveal(), "a,b")
		check(t, m.Metadata, `<x a="1,2"/>`)
	})
	t.Run("role mapping with one entry", func(t *testing.T) {
		p, _ := load(t, `AUTH_X_ROLE_MAPPING={"a":"x"}`)
		check(t, p.RoleMapping, []sso.RoleRule{{Group: "a", Role: "x"}})
	})
	t.Run("role mapping with two entries", func(t *testing.T) {
		p, _ := load(t, `AUTH_X_ROLE_MAPPING={"b":"x","a":"y"}`)
		check(t, p.RoleMapping, []sso.RoleRule{{Group: "b", Role: "x"}, {Group: "a", Role: "y"}})
	})
	t.Run("role mapping with a cast", func(t *testing.T) {
		p, _ := load(t, `AUTH_X_ROLE_MAPPING=json:{"b":"x","a":"y"}`)
		check(t, p.RoleMapping, []sso.RoleRule{{Group: "b", Role: "x"}, {Group: "a", Role: "y"}})
	})
	t.Run("roles, identifiers and links", func(t *testing.T) {
		p, _ := load(t)
		check(t, []bool{p.RolesByGroupName, p.RolesByGroupNameUnset, p.IdentifierIgnoreCase, p.LinkByVerifiedEmail}, []bool{false, true, false, false})
		p, _ = load(t, "AUTH_X_ROLES_BY_GROUP_NAME=yes", "AUTH_X_IDENTIFIER_IGNORE_CASE=true", "AUTH_X_LINK_BY_VERIFIED_EMAIL=1")
		check(t, []bool{p.RolesByGroupName, p.RolesByGroupNameUnset, p.IdentifierIgnoreCase, p.LinkByVerifiedEmail}, []bool{true, false, true, true})
		p, _ = load(t, "AUTH_X_ROLES_BY_GROUP_NAME=false")
		check(t, []bool{p.RolesByGroupName, p.RolesByGroupNameUnset}, []bool{false, false})
	})
	t.Run("no is false", func(t *testing.T) {
		p, m := load(t, "AUTH_X_ALLOW_PUBLIC_REGISTRATION=no", "AUTH_X_ISSUER_DISCOVERY_MUST_SUCCEED=no", "SESSION_COOKIE_SECURE=no")
		check(t, p.AllowPublicRegistration, false)
		check(t, m.MustSucceed, false)
	})
	t.Run("yes is true", func(t *testing.T) {
		p, _ := load(t, "AUTH_X_ALLOW_PUBLIC_REGISTRATION=boolean:yes")
		check(t, p.AllowPublicRegistration, true)
	})
	t.Run("spaces in AUTH_PROVIDERS", func(t *testing.T) {
		c := newSetup(t, "AUTH_PROVIDERS=a, b", "AUTH_A_DRIVER=openid", "AUTH_B_DRIVER=openid").mustLoad(t)
		check(t, len(c.Providers), 2)
		check(t, c.Providers[1].Name, "b")
	})
	t.Run("newline at the end of a file", func(t *testing.T) {
		_, m := load(t, "AUTH_X_CLIENT_SECRET_FILE=secret")
		check(t, m.ClientSecret.Reveal(), "hunter2")
	})
	t.Run("cast before the path of a file", func(t *testing.T) {
		_, m := load(t, "AUTH_X_CLIENT_SECRET_FILE=string:secret")
		check(t, m.ClientSecret.Reveal(), "hunter2")
	})
	t.Run("parameter of two words", func(t *testing.T) {
		_, m := load(t, "AUTH_X_PARAMS__RESPONSE_MODE=form_post", `AUTH_X_PARAMS__CLAIMS=string:{"a":1,"b":2}`)
		check(t, m.Params, map[string]string{"response_mode": "form_post", "claims": `{"a":1,"b":2}`})
	})
	t.Run("option in camel case", func(t *testing.T) {
		_, m := load(t, "AUTH_X_SP_wantAssertionsSigned=true")
		check(t, m.WantSigned, true)
	})
	t.Run("array with casts", func(t *testing.T) {
		p, m := load(t, "AUTH_X_REDIRECT_ALLOW_LIST=array:string:https://a.example/,string:https://b.example/", "AUTH_X_SCOPE=array:openid,email")
		check(t, p.RedirectAllowList, []string{"https://a.example/", "https://b.example/"})
		check(t, m.Scope, []string{"openid", "email"})
	})
}

func TestProvidersRefused(t *testing.T) {
	tests := []struct {
		name    string
		environ []string
		want    []string
	}{
		{"L09 same name twice", []string{"AUTH_PROVIDERS=corp,corp", "AUTH_CORP_DRIVER=openid"}, []string{`AUTH_PROVIDERS: has the provider "corp" twice; write it once`}},
		{"L09 name twice", []string{"AUTH_PROVIDERS=corp,Corp", "AUTH_CORP_DRIVER=openid"}, []string{`AUTH_PROVIDERS: has the providers "corp" and "Corp", which differ only in capitals`}},
		{"same prefix", []string{"AUTH_PROVIDERS=a-b,a_b", "AUTH_A_B_DRIVER=openid"}, []string{`AUTH_PROVIDERS: has the providers "a-b" and "a_b", whose variables would all begin with AUTH_A_B_`}},
		{"default", []string{"AUTH_PROVIDERS=Default"}, []string{`AUTH_PROVIDERS: "Default" cannot be the name of a provider`}},
		{"bad name", []string{"AUTH_PROVIDERS=../x,_a," + strings.Repeat("x", 64)}, []string{"AUTH_PROVIDERS: \"../x\" cannot", "AUTH_PROVIDERS: \"_a\" cannot", "AUTH_PROVIDERS: \"xxx"}},
		{"no driver", []string{"AUTH_PROVIDERS=x"}, []string{"AUTH_X_DRIVER: is required and not set"}},
		{"driver local", []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=local"}, []string{"AUTH_X_DRIVER: local is not supported, because there are no local passwords"}},
		{"driver with a path", []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=../openid"}, []string{"AUTH_X_DRIVER: must have letters, digits"}},
		{"short timeout", []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", "AUTH_X_LOGIN_TIMEOUT=300"}, []string{"AUTH_X_LOGIN_TIMEOUT: must be from 30s to 1h, not 300ms; a plain number is in milliseconds"}},
		{"L09 wildcard in the allow list", []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", "AUTH_X_REDIRECT_ALLOW_LIST=https://*.example.org/"}, []string{"AUTH_X_REDIRECT_ALLOW_LIST: has an entry with *, which is not a wildcard here"}},
		{"allow list of everything", []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", "AUTH_X_REDIRECT_ALLOW_LIST=*"}, []string{"AUTH_X_REDIRECT_ALLOW_LIST: has an entry that is not an absolute URL"}},
		{"other scheme in the allow list", []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", "AUTH_X_REDIRECT_ALLOW_LIST=https://a.example/,myapp://x"}, []string{"AUTH_X_REDIRECT_ALLOW_LIST: has an entry that is not an absolute URL"}},
		{"user in the allow list", []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", "AUTH_X_REDIRECT_ALLOW_LIST=https://a@b.example/"}, []string{"AUTH_X_REDIRECT_ALLOW_LIST: has an entry with a user"}},
		{"role mapping as a list", []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", "AUTH_X_ROLE_MAPPING=[]"}, []string{"AUTH_X_ROLE_MAPPING: must be a JSON object from group to role"}},
		{"role mapping with a group twice", []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", `AUTH_X_ROLE_MAPPING={"a":"user","a":"admin"}`}, []string{"AUTH_X_ROLE_MAPPING: has the same key twice"}},
		{"role mapping to several roles", []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", `AUTH_X_ROLE_MAPPING={"a":["x","y"]}`}, []string{`AUTH_X_ROLE_MAPPING: must give group "a" the identifier of one role`}},
		{"role mapping to a role that is too long", []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", `AUTH_X_ROLE_MAPPING={"a":"` + strings.Repeat("x", 256) + `"}`}, []string{`AUTH_X_ROLE_MAPPING: gives group "a" a role that has 256 bytes`}},
		{"default role that is too long", []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", "AUTH_X_DEFAULT_ROLE_ID=" + strings.Repeat("x", 256)}, []string{"AUTH_X_DEFAULT_ROLE_ID: has 256 bytes, at most 255 are allowed; write the ID or the name of a role"}},
		{"role mapping to nothing", []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", `AUTH_X_ROLE_MAPPING={"a":""}`}, []string{`AUTH_X_ROLE_MAPPING: must give group "a" the identifier`}},
		{"option twice", []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", "AUTH_X_SP_METADATA=a", "AUTH_X_SP_metadata=b"}, []string{"AUTH_X_SP_metadata: is given in addition to AUTH_X_SP_METADATA; give only one"}},
		{"option and file", []string{"AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", "AUTH_X_LABEL=a", "AUTH_X_LABEL_FILE=b"}, []string{"AUTH_X_LABEL_FILE: is given in addition to AUTH_X_LABEL; give only one"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { newSetup(t, tt.environ...).refused(t, tt.want...) })
	}
}

func TestProviderOptionPrecedence(t *testing.T) {
	c := newSetup(t, "AUTH_PROVIDERS=x", "AUTH_X_A=environment").
		file(t, ".env", "AUTH_X_A=dotenv\nAUTH_X_B=dotenv\nAUTH_X_DRIVER=openid").
		yaml(t, "providers: {x: {driver: ldap, a: yaml, b: yaml, c: yaml}}").mustLoad(t)
	want := map[string]any{"a": "environment", "b": "dotenv", "c": "yaml"}
	if diff := cmp.Diff(want, c.Providers[0].Options); diff != "" || c.Providers[0].Driver != "openid" {
		t.Errorf("driver %s, options (-want +got):\n%s", c.Providers[0].Driver, diff)
	}
}

func TestLongestPrefixWins(t *testing.T) {
	c := newSetup(t, "AUTH_PROVIDERS=foo,foo_bar", "AUTH_FOO_DRIVER=openid", "AUTH_FOO_BAR_DRIVER=ldap", "AUTH_FOO_BARS=1", "auth_foo_bar_user_dn=x").mustLoad(t)
	got := []map[string]any{c.Providers[0].Options, c.Providers[1].Options}
	want := []map[string]any{{"bars": "1"}, {"user_dn": "x"}}
	if diff := cmp.Diff(want, got); diff != "" || c.Providers[1].Driver != "ldap" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}

func TestStrayVariables(t *testing.T) {
	c := newSetup(t, "AUTH_PROVIDERS=x", "AUTH_X_DRIVER=openid", "AUTH_GITHUB_DRIVER=oauth2", "AUTH_X_=1", "AUTH_EMPTY_DRIVER=", "OTHER=1").
		file(t, ".env", "AUTH_OLD_DRIVER=ldap\nAUTH_GONE_URL=x\nAUTH_GONE_DRIVER=x\nAUTH_GONE_ID=x\n").mustLoad(t)
	want := []string{
		"AUTH_GITHUB_DRIVER does not belong to a provider of AUTH_PROVIDERS and is ignored",
		"AUTH_X_ does not belong to a provider of AUTH_PROVIDERS and is ignored",
		"AUTH_GONE_… (3, such as AUTH_GONE_DRIVER (.env:3)) do not belong to a provider of AUTH_PROVIDERS and are ignored",
		"AUTH_OLD_DRIVER (.env:1) does not belong to a provider of AUTH_PROVIDERS and is ignored",
	}
	if diff := cmp.Diff(want, c.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestDirectusSettingsWithoutEffect(t *testing.T) {
	c := newSetup(t, "AUTH_PROVIDERS=corp", "AUTH_CORP_DRIVER=openid",
		"RATE_LIMITER_ENABLED=true", "RATE_LIMITER_STORE=memory", "RATE_LIMITER_REGISTRATION_POINTS=5", "CORS_ALLOW_ALL=true").mustLoad(t)
	for i, want := range []string{"CORS_ALLOW_ALL has no effect", "RATE_LIMITER_REGISTRATION_POINTS has no effect"} {
		if len(c.Warnings) != 2 || !strings.Contains(c.Warnings[i], want) {
			t.Errorf("warnings: %q", c.Warnings)
		}
	}
}
