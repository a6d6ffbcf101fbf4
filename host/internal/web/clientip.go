package web

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"
)

// maxHops limits how far back a chain of proxies is followed.
const maxHops = 32

// clientIP trusts X-Forwarded-For only from the proxies that the operator lists (B14): the
// client is the last address in it that does not belong to one of them. The header is read
// from its end; what a client wrote before that is ignored.
func clientIP(trusted []netip.Prefix) echo.IPExtractor {
	direct := echo.ExtractIPDirect()
	if len(trusted) == 0 {
		return direct
	}
	return func(req *http.Request) string {
		peer := direct(req)
		client, ok := parseIP(peer)
		if !ok {
			return peer
		}
		hops := 0
		for address := range backwards(req.Header[echo.HeaderXForwardedFor]) {
			if !isTrusted(trusted, client) || hops == maxHops {
				break
			}
			hops++
			if client, ok = parseIP(address); !ok {
				return peer // nothing in such a header is reliable
			}
		}
		return client.String()
	}
}

// backwards yields the elements of a list header, the last one first.
func backwards(lines []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := len(lines) - 1; i >= 0; i-- {
			for rest, more := lines[i], true; more; {
				comma := strings.LastIndexByte(rest, ',')
				if !yield(strings.TrimSpace(rest[comma+1:])) {
					return
				}
				if more = comma >= 0; more {
					rest = rest[:comma]
				}
			}
		}
	}
}

// parseIP reads an address. Some cloud gateways add the port.
func parseIP(text string) (netip.Addr, bool) {
	if with, err := netip.ParseAddrPort(text); err == nil {
		return with.Addr().Unmap(), true
	}
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return address.Unmap(), err == nil
}

func isTrusted(trusted []netip.Prefix, address netip.Addr) bool {
	for _, prefix := range trusted {
		if prefix.Contains(address.WithZone("")) {
			return true
		}
	}
	return false
}
