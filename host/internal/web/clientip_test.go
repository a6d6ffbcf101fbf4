package web

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestClientIP(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, tt := range map[string]struct {
		peer   string
		header []string
		want   string
	}{
		"no proxy":                  {"192.0.2.1:1234", nil, "192.0.2.1"},
		"no proxy of ours":          {"192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		"one proxy":                 {"10.1.1.1:1234", []string{"198.51.100.7"}, "198.51.100.7"},
		"one proxy, IPv4 in IPv6":   {"[::ffff:10.1.1.1]:1234", []string{"198.51.100.7"}, "198.51.100.7"},
		"what a client wrote":       {"10.1.1.1:1234", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		"two proxies":               {"10.1.1.1:1234", []string{"203.0.113.9, 198.51.100.7,10.2.2.2"}, "198.51.100.7"},
		"two lines":                 {"10.1.1.1:1234", []string{"203.0.113.9, 198.51.100.7", "10.2.2.2"}, "198.51.100.7"},
		"IPv6":                      {"[fd00::1]:1234", []string{"[2001:db8::7]"}, "2001:db8::7"},
		"with a port":               {"10.1.1.1:1234", []string{"198.51.100.7:50123"}, "198.51.100.7"},
		"IPv6 with a port":          {"10.1.1.1:1234", []string{"[2001:db8::7]:50123, 10.2.2.2:80"}, "2001:db8::7"},
		"no port":                   {"10.1.1.1:1234", []string{"198.51.100.7:http"}, "10.1.1.1"},
		"nothing but proxies":       {"10.1.1.1:1234", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		"not an address":            {"10.1.1.1:1234", []string{"198.51.100.7, unknown"}, "10.1.1.1"},
		"garbage before the client": {"10.1.1.1:1234", []string{"unknown, 198.51.100.7"}, "198.51.100.7"},
		"empty":                     {"10.1.1.1:1234", []string{""}, "10.1.1.1"},
		"no end of proxies":         {"10.1.1.1:1234", []string{"198.51.100.7" + strings.Repeat(",10.2.2.2", 2*maxHops)}, "10.2.2.2"},
	} {
		req := &http.Request{RemoteAddr: tt.peer, Header: http.Header{"X-Forwarded-For": tt.header}}
		if got := clientIP(trusted)(req); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
