package outbound

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk/options"
)

func TestProxyURLs(t *testing.T) {
	for text, want := range map[string]string{ // scheme, address, user and password
		"http://proxy.example:3128":                          "http://proxy.example:3128",
		"HTTP://Proxy.example":                               "http://Proxy.example:80",
		"https://proxy.example":                              "https://proxy.example:443",
		"socks5://proxy.example":                             "socks5://proxy.example:1080",
		"socks5h://10.0.0.1:9050/":                           "socks5h://10.0.0.1:9050",
		"proxy.example:3128":                                 "http://proxy.example:3128",
		"proxy":                                              "http://proxy:80",
		" http://proxy.example:3128\n":                       "http://proxy.example:3128",
		"http://[fd00::1]:3128":                              "http://[fd00::1]:3128",
		"http://[fe80::1%25eth0]:3128":                       "http://[fe80::1%eth0]:3128",
		"http://user@proxy.example":                          "http://proxy.example:80 user ",
		"http://user:@proxy.example":                         "http://proxy.example:80 user ",
		"http://user:pass@proxy.example":                     "http://proxy.example:80 user pass",
		"http://us%3Aer:pa%40ss@p:1":                         "",
		"socks5://us%3Aer:pa%40ss@p:1":                       "socks5://p:1 us:er pa@ss",
		"http://user:p@ss@proxy.example":                     "http://proxy.example:80 user p@ss",
		"http://user:a:b@proxy.example":                      "http://proxy.example:80 user a:b",
		"http://user:%25%2F%23+^\"@proxy.example:1":          "http://proxy.example:1 user %/#+^\"",
		"http://DOMAIN%5Cuser:p%C3%A4ss@p:1":                 "http://p:1 DOMAIN\\user päss",
		"http://user:100%@proxy.example":                     "",
		"http://user:%zz@proxy.example":                      "",
		"http://user:%0d%0aX@proxy.example":                  "",
		"http://:pass@proxy.example":                         "",
		"http://user:a/b@proxy.example":                      "",
		"http://user:a#b@proxy.example":                      "",
		"socks5://user:" + strings.Repeat("x", 256) + "@p:1": "",
		"http://user:pass@":                                  "",
		"http://":                                            "",
		"":                                                   "",
		"ftp://proxy.example":                                "",
		"socks4://proxy.example":                             "",
		"http://proxy.example:0":                             "",
		"http://proxy.example:65536":                         "",
		"http://proxy.example:http":                          "",
		"http://proxy .example":                              "",
		"http://[fd00::1":                                    "",
		"http://[10.0.0.1]:1":                                "",
		"http://fd00::1":                                     "",
		"http:/proxy.example:3128":                           "", // otherwise it would be the host http
		"http://10.0.0.256:1":                                "",
		"http://10.0.0.1.:1":                                 "",
		"http://0x7f.1:1":                                    "",
		"3128":                                               "",
		"direct":                                             "",
		"None":                                               "",
		"false":                                              "",
		"none.example":                                       "http://none.example:80",
		"http://none":                                        "http://none:80",
		"http://pröxy.example":                               "",
		"http://" + strings.Repeat("x", 3000):                "",
	} {
		p, _, err := parseProxy(text)
		got := ""
		if err == nil {
			got = p.String()
			if p.user != nil {
				got += " " + p.user.name + " " + p.user.password
			}
		}
		if got != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
		if err != nil && (strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "alice")) {
			t.Errorf("%q: user or password in the error: %v", text, err)
		}
	}
}

// TestSecretsOfProxies: a password is a secret in every form in which it can occur. The
// address is not.
func TestSecretsOfProxies(t *testing.T) {
	s := Settings{
		Proxy:       "http://alice:p%40ss@proxy.example:3128",
		GlobalAgent: ProxyRules{HTTP: "http://bob:100%@proxy.example"},
		Standard:    ProxyRules{HTTPS: "carol:plain@proxy.example"},
		Key:         "the key",
	}
	got := s.Secrets()
	for _, want := range []string{"p%40ss", "p@ss", "alice:p%40ss", "alice:p@ss", "YWxpY2U6cEBzcw==", "100%", "plain", "the key"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is no secret", want)
		}
	}
	for _, secret := range got {
		if strings.Contains(secret, "proxy.example") || secret == "alice" {
			t.Errorf("%q is a secret", secret)
		}
	}
	p, _, err := parseProxy(s.Proxy.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, Choice{Proxy: p}); strings.Contains(text, "p@ss") {
			t.Errorf("%s shows the password: %s", verb, text)
		}
	}
}

// TestProblemsNameTheirSetting: and New refuses what Problems refuses.
func TestProblemsNameTheirSetting(t *testing.T) {
	for key, s := range map[string]Settings{
		KeyProxy:            {Proxy: "ftp://x"},
		KeyGlobalAgentHTTP:  {GlobalAgent: ProxyRules{HTTP: "http://user:100%@x"}},
		KeyGlobalAgentHTTPS: {GlobalAgent: ProxyRules{HTTPS: "direct://"}},
		KeyStandardHTTP:     {Standard: ProxyRules{HTTP: "http://"}},
		KeyStandardHTTPS:    {Standard: ProxyRules{HTTPS: "http://x:y"}},
		KeyDeny:             {Deny: []string{"privat"}},
		KeyAllow:            {Allow: []string{"*.example.org"}},
	} {
		problems := s.Problems()
		if len(problems) != 1 || problems[0].Option != key {
			t.Errorf("%s: %v", key, problems)
		}
		if _, err := New(s); err == nil {
			t.Errorf("%s: New takes it", key)
		}
	}
}

// TestDemands: settings that a plugin must not ignore.
func TestDemands(t *testing.T) {
	for name, c := range map[string]struct {
		s    Settings
		want string
	}{
		"nothing":      {Settings{Deny: DefaultDeny(), ExtraCA: "x", Allow: []string{"10.0.0.1"}}, ""},
		"direct":       {Settings{Proxy: Direct, Standard: ProxyRules{HTTPS: "http://a"}}, ""},
		"own":          {Settings{Proxy: "http://a", Names: map[string]string{KeyProxy: "AUTH_X_PROXY"}}, "AUTH_X_PROXY"},
		"rules":        {Settings{Standard: ProxyRules{HTTPS: options.Secret("http://a")}}, "HTTPS_PROXY"},
		"no effect":    {Settings{Standard: ProxyRules{HTTP: "http://a"}}, ""}, // a platform may set it everywhere
		"two families": {Settings{GlobalAgent: ProxyRules{HTTP: "http://a"}, Standard: ProxyRules{HTTP: "http://b", HTTPS: "http://c"}}, "GLOBAL_AGENT_HTTP_PROXY"},
		"own and more": {Settings{Proxy: "http://a", Standard: ProxyRules{HTTPS: "http://c"}, Names: map[string]string{KeyProxy: "AUTH_X_PROXY"}}, "AUTH_X_PROXY"},
		"none denied":  {Settings{Deny: []string{NoClass}}, ""}, // neither does an older plugin
		"denied":       {Settings{Deny: []string{"private"}}, "OUTBOUND_DENY"},
		"nothing else": {Settings{CA: "x", MinVersion: "1.3", Names: map[string]string{KeyCA: "AUTH_X_CA"}}, "AUTH_X_CA OUTBOUND_TLS_MIN_VERSION"},
	} {
		if got := strings.Join(c.s.Demands(), " "); got != c.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}
