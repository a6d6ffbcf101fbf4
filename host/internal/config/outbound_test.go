package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk/outbound"
)

// revealed are the proxies of the settings of provider a.
func (s setup) revealed(t *testing.T) map[string]string {
	t.Helper()
	s.environ = append(s.environ, "AUTH_PROVIDERS=a", "AUTH_A_DRIVER=openid")
	c := s.mustLoad(t)
	o := c.Providers[0].Outbound
	found := map[string]string{}
	for name, value := range map[string]string{
		"proxy": o.Proxy.Reveal(), "agent http": o.GlobalAgent.HTTP.Reveal(), "agent https": o.GlobalAgent.HTTPS.Reveal(), "agent no": o.GlobalAgent.NoProxy,
		"http": o.Standard.HTTP.Reveal(), "https": o.Standard.HTTPS.Reveal(), "no": o.Standard.NoProxy,
		"allow": strings.Join(o.Allow, " "), "warnings": strings.Join(c.Warnings, "\n"),
	} {
		if value != "" {
			found[name] = value
		}
	}
	if diff := cmp.Diff([]string{"metadata", "link-local", "unspecified", "multicast"}, o.Deny); diff != "" {
		t.Errorf("Deny (-want +got):\n%s", diff)
	}
	return found
}

func TestWhereProxiesStand(t *testing.T) {
	for name, c := range map[string]struct {
		environ, files []string // files: name, content
		want           map[string]string
	}{
		"nowhere": {want: map[string]string{}},
		"standard": {
			environ: []string{"HTTPS_PROXY=http://a.example:3128", "HTTP_PROXY=http://b.example", "NO_PROXY=c.example"},
			want:    map[string]string{"https": "http://a.example:3128", "http": "http://b.example", "no": "c.example"},
		},
		"in lower case, which comes first": {
			environ: []string{"HTTPS_PROXY=http://a.example", "https_proxy=http://b.example", "no_proxy=c.example"},
			want:    map[string]string{"https": "http://b.example", "no": "c.example"},
		},
		"empty in lower case": {
			environ: []string{"HTTPS_PROXY=http://a.example", "https_proxy="},
			want:    map[string]string{"https": "http://a.example"},
		},
		"Directus": {
			environ: []string{"GLOBAL_AGENT_HTTP_PROXY=http://a.example", "GLOBAL_AGENT_HTTPS_PROXY=http://b.example", "GLOBAL_AGENT_NO_PROXY=*.c.example"},
			want:    map[string]string{"agent http": "http://a.example", "agent https": "http://b.example", "agent no": "*.c.example"},
		},
		"another namespace": {
			environ: []string{"GLOBAL_AGENT_ENVIRONMENT_VARIABLE_NAMESPACE=MY_", "MY_HTTPS_PROXY=http://a.example", "GLOBAL_AGENT_HTTPS_PROXY=http://b.example", "HTTPS_PROXY="},
			want:    map[string]string{"agent https": "http://a.example"},
		},
		"another namespace from a file": {
			environ: []string{"GLOBAL_AGENT_ENVIRONMENT_VARIABLE_NAMESPACE_FILE=name", "MY_HTTPS_PROXY=http://a.example", "HTTPS_PROXY="},
			files:   []string{"name", "MY_\n"},
			want:    map[string]string{"agent https": "http://a.example"},
		},
		"another namespace in YAML": {
			environ: []string{"CONFIG_PATH=c.yaml", "MY_HTTPS_PROXY=http://a.example", "HTTPS_PROXY="},
			files:   []string{"c.yaml", "global_agent_environment_variable_namespace: MY_\n"},
			want:    map[string]string{"agent https": "http://a.example"},
		},
		"no namespace, by .env": {
			environ: []string{"HTTPS_PROXY=http://a.example"},
			files:   []string{".env", "GLOBAL_AGENT_ENVIRONMENT_VARIABLE_NAMESPACE=\n"},
			want:    map[string]string{"agent https": "http://a.example"},
		},
		"no namespace": {
			environ: []string{"GLOBAL_AGENT_ENVIRONMENT_VARIABLE_NAMESPACE=", "HTTPS_PROXY=http://a.example", "NO_PROXY=*.a.example", "HTTP_PROXY=http://b.example"},
			want:    map[string]string{"agent https": "http://a.example", "agent no": "*.a.example", "agent http": "http://b.example"},
		},
		"in .env, and from a file": {
			environ: []string{"AUTH_A_PROXY_FILE=proxy"},
			files:   []string{".env", "HTTPS_PROXY=http://a.example\n", "proxy", "socks5h://user:hunter2@b.example\n"},
			want:    map[string]string{"https": "http://a.example", "proxy": "socks5h://user:hunter2@b.example"},
		},
		"of the provider, with capitals or without": {
			environ: []string{"AUTH_A_PROXY=direct", "OUTBOUND_ALLOW=10.0.0.0/8,idp.example"},
			want:    map[string]string{"proxy": "direct", "allow": "10.0.0.0/8 idp.example"},
		},
		"what global-agent has in Node.js only": {
			environ: []string{"GLOBAL_AGENT_FORCE_GLOBAL_AGENT=false", "GLOBAL_AGENT_SOCKET_CONNECTION_TIMEOUT=1000"},
			want: map[string]string{"warnings": "GLOBAL_AGENT_FORCE_GLOBAL_AGENT has no effect: the rules always apply to all requests to providers\n" +
				"GLOBAL_AGENT_SOCKET_CONNECTION_TIMEOUT has no effect: client_http_timeout of each provider limits requests, and the limits for connecting are fixed"},
		},
		"for all": {
			environ: []string{"all_proxy=socks5h://a.example"},
			want:    map[string]string{"warnings": "all_proxy has no effect: write HTTPS_PROXY"},
		},
		"both families": {
			environ: []string{"https_proxy=http://a.example", "GLOBAL_AGENT_HTTP_PROXY=http://b.example"},
			want: map[string]string{
				"https": "http://a.example", "agent http": "http://b.example",
				"warnings": "https_proxy has no effect, because GLOBAL_AGENT_HTTP_PROXY is set: only one family of variables counts, with its own exceptions",
			},
		},
		"an odd one of a provider": {
			environ: []string{"AUTH_A_PROXY=http://a.example/?b=c"},
			want:    map[string]string{"proxy": "http://a.example/?b=c", "warnings": "AUTH_A_PROXY has more text after host and port, which is ignored"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetup(t, c.environ...)
			for i := 0; i < len(c.files); i += 2 {
				s.file(t, c.files[i], c.files[i+1])
			}
			if diff := cmp.Diff(c.want, s.revealed(t)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestProxiesInYAML(t *testing.T) {
	s := newSetup(t, "PROXY_OF_B=http://user:hunter2@b.example").yaml(t, `
https_proxy: http://a.example:3128
outbound_deny: [metadata, private]
outbound_allow: 10.1.2.3
providers:
  b: {driver: openid, proxy: {env: PROXY_OF_B}}
  c: {driver: ldap}
`)
	c := s.mustLoad(t)
	b, other := c.Providers[0].Outbound, c.Providers[1].Outbound
	if b.Proxy.Reveal() != "http://user:hunter2@b.example" || b.Standard.HTTPS.Reveal() != "http://a.example:3128" || other.Proxy != "" {
		t.Error("a proxy is missing")
	}
	if diff := cmp.Diff([]string{"metadata", "private"}, other.Deny); diff != "" {
		t.Errorf("Deny (-want +got):\n%s", diff)
	}
	for key, want := range map[string]string{
		outbound.KeyStandardHTTPS: "https_proxy (doorward.yaml:2)", outbound.KeyDeny: "outbound_deny (doorward.yaml:3)",
		outbound.KeyStandardNoProxy: "NO_PROXY", outbound.KeyProxy: "providers.c.proxy (doorward.yaml:7)",
	} {
		if other.Names[key] != want {
			t.Errorf("%s is called %q, want %q", key, other.Names[key], want)
		}
	}
}

// TestProxiesThatAreRefused: problems have the name that the operator wrote, and no
// password.
func TestProxiesThatAreRefused(t *testing.T) {
	err := newSetup(t,
		"HTTPS_PROXY=http://user:hunter2%@a.example", "GLOBAL_AGENT_HTTP_PROXY=ftp://user:hunter2@a.example", "OUTBOUND_DENY=privat", "OUTBOUND_ALLOW=private",
		"AUTH_PROVIDERS=a", "AUTH_A_DRIVER=openid", "AUTH_A_PROXY=http://user:hunter2/@a.example",
	).refusal(t)
	for _, want := range []string{
		"HTTPS_PROXY: has a % in user or password that does not begin a %XX: write %25 for a % itself",
		"GLOBAL_AGENT_HTTP_PROXY: must begin with http://",
		`OUTBOUND_DENY: has "privat": write CIDR blocks, addresses and these words`,
		`OUTBOUND_ALLOW: has "private", which is a class`,
		"AUTH_A_PROXY: has a /, ? or # before the @",
	} {
		if !strings.Contains(err, want) {
			t.Errorf("%q is not in:\n%s", want, err)
		}
	}
	if strings.Contains(err, "hunter2") {
		t.Errorf("a password: %s", err)
	}
}

func (s setup) refusal(t *testing.T) string {
	t.Helper()
	_, err := s.load()
	if err == nil {
		t.Fatal("it was loaded")
	}
	return err.Error()
}
