package outbound

import (
	"net/url"
	"strings"
	"unicode"

	"golang.org/x/net/http/httpproxy"
)

// standard returns the rules that most programs follow for HTTPS_PROXY and NO_PROXY, as in
// golang.org/x/net/http/httpproxy. Exceptions are names with all their subdomains,
// addresses and CIDR blocks, each with or without a port, and * for all. localhost and
// loopback addresses are always exceptions.
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
		return Choice{Why: proxy.setting + " does not apply to localhost and loopback addresses"}
	}
}

// standardExceptions splits the list at commas and, as curl does, at blanks: httpproxy
// would treat the text between two commas as one name, which matches nothing.
func standardExceptions(list string) []string {
	return strings.FieldsFunc(list, func(c rune) bool { return c == ',' || unicode.IsSpace(c) })
}

// matchesNothing reports whether an exception has a form that these rules do not support.
func matchesNothing(exception string) bool {
	name := strings.TrimPrefix(exception, "*.")
	_, isBlock := blockOf(exception)
	return exception != "*" && (strings.ContainsAny(name, "*!") || strings.Contains(name, "/") && !isBlock)
}

// useProxy returns a function that reports whether https to host:port goes through the
// proxy. It uses a placeholder for the proxy, because httpproxy reads fewer kinds of URLs
// than this package.
func useProxy(noProxy string) func(address string) bool {
	ask := (&httpproxy.Config{HTTPSProxy: "http://any.invalid", NoProxy: noProxy}).ProxyFunc()
	return func(address string) bool {
		found, err := ask(&url.URL{Scheme: "https", Host: address})
		return err == nil && found != nil
	}
}
