package outbound

import (
	"testing"

	"github.com/doorward/doorward/sdk/options"
)

// TestGlobalAgentExceptions has the results of isUrlMatchingNoProxy and matcher of
// global-agent 3 for https URLs. Directus is put behind a proxy with it.
func TestGlobalAgentExceptions(t *testing.T) {
	for _, c := range []struct {
		noProxy, address string
		direct           bool
	}{
		{"", "foo.com:443", false},
		{"foo.com", "foo.com:443", true},
		{"foo.com", "FOO.com:443", true},
		{"FOO.COM", "foo.com:443", true},
		{"foo.com", "a.foo.com:443", false}, // unlike the standard rules
		{"foo.com", "foo.com:8443", true},
		{"foo.com", "foo.com.evil:443", false},
		{"*.foo.com", "a.foo.com:443", true},
		{"*.foo.com", "a.b.foo.com:443", true},
		{"*.foo.com", "foo.com:443", false},
		{".foo.com", "foo.com:443", true},
		{".foo.com", "a.foo.com:443", true},
		{".foo.com", "barfoo.com:443", true}, // the dot becomes an asterisk
		{".foo.com", "foo.com.evil:443", false},
		{"f*m", "foo.com:443", true},
		{"f*x*m", "foo.com:443", false},
		{"*oo*", "foo.com:443", true},
		{"*", "anything.example:443", true},
		{"*", "10.0.0.1:443", true},
		{"foo?com", "foo.com:443", false}, // ? is not a wildcard
		{"foo.com:8443", "foo.com:8443", true},
		{"foo.com:8443", "foo.com:443", false},
		{"foo.com:443", "foo.com:443", false}, // the URL then has no port
		{"foo.com:80", "foo.com:80", false},   // nor here
		{"*:8443", "foo.com:8443", true},
		{"*:8443", "foo.com:9443", false},
		{"!foo.com", "foo.com:443", false},
		{"!foo.com", "bar.com:443", true}, // each entry is negated by itself
		{"!foo.com, bar.com", "foo.com:443", false},
		{"a.com,foo.com", "foo.com:443", true},
		{"a.com foo.com", "foo.com:443", true},
		{"a.com,\n\tfoo.com", "foo.com:443", true},
		{"foo.com,", "foo.com:443", true}, // version 3 fails at an empty entry
		{",foo.com", "foo.com:443", true},
		{" foo.com ", "foo.com:443", true},
		{",", "foo.com:443", false},
		{"10.0.0.0/8", "10.0.0.1:443", false}, // no CIDR blocks
		{"10.*", "10.0.0.1:443", true},
		{"10.0.0.1", "10.0.0.1:443", true},
		{"::1", "[::1]:443", false}, // read as the name ":" and the port 1
		{"[::1]", "[::1]:443", false},
		{"", "localhost:443", false}, // there are no exceptions by default
		{"", "127.0.0.1:443", false},
		{"localhost", "localhost:443", true},
		{"foo.com.", "foo.com:443", false},
	} {
		d := dialerWith(t, Settings{GlobalAgent: ProxyRules{HTTPS: "http://proxy.example:3128", NoProxy: c.noProxy}})
		if got := d.ForRequest(c.address); (got.Proxy == nil) != c.direct {
			t.Errorf("GLOBAL_AGENT_NO_PROXY=%q, %s: %s", c.noProxy, c.address, got.Why)
		}
	}
}

// TestStandardExceptions is how golang.org/x/net/http/httpproxy, curl and most others read
// NO_PROXY.
func TestStandardExceptions(t *testing.T) {
	for _, c := range []struct {
		noProxy, address, why string // why: empty for the proxy
	}{
		{"", "foo.com:443", ""},
		{"foo.com", "foo.com:443", "NO_PROXY has foo.com"},
		{"foo.com", "a.foo.com:443", "NO_PROXY has foo.com"},
		{"foo.com", "barfoo.com:443", ""},
		{".foo.com", "foo.com:443", ""},
		{".foo.com", "a.foo.com:443", "NO_PROXY has .foo.com"},
		{"*.foo.com", "a.foo.com:443", "NO_PROXY has *.foo.com"},
		{"FOO.com", "foo.COM:443", "NO_PROXY has FOO.com"},
		{"foo.com:443", "foo.com:443", "NO_PROXY has foo.com:443"},
		{"foo.com:8443", "foo.com:443", ""},
		{"foo.com:8443", "foo.com:8443", "NO_PROXY has foo.com:8443"},
		{"10.0.0.0/8", "10.1.2.3:443", "NO_PROXY has 10.0.0.0/8"},
		{"10.0.0.0/8", "11.1.2.3:443", ""},
		{"10.1.2.3", "10.1.2.3:443", "NO_PROXY has 10.1.2.3"},
		{"10.1.2.3:443", "10.1.2.3:443", "NO_PROXY has 10.1.2.3:443"},
		{"10.1.2.3:8443", "10.1.2.3:443", ""},
		{"fd00::/8", "[fd00::1]:443", "NO_PROXY has fd00::/8"},
		{"[fd00::1]:443", "[fd00::1]:443", "NO_PROXY has [fd00::1]:443"},
		{"fd00::1", "[fd00::1]:443", "NO_PROXY has fd00::1"},
		{"*", "foo.com:443", "NO_PROXY has *"},
		{"a.com, foo.com", "foo.com:443", "NO_PROXY has foo.com"},
		{",,foo.com,", "foo.com:443", "NO_PROXY has foo.com"},
		{"a.com foo.com\t10.0.0.0/8\n", "foo.com:443", "NO_PROXY has foo.com"}, // as curl reads it; Go reads it as one name
		{"a.com foo.com\t10.0.0.0/8\n", "10.0.0.1:443", "NO_PROXY has 10.0.0.0/8"},
		{"a.com *", "foo.com:443", "NO_PROXY has *"},
		{"a.com foo.com", "b.com:443", ""},
		{"", "localhost:443", "HTTPS_PROXY does not apply to localhost and loopback addresses"},
		{"", "127.0.0.53:443", "HTTPS_PROXY does not apply to localhost and loopback addresses"},
		{"", "[::1]:443", "HTTPS_PROXY does not apply to localhost and loopback addresses"},
		{"*", "localhost:443", "HTTPS_PROXY does not apply to localhost and loopback addresses"},
	} {
		d := dialerWith(t, Settings{Standard: ProxyRules{HTTPS: "http://proxy.example:3128", NoProxy: c.noProxy}})
		got := d.ForRequest(c.address)
		if c.why == "" {
			c.why = "HTTPS_PROXY"
		}
		if (got.Proxy == nil) != (c.why != "HTTPS_PROXY") || got.Why != c.why {
			t.Errorf("NO_PROXY=%q, %s: proxy %v, because %s", c.noProxy, c.address, got.Proxy, got.Why)
		}
	}
}

// TestPrecedence: first the provider's setting, then global-agent's variables, then the
// standard ones; each with its own exceptions.
func TestPrecedence(t *testing.T) {
	standard := ProxyRules{HTTPS: "http://standard.example", NoProxy: "*"}
	agent := ProxyRules{HTTPS: "http://agent.example", HTTP: "http://other.example", NoProxy: "internal.example"}
	names := map[string]string{KeyProxy: "AUTH_X_PROXY", KeyGlobalAgentHTTPS: "MY_HTTPS_PROXY"}
	for _, c := range []struct {
		name       string
		s          Settings
		to         string
		proxy, why string
	}{
		{"none", Settings{}, "a.example:443", "", "no proxy is set"},
		{"own", Settings{Proxy: "socks5h://own.example", GlobalAgent: agent, Standard: standard}, "internal.example:443", "socks5h://own.example:1080", "AUTH_X_PROXY"},
		{"own direct", Settings{Proxy: "direct", GlobalAgent: agent, Standard: standard}, "a.example:443", "", "AUTH_X_PROXY is direct"},
		{"own direct, written oddly", Settings{Proxy: " Direct\n", Standard: ProxyRules{HTTPS: "http://s.example"}}, "a.example:443", "", "AUTH_X_PROXY is direct"},
		{"own for loopback", Settings{Proxy: "http://own.example"}, "127.0.0.1:443", "http://own.example:80", "AUTH_X_PROXY"},
		{"global-agent", Settings{GlobalAgent: agent, Standard: standard}, "a.example:443", "http://agent.example:80", "MY_HTTPS_PROXY"},
		{"its exceptions", Settings{GlobalAgent: agent, Standard: standard}, "internal.example:443", "", "GLOBAL_AGENT_NO_PROXY has internal.example"},
		{"its fallback", Settings{GlobalAgent: ProxyRules{HTTP: "http://other.example:8080"}}, "a.example:443", "http://other.example:8080", "GLOBAL_AGENT_HTTP_PROXY"},
		{"exceptions alone", Settings{GlobalAgent: ProxyRules{NoProxy: "*"}, Standard: ProxyRules{HTTPS: "s.example:1"}}, "a.example:443", "http://s.example:1", "HTTPS_PROXY"},
		{"no fallback", Settings{Standard: ProxyRules{HTTP: "http://s.example"}}, "a.example:443", "", "no proxy is set"},
	} {
		c.s.Names = names
		got := dialerWith(t, c.s).ForRequest(c.to)
		proxy := ""
		if got.Proxy != nil {
			proxy = got.Proxy.String()
		}
		if proxy != c.proxy || got.Why != c.why {
			t.Errorf("%s: got %q, because %s", c.name, proxy, got.Why)
		}
	}
}

// TestOtherConnections: connections without HTTP, such as LDAP, use only the provider's
// setting, and no proxy for loopback or for a DNS server.
func TestOtherConnections(t *testing.T) {
	rules := Settings{GlobalAgent: ProxyRules{HTTPS: "http://agent.example"}, Standard: ProxyRules{HTTPS: "http://s.example"}}
	own := Settings{Proxy: "http://own.example"}
	for _, c := range []struct {
		s                Settings
		network, address string
		proxied          bool
	}{
		{rules, "tcp", "ldap.example:636", false},
		{own, "tcp", "ldap.example:636", true},
		{own, "tcp4", "ldap.example:389", true},
		{own, "tcp6", "192.0.2.1:389", true},
		{own, "tcp", "localhost:389", false},
		{own, "tcp", "127.0.0.1:389", false},
		{own, "tcp", "[::1]:389", false},
		{own, "udp", "192.0.2.53:53", false},
		{own, "tcp", "192.0.2.53:53", false},
		{own, "unix", "/run/slapd/ldapi", false},
		{Settings{Proxy: "direct"}, "tcp", "ldap.example:636", false},
	} {
		if got := dialerWith(t, c.s).ForConnection(c.network, c.address); (got.Proxy != nil) != c.proxied || got.Why == "" {
			t.Errorf("%s %s: %v, because %s", c.network, c.address, got.Proxy, got.Why)
		}
	}
}

// TestWarnings: a setting without effect is named.
func TestWarnings(t *testing.T) {
	proxy := options.Secret("http://proxy.example")
	for name, c := range map[string]struct {
		s    Settings
		want string // key and text; empty: none
	}{
		"all is well":                {Settings{Proxy: "direct", GlobalAgent: ProxyRules{HTTPS: proxy, NoProxy: "a.example,10.0.0.1"}}, ""},
		"standard":                   {Settings{Standard: ProxyRules{HTTPS: proxy, HTTP: proxy, NoProxy: "10.0.0.0/8"}}, ""},
		"two families":               {Settings{GlobalAgent: ProxyRules{HTTPS: proxy}, Standard: ProxyRules{HTTPS: proxy}}, "standard.https: has no effect, because GLOBAL_AGENT_HTTPS_PROXY is set: only one family of variables counts, with its own exceptions"},
		"http only":                  {Settings{Standard: ProxyRules{HTTP: proxy}}, "standard.http: has no effect: requests to providers use https, set HTTPS_PROXY for these"},
		"exceptions to nothing":      {Settings{GlobalAgent: ProxyRules{NoProxy: "a.example"}}, "global_agent.no_proxy: has no effect without GLOBAL_AGENT_HTTPS_PROXY"},
		"https in Directus":          {Settings{GlobalAgent: ProxyRules{HTTPS: "https://proxy.example"}}, "global_agent.https: names a proxy of https://, which works here but not in Directus"},
		"a query":                    {Settings{GlobalAgent: ProxyRules{HTTPS: "http://proxy.example/?a=b"}}, "global_agent.https: has more text after host and port, which is ignored"},
		"a block for Directus":       {Settings{GlobalAgent: ProxyRules{HTTPS: proxy, NoProxy: "10.0.0.0/8"}}, "global_agent.no_proxy: has 10.0.0.0/8, but does not match blocks of addresses, as in Directus; NO_PROXY does"},
		"IPv6 for Directus":          {Settings{GlobalAgent: ProxyRules{HTTPS: proxy, NoProxy: "[fd00::1]"}}, "global_agent.no_proxy: has [fd00::1], but does not match IPv6 addresses, as in Directus; NO_PROXY does"},
		"the default port":           {Settings{GlobalAgent: ProxyRules{HTTPS: proxy, NoProxy: "a.example:443"}}, "global_agent.no_proxy: has a.example:443, which matches nothing, as in Directus, because the default port is left out: write it without :443"},
		"names like a glob":          {Settings{Standard: ProxyRules{HTTPS: proxy, NoProxy: "*.a.example,b.*.example, !c.example,https://d.example/,10.0.0.*,*,fd00::/8"}}, "standard.no_proxy: has b.*.example, which matches nothing: write names, addresses and CIDR blocks, each with a port or without\nstandard.no_proxy: has !c.example, which matches nothing: write names, addresses and CIDR blocks, each with a port or without\nstandard.no_proxy: has https://d.example/, which matches nothing: write names, addresses and CIDR blocks, each with a port or without\nstandard.no_proxy: has 10.0.0.*, which matches nothing: write names, addresses and CIDR blocks, each with a port or without"},
		"globs without effect":       {Settings{Standard: ProxyRules{NoProxy: "a.*"}}, ""},
		"one name for both":          {Settings{GlobalAgent: ProxyRules{HTTPS: proxy, NoProxy: "10.0.0.0/8"}, Names: map[string]string{KeyGlobalAgentNoProxy: "NO_PROXY"}}, "global_agent.no_proxy: has 10.0.0.0/8, but does not match blocks of addresses, as in Directus"},
		"metadata by a block":        {Settings{Deny: []string{"0.0.0.0/0"}}, ""},
		"metadata is allowed":        {Settings{Allow: []string{"169.254.0.0/16", "10.0.0.0/8"}}, "allow: contains metadata addresses: anyone who controls a provider can make this host read the credentials of this machine from the cloud"},
		"metadata is not denied":     {Settings{Deny: []string{"private"}}, "deny: leaves out metadata: anyone who controls a provider can make this host read the credentials of this machine from the cloud"},
		"everything is allowed":      {Settings{Allow: []string{"0.0.0.0/0"}}, "allow: contains metadata addresses: anyone who controls a provider can make this host read the credentials of this machine from the cloud\nallow: has 0.0.0.0/0, which allows every address"},
		"a slash behind the address": {Settings{Proxy: "http://proxy.example:3128/"}, ""},
	} {
		if got := c.s.Warnings().Error(); got != c.want {
			t.Errorf("%s: got %s", name, got)
		}
	}
}
