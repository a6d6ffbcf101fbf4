package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhichProxyIsChosen sets each variable, alone and in conflict with others, and finds
// in the logs of two proxies which one was used. A direct connection fails, because only
// the proxies can resolve the names.
func TestWhichProxyIsChosen(t *testing.T) {
	site := startCorpSite(t, corpDomain, "openid", "ldaps")
	one := startTinyproxy(t, site.proxySpec("", "", ""))
	other := startTinyproxy(t, site.proxySpec("", "doorward", newClientSecret()))
	file := filepath.Join(t.TempDir(), "proxy")
	if err := os.WriteFile(file, []byte(other.URL()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const direct = "direct"
	type env map[string]string
	for _, tc := range []struct {
		name   string
		env    env
		openid string // one, other or direct
		ldaps  string // uses only its own setting
	}{
		{"no variable", nil, direct, direct},

		{"GLOBAL_AGENT_HTTPS_PROXY", env{"GLOBAL_AGENT_HTTPS_PROXY": one.URL()}, "one", direct},
		{"GLOBAL_AGENT_HTTP_PROXY stands in for https", env{"GLOBAL_AGENT_HTTP_PROXY": one.URL()}, "one", direct},
		{"each of GLOBAL_AGENT", env{"GLOBAL_AGENT_HTTP_PROXY": one.URL(), "GLOBAL_AGENT_HTTPS_PROXY": other.URL()}, "other", direct},
		{"GLOBAL_AGENT_NO_PROXY", env{"GLOBAL_AGENT_HTTPS_PROXY": one.URL(), "GLOBAL_AGENT_NO_PROXY": "*" + corpDomain}, direct, direct},
		{"GLOBAL_AGENT in a file", env{"GLOBAL_AGENT_HTTPS_PROXY_FILE": file}, "other", direct},
		{"another namespace", env{"GLOBAL_AGENT_ENVIRONMENT_VARIABLE_NAMESPACE": "CORP_", "CORP_HTTPS_PROXY": other.URL(), "GLOBAL_AGENT_HTTPS_PROXY": one.URL()}, "other", direct},

		{"HTTPS_PROXY", env{"HTTPS_PROXY": one.URL()}, "one", direct},
		{"https_proxy", env{"https_proxy": one.URL()}, "one", direct},
		{"HTTPS_PROXY in a file", env{"HTTPS_PROXY_FILE": file}, "other", direct},
		{"HTTP_PROXY is not for https", env{"HTTP_PROXY": one.URL()}, direct, direct},
		{"NO_PROXY", env{"HTTPS_PROXY": one.URL(), "NO_PROXY": "other.example," + corpDomain}, direct, direct},
		{"NO_PROXY for others", env{"HTTPS_PROXY": one.URL(), "NO_PROXY": "other.example,10.0.0.0/8"}, "one", direct},
		{"both families", env{"GLOBAL_AGENT_HTTPS_PROXY": other.URL(), "HTTPS_PROXY": one.URL()}, "other", direct},

		{"their own", env{"AUTH_OPENID_PROXY": other.URL(), "AUTH_LDAPS_PROXY": one.URL(), "HTTPS_PROXY": one.URL(), "NO_PROXY": "*"}, "other", "one"},
		{"their own, in a file", env{"AUTH_OPENID_PROXY_FILE": file, "AUTH_LDAPS_PROXY_FILE": file, "GLOBAL_AGENT_HTTPS_PROXY": one.URL()}, "other", "other"},
		{"their own, direct", env{"AUTH_OPENID_PROXY": direct, "AUTH_LDAPS_PROXY": direct, "HTTPS_PROXY": one.URL(), "GLOBAL_AGENT_HTTP_PROXY": one.URL()}, direct, direct},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := map[string]string{"one": one.log(), "other": other.log()}
			site := site.in(t)
			host := site.host(tc.env, one, other)
			for name, want := range map[string]string{"openid": tc.openid, "ldaps": tc.ldaps} {
				problem := site.login(host, name)
				if want == direct && problem != codeUnavailable || want != direct && problem != "" {
					t.Errorf("signing in at %s, %s: %q", name, want, problem)
				}
				if want == direct {
					host.tells(t, "provider="+name, "lookup "+site.fronts[name].Name)
				}
				for who, p := range map[string]*proxy{"one": one, "other": other} {
					asked := strings.Contains(strings.TrimPrefix(p.log(), before[who]), site.fronts[name].Address())
					if asked != (who == want) {
						t.Errorf("the %s proxy was asked for %s: %v", who, name, asked)
					}
				}
			}
		})
	}
}
