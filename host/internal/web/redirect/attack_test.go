package redirect_test

import (
	"strings"
	"testing"

	"github.com/doorward/doorward/host/internal/web/redirect"
)

// TestAttacks has the rows B01 to B10 of docs/attacks.md; B11 is TestOracle.
func TestAttacks(t *testing.T) {
	tests := []struct {
		row  string
		want string
		raw  []string
	}{
		{"B01 slashes and backslashes", refused, []string{
			"//evil", "///evil", `/\evil`, `\\evil`, `/\/evil`, `\/evil`, `////evil`, `/\\evil`, `\//evil`, "//evil/..", "//sso.example/x",
		}},
		{"B02 white space and control characters", refused, []string{
			"/\t/evil", "/\n/evil", "/\r\n/evil", " //evil", "\t//evil", "\x00//evil", "/\x00/evil", "/a\x00b", "/a\x1fb", "/a\x7fb", "/a\u0085b",
			"/%09/evil", "/%0a/evil", "/%0d%0a/evil", "/%00", "/a%00b", "/a%7Fb", "/%C2%85", "/%20/evil", "/ /evil",
			"https://sso.example/%0d%0aSet-Cookie:x=1", "https://app.example/cb%00",
		}},
		{"B02 encoded once more", refused, []string{
			"/%2509/evil", "/%250a/evil", "/%252509/evil", "/%25252509/evil", "/%2525252525252509/evil", "/%2520/evil", "/%25252525256cogin", "/%" + strings.Repeat("25", 900) + "41",
		}},
		{"B03 schemes", refused, []string{
			"https:evil", "https:/evil", "HTTPS://", "HTTPS://evil", "https:", "http:", "http:/", "https:sso.example", "https:/sso.example", `https:\\sso.example`, "https:///sso.example", `https:\\evil`, `https:\evil`,
			"javascript:alert(1)", "java\tscript:alert(1)", "\x01javascript:alert(1)", "JaVaScRiPt:alert(1)",
			"javascript://sso.example/%0aalert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://sso.example/x",
			"ftp://sso.example/", "ws://sso.example/", "mailto:a@b", "about:blank", "view-source:https://sso.example/", "x:", "a.b+c-1:d",
		}},
		{"B04 user names", refused, []string{
			"https://sso.example@evil", "//sso.example%2f@evil", `https://sso.example\@evil`, "https://evil@sso.example/", "https://evil:x@sso.example/",
			"https://@sso.example/", "https://:@sso.example/", "https://sso.example:443@evil/", "https://sso.example%40evil/",
		}},
		{"B05 prefixes, suffixes and look-alikes", refused, []string{
			"https://evilsso.example", "https://sso.example.evil", "https://sso.example。evil", "https://sso.example./", "https://sso。example/",
			"https://ｓso.example/", "https://ſso.example/", "https://%73so.example/", "https://sso\u00ad.example/", "https://sso.example%2eevil/",
			"https://sso.example%00.evil/", "https://sso.example,evil/", "https://xn--sso-.example/", "https://app.example.evil/cb", "https:// sso.example/",
		}},
		{"B06 ports and schemes", refused, []string{
			"http://sso.example/", "http://sso.example:443/", "https://sso.example:8443/", "https://sso.example:80/", "https://sso.example:/", "https://sso.example:0443/",
			"https://sso.example:65979/", "http://app.example/cb", "https://app.example:8444/cb",
		}},
		{"B06 port in the allow list", "https://app.example:8443/cb", []string{"https://app.example:8443/cb"}},
		{"B07 path normalisation", refused, []string{
			"/..//evil", "/.//evil", "/x/..//evil", "/%2e%2e//evil", "/%2E//evil", "/;//evil", "/;a=b//evil", "/%3b/evil", "..//evil", ".//evil", `/.\/evil`,
			"/x/../..//evil", "/..//..//evil", "/.;//../;/evil", "/..;//evil", "/%2e;/;/evil", "/.\t.//evil",
		}},
		{"B08 forms of IP addresses", refused, []string{
			"//2130706433", "//0x7f.1", "//[::1]", "//127.1", "https://2130706433/", "https://0x7f.1/", "https://[::1]/", "https://127.1/", "https://0177.0.0.1/",
		}},
		{"B09 loops", "/", []string{
			"/login?rd=/login", "/login", "/logout", "/login/", "//login"[1:], "login", "./login", "/x/../login", "/LOGIN", "/%6cogin", "/%6Cogin", "/%256cogin",
			"/auth/login/corp", "/auth/login/corp?redirect=/", "/auth/login/corp/callback?code=x", "/auth/login", "/auth/logout", "/auth%2flogin%2fcorp", "/auth%5clogin/corp",
			"/auth//login/corp", "/auth/./login/corp", "/auth/x/../login/corp", "/auth;a=b/login;c/corp", "/login;jsessionid=1", "/login#x", "/login%20", "/auth/..;/login",
			"https://sso.example/login", "https://sso.example/auth/login/corp", "https://SSO.example:443/%6cogin", "https://sso.example//login",
		}},
		{"B10 written anew from parsed parts", "/x", []string{"x", "/x", "./x", " /x ", "/y/../x", "/\tx", `\x`, "/./x", "/%2e/x"}},
	}
	r := rules(t, "https://sso.example", "https://app.example/cb", "https://app.example:8443/cb")
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			for _, raw := range tt.raw {
				check(t, r, raw, tt.want)
			}
		})
	}
}

func TestLoopsBelowBasePath(t *testing.T) {
	r := rules(t, "https://example.org/sso/")
	for _, raw := range []string{
		"/sso/login", "/login", "/SSO/logout", "/sso/auth/login/corp?x", "/auth/login/corp", "/%73so/%6cogin", "/sso//auth/logout", "https://example.org/sso/login",
	} {
		t.Run("B09 "+raw, func(t *testing.T) { check(t, r, raw, "/") })
	}
	for _, raw := range []string{"/loginpage", "/sso/logins", "/ssologin", "/auth/refresh", "/other/login", "/login-help", "/authlogin/x"} {
		t.Run("no loop "+raw, func(t *testing.T) { check(t, r, raw, raw) })
	}
}

// An IP address is a host like any other, in its usual spelling only.
func TestIPAddressAsPublicURL(t *testing.T) {
	r := rules(t, "http://127.0.0.1:8055")
	check(t, r, "http://127.0.0.1:8055/x", "http://127.0.0.1:8055/x")
	for _, raw := range []string{"http://2130706433:8055/", "http://0x7f.1:8055/", "http://127.1:8055/", "http://+127.0.0.1:8055/", "http://127.0.0.1.:8055/"} {
		t.Run("B08 "+raw, func(t *testing.T) { check(t, r, raw, refused) })
	}
	r = rules(t, "http://[::1]:8055")
	check(t, r, "http://[::1]:8055/x", "http://[::1]:8055/x")
	for _, raw := range []string{"http://[0:0::1]:8055/", "http://[[::1]]:8055/", "http://[::1%25lo]:8055/"} {
		t.Run("B08 "+raw, func(t *testing.T) { check(t, r, raw, refused) })
	}
}

func TestSize(t *testing.T) {
	r := rules(t, "https://sso.example")
	longest := "/" + strings.Repeat("a", redirect.MaxSize-1)
	check(t, r, longest, longest)
	check(t, r, longest+"a", refused)
	check(t, r, "/"+strings.Repeat("ä", 400), refused) // grows to 6 bytes each
	check(t, r, "\xff", refused)
	check(t, r, "/a\xffb", refused)
}
