package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
)

// TestClasses: addresses that a provider's URL must not reach, in each form that reaches the
// same address.
func TestClasses(t *testing.T) {
	for text, want := range map[string]string{
		"169.254.169.254":            "metadata",
		"::ffff:169.254.169.254":     "metadata", // IPv4-mapped
		"::169.254.169.254":          "metadata", // IPv4-compatible
		"64:ff9b::a9fe:a9fe":         "metadata", // NAT64
		"64:ff9b:1::a9fe:a9fe":       "metadata", // NAT64 of local use
		"64:ff9b:1:a9fe:a9:fe00::":   "metadata", // the same, a prefix of 48 bits
		"2002:a9fe:a9fe::1":          "metadata", // 6to4
		"2001:0:1:2:3:4:5601:5601":   "metadata", // Teredo
		"::ffff:0:169.254.169.254":   "metadata", // IPv4-translated
		"fe80::5efe:a9fe:a9fe":       "link-local",
		"2001:db8::5efe:169.254.1.2": "link-local", // ISATAP
		"169.254.170.2":              "metadata",
		"fd00:ec2::254":              "metadata",
		"100.100.100.200":            "metadata",
		"192.0.0.192":                "metadata",
		"168.63.129.16":              "metadata",
		"169.254.169.253":            "link-local",
		"fe80::1%eth0":               "link-local",
		"0.0.0.0":                    "unspecified",
		"0.1.2.3":                    "unspecified",
		"::":                         "unspecified",
		"224.0.0.1":                  "multicast",
		"255.255.255.255":            "multicast",
		"ff02::1":                    "multicast",
		"127.0.0.1":                  "loopback",
		"127.1.2.3":                  "loopback",
		"::1":                        "loopback",
		"::ffff:127.0.0.1":           "loopback",
		"64:ff9b::7f00:1":            "loopback",
		"10.1.2.3":                   "private",
		"172.31.255.255":             "private",
		"192.168.0.1":                "private",
		"100.64.0.1":                 "private",
		"fd12::1":                    "private",
		"fec0::1":                    "private",
		"2002:a01:203::":             "private",
		"192.0.2.1":                  "",
		"172.32.0.1":                 "",
		"100.128.0.1":                "",
		"2001:db8::1":                "",
		"2606:4700::1111":            "",
		"64:ff9b::808:808":           "",
	} {
		t.Run("E10 "+text, func(t *testing.T) {
			g := guardOf(t, Settings{Deny: Classes()})
			err := g.checkDirect("idp.example", netip.MustParseAddr(text))
			denied, _ := errors.AsType[*DeniedError](err)
			switch {
			case want == "" && err != nil, want != "" && denied == nil:
				t.Errorf("got %v, want %q", err, want)
			case want != "" && denied.By != want:
				t.Errorf("denied for %s, want %s", denied.By, want)
			}
			byDefault := guardOf(t, Settings{}).checkDirect("idp.example", netip.MustParseAddr(text))
			if want := want != "" && want != "loopback" && want != "private"; (byDefault != nil) != want {
				t.Errorf("by default: %v", byDefault)
			}
		})
	}
}

func guardOf(t *testing.T, s Settings) *guard {
	t.Helper()
	g, err := newGuard(s)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestDeniedIsTheOperators: only the operator can fix a denied address. The text says what to
// change.
func TestDeniedIsTheOperators(t *testing.T) {
	d := dialerWith(t, Settings{Names: map[string]string{KeyAllow: "outbound_allow (doorward.yaml:3)"}})
	_, err := d.DialRequest(t.Context(), "tcp", "169.254.169.254:443")
	if !errors.Is(err, ErrAddressDenied) || !errors.Is(err, sdk.ErrMisconfigured) {
		t.Errorf("got %v", err)
	}
	want := "connecting to 169.254.169.254 is denied, because OUTBOUND_DENY has metadata: to allow it, add it to outbound_allow (doorward.yaml:3)"
	if err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestDenyAndAllow(t *testing.T) {
	for _, c := range []struct {
		deny, allow, host, address string
		denied                     bool
	}{
		{"none", "", "a.example", "169.254.169.254", false},
		{"loopback", "", "a.example", "169.254.169.254", false},
		{"loopback", "", "a.example", "127.0.0.1", true},
		{"private", "10.0.0.0/8", "a.example", "10.1.2.3", false},
		{"private", "10.0.0.0/8", "a.example", "192.168.1.1", true},
		{"private", "10.1.2.3", "a.example", "10.1.2.3", false},
		{"private", "10.1.2.3", "a.example", "10.1.2.4", true},
		{"private", "A.example", "a.example", "10.1.2.4", false},
		{"private", "a.example", "a.EXAMPLE.", "10.1.2.4", false},
		{"private", "a.example", "b.a.example", "10.1.2.4", true},
		{"private", "fd00::/8", "a.example", "fd00::1", false},
		{"private", "::ffff:10.0.0.0/104", "a.example", "10.1.2.3", false},
		{"private,metadata", "10.0.0.0/8", "a.example", "64:ff9b::a00:1", false},
		{"private,metadata", "10.0.0.0/8", "a.example", "64:ff9b::a9fe:a9fe", true},
		{"192.0.2.0/24", "", "a.example", "192.0.2.9", true},
		{"192.0.2.0/24", "", "a.example", "::ffff:192.0.2.9", true},
		{"192.0.2.0/24", "", "a.example", "64:ff9b::c000:209", true},
		{"192.0.2.0/24", "192.0.2.9", "a.example", "192.0.2.9", false},
		{"2001:db8::1", "", "a.example", "2001:db8::1", true},
		{"", "169.254.169.253", "a.example", "169.254.169.253", false},
		{"", "169.254.0.0/16", "a.example", "169.254.169.254", false},
	} {
		s := Settings{}
		if c.deny != "" {
			s.Deny = strings.Split(c.deny, ",")
		}
		if c.allow != "" {
			s.Allow = strings.Split(c.allow, ",")
		}
		if err := guardOf(t, s).checkDirect(c.host, netip.MustParseAddr(c.address)); (err != nil) != c.denied {
			t.Errorf("deny %s, allow %s: %s at %s: %v", c.deny, c.allow, c.host, c.address, err)
		}
	}
}

// TestBeforeTheProxyIsAsked: names that only the proxy resolves cannot be checked. Addresses
// can, and the proxy gets no request for a denied one.
func TestBeforeTheProxyIsAsked(t *testing.T) {
	for host, denied := range map[string]bool{
		"idp.example": false, "10.0.0.1": false, "localhost": false, "2001:db8::1": false, "1.example": false,
		"169.254.169.254": true, "fd00:ec2::254": true, "::ffff:169.254.169.254": true, "fe80::1%eth0": true, "0.0.0.0": true,
		"metadata.google.internal": true, "METADATA.google.internal.": true, "instance-data": true,
		"2852039166": true, "0xa9fea9fe": true, "0xa9.254.169.254": true, "169.254.43518": true, "0251.0376.0251.0376": true,
	} {
		for _, scheme := range []string{"http", "socks5h", "socks5"} {
			if scheme == "socks5" && !denied {
				continue // is resolved here, see below
			}
			t.Run("E10 "+scheme+" "+host, func(t *testing.T) {
				asked := make(chan struct{}, 1)
				proxy := listen(t, func(net.Conn) { asked <- struct{}{} })
				ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
				defer cancel()
				d := dialerWith(t, Settings{Proxy: secretf("%s://%s", scheme, proxy)})
				_, err := d.DialRequest(ctx, "tcp", net.JoinHostPort(host, "443"))
				if errors.Is(err, ErrAddressDenied) != denied || denied && !errors.Is(err, sdk.ErrMisconfigured) {
					t.Errorf("got %v", err)
				}
				if denied && len(asked) > 0 {
					t.Error("the proxy was asked")
				}
			})
		}
	}
}

// TestProxiesAreTheOperatorsWord: a proxy is allowed on loopback and in private networks, even
// if these are denied, but not at a metadata address.
func TestProxiesAreTheOperatorsWord(t *testing.T) {
	g := guardOf(t, Settings{Deny: append(Classes(), "10.0.0.0/8")})
	for address, denied := range map[string]bool{
		"127.0.0.1": false, "10.0.0.5": false, "fd00::5": false, "192.0.2.5": false, "169.254.169.254": true, "::ffff:169.254.169.254": true, "169.254.1.1": true, "0.0.0.0": true,
	} {
		if err := g.checkProxy("proxy.example", netip.MustParseAddr(address)); (err != nil) != denied {
			t.Errorf("%s: %v", address, err)
		}
	}
	_, err := dialerWith(t, Settings{Proxy: "http://169.254.169.254"}).DialRequest(t.Context(), "tcp", "idp.example:443")
	if !errors.Is(err, ErrAddressDenied) || !strings.HasPrefix(err.Error(), "proxy 169.254.169.254:80 (the option proxy) is not used") {
		t.Errorf("got %v", err)
	}
}

// TestResolversAreAsked: a resolver at a denied address is allowed, because the operator wrote
// it into resolv.conf. Requests to its port are not allowed.
func TestResolversAreAsked(t *testing.T) {
	d := dialerWith(t, Settings{Deny: []string{"loopback", "metadata"}})
	for _, network := range []string{"udp", "tcp"} {
		conn, err := d.Dial(t.Context(), network, "127.0.0.1:53")
		if errors.Is(err, ErrAddressDenied) {
			t.Errorf("%s: %v", network, err)
		}
		if err == nil {
			conn.Close()
		}
	}
	if _, err := d.DialRequest(t.Context(), "tcp", "127.0.0.1:53"); !errors.Is(err, ErrAddressDenied) {
		t.Errorf("a request: %v", err)
	}
	if _, err := d.Dial(t.Context(), "udp", "127.0.0.1:5353"); !errors.Is(err, ErrAddressDenied) {
		t.Errorf("another port: %v", err)
	}
	if _, err := d.DialDirect(t.Context(), "tcp", "127.0.0.1:53", func(netip.AddrPort) error { return nil }); !errors.Is(err, ErrAddressDenied) {
		t.Errorf("http to loopback: %v", err)
	}
	if _, err := dialerWith(t, Settings{}).Dial(t.Context(), "tcp", ":443"); !errors.Is(err, ErrAddressDenied) {
		t.Errorf("no host: %v", err)
	}
}

// TestRebinding: the address of a name changes. The address of the connection is checked, so
// earlier addresses of the name do not matter.
func TestRebinding(t *testing.T) {
	connected := make(chan struct{}, 10)
	_, port, err := net.SplitHostPort(listenAt(t, "127.0.0.2:0", func(net.Conn) { connected <- struct{}{} }))
	if err != nil {
		t.Fatal(err)
	}
	target := net.JoinHostPort("rebinding.example", port)
	dns := serveDNS(t)
	d := dialerWith(t, Settings{Deny: []string{"loopback"}, Allow: []string{"127.0.0.2"}})
	d.resolver = dns.resolver()
	for _, c := range []struct {
		answers []string
		denied  bool
	}{
		{[]string{"127.0.0.2"}, false}, {[]string{"127.0.0.1"}, true}, {[]string{"127.0.0.2"}, false},
		{[]string{"127.0.0.1", "127.0.0.2"}, false}, // the one that is allowed is used
		{[]string{"127.0.0.1", "::1"}, true}, {[]string{"::ffff:127.0.0.1"}, true},
	} {
		t.Run(fmt.Sprint("E10 ", c.answers), func(t *testing.T) {
			dns.answer(c.answers...)
			asked := dns.queries.Load()
			conn, err := d.DialRequest(t.Context(), "tcp", target)
			if err == nil {
				defer conn.Close()
			}
			if errors.Is(err, ErrAddressDenied) != c.denied || (err == nil) == c.denied {
				t.Fatalf("got %v", err)
			}
			if n := dns.queries.Load() - asked; n != 2 { // A and AAAA
				t.Errorf("%d queries, want one of each type: what is asked twice may have two answers", n)
			}
			if c.denied && len(connected) > 0 {
				t.Error("connected")
			}
			if !c.denied {
				if got := conn.RemoteAddr().(*net.TCPAddr).IP.String(); got != "127.0.0.2" {
					t.Errorf("connected to %s", got)
				}
				<-connected
			}
		})
	}
}
