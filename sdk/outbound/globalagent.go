package outbound

import (
	"net"
	"regexp"
	"strings"
)

// globalAgent returns the rules of global-agent 3, which Directus uses behind a proxy.
// Version 4 differs in two relevant ways: it reports the response to CONNECT, as this
// package does, and it sends user and password as they are written.
//
// GLOBAL_AGENT_HTTPS_PROXY applies to https, or GLOBAL_AGENT_HTTP_PROXY if it is not set.
// Unlike the standard rules, these do not except localhost, and do not support CIDR blocks.
func globalAgent(proxy *Proxy, noProxy, noProxyName string) rules {
	exceptions := globalAgentExceptions(noProxy)
	return func(address string) Choice {
		host, port := splitDefault(address)
		for _, e := range exceptions {
			if e.matches(host, port) {
				return Choice{Why: noProxyName + " has " + e.text}
			}
		}
		return Choice{Proxy: proxy, Why: proxy.setting}
	}
}

// splitDefault splits host:port. It drops the ports 443 and 80, as global-agent does: an
// exception for foo.example:443 matches no request, there and here.
func splitDefault(address string) (host, port string) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address, ""
	}
	if port == "443" || port == "80" {
		port = ""
	}
	return host, port
}

// globalAgentException is an entry of GLOBAL_AGENT_NO_PROXY: a glob for the whole name,
// negated by ! at the beginning, and an optional port.
type globalAgentException struct {
	text    string
	glob    string
	port    string // empty: any
	negated bool
}

var (
	globalAgentSeparator = regexp.MustCompile(`[\s,]+`)
	globalAgentEntry     = regexp.MustCompile(`^(.+?)(?::([0-9]+))?$`)
)

// globalAgentExceptions splits the list. Version 3 fails at an empty entry, such as after
// a trailing comma. Version 4 skips it, and so does this function.
func globalAgentExceptions(list string) []globalAgentException {
	var all []globalAgentException
	for _, text := range globalAgentSeparator.Split(list, -1) {
		entry := text
		if rest, ok := strings.CutPrefix(entry, "."); ok {
			entry = "*" + rest // .foo.com is for foo.com, a.foo.com and barfoo.com
		}
		match := globalAgentEntry.FindStringSubmatch(entry)
		if match == nil {
			continue
		}
		glob, negated := strings.CutPrefix(match[1], "!")
		all = append(all, globalAgentException{text, strings.ToLower(glob), match[2], negated})
	}
	return all
}

func (e globalAgentException) matches(host, port string) bool {
	return globMatches(e.glob, strings.ToLower(host)) != e.negated && (e.port == "" || e.port == port)
}

// globMatches matches the whole text; * is any run of characters, dots included.
func globMatches(glob, text string) bool {
	first, rest, star := strings.Cut(glob, "*")
	if !star {
		return glob == text
	}
	text, ok := strings.CutPrefix(text, first)
	if !ok {
		return false
	}
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(text, part)
		}
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text, rest = text[at+len(part):], after
	}
}
