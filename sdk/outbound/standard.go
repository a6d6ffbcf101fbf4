package outbound

import (
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/net/http/httpproxy"
)

// standard are the rules that most programs follow for HTTPS_PROXY and NO_PROXY, as
// golang.org/x/net/http/httpproxy has them: names with all that is below them,
// addresses, CIDR blocks, each with a port or without, and * for all. localhost and
// loopback addresses are always left out.
func standard(proxy *Proxy, noProxy, noProxyName string) rules {
	exceptions := standardExceptions(noProxy)
	all := useProxy(strings.Join(exceptions, ","))
	return func(address string) Choice {
		if all(address) {
			return Choice{Proxy: proxy, Why: proxy.setting}
		}
		for _, entry := range exceptions {
			if useProxy("")(address) && !useProxy(entry)(address) {
				return Choice{Why: noProxyName + " has " + entry}
			}
		}
		return Choice{Why: proxy.setting + " leaves out localhost and loopback addresses"}
	}
}

// standardExceptions splits the list at commas and, as curl does, at blanks: httpproxy
// would take what is between two commas for one name, which matches nothing.
func standardExceptions(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return c == ',' || unicode.IsSpace(c) })
}

// matchesNothing reports whether an exception is written as no rule of these is.
func matchesNothing(exception string) bool {
	name := strings.TrimPrefix(exception, "*.")
	_, isBlock := blockOf(exception)
	return exception != "*" && (strings.ContainsAny(name, "*!") || strings.Contains(name, "/") && !isBlock)
}

// useProxy tells of host:port whether https goes through the proxy. httpproxy is asked
// about a proxy that stands for any, since it reads fewer kinds of URLs than we do.
func useProxy(noProxy string) func(address string) bool {
	ask := (&httpproxy.Config{HTTPSProxy: "http://any.invalid", NoProxy: noProxy}).ProxyFunc()
	return func(address string) bool {
		found, err := ask(&url.URL{Scheme: "https", Host: address})
		return err == nil && found != nil
	}
}
