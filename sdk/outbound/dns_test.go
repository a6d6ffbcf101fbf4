package outbound

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/doorward/doorward/sdk/options"
)

func secretf(format string, args ...any) options.Secret {
	return options.Secret(fmt.Sprintf(format, args...))
}

// dnsServer answers each question with its current addresses.
type dnsServer struct {
	conn      net.PacketConn
	addresses atomic.Pointer[[]netip.Addr]
	queries   atomic.Int64
}

func serveDNS(t testing.TB) *dnsServer {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dnsServer{conn: conn}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.serve(t)
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return s
}

func (s *dnsServer) answer(addresses ...string) {
	var list []netip.Addr
	for _, a := range addresses {
		list = append(list, netip.MustParseAddr(a))
	}
	s.addresses.Store(&list)
}

// resolver asks only this server.
func (s *dnsServer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", s.conn.LocalAddr().String())
	}}
}

func (s *dnsServer) serve(t testing.TB) {
	buffer := make([]byte, 1<<12)
	for {
		n, from, err := s.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var query dnsmessage.Message
		if err := query.Unpack(buffer[:n]); err != nil || len(query.Questions) != 1 {
			continue
		}
		s.queries.Add(1)
		reply, err := s.reply(query)
		if err != nil {
			t.Errorf("packing an answer of the DNS: %v", err)
			return
		}
		_, _ = s.conn.WriteTo(reply, from)
	}
}

func (s *dnsServer) reply(query dnsmessage.Message) ([]byte, error) {
	question := query.Questions[0]
	reply := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: query.ID, Response: true, RecursionAvailable: true},
		Questions: query.Questions,
	}
	for _, a := range *s.addresses.Load() {
		resource := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, Type: question.Type}}
		switch {
		case question.Type == dnsmessage.TypeA && a.Is4():
			resource.Body = &dnsmessage.AResource{A: a.As4()}
		case question.Type == dnsmessage.TypeAAAA && a.Is6():
			resource.Body = &dnsmessage.AAAAResource{AAAA: a.As16()}
		default:
			continue
		}
		reply.Answers = append(reply.Answers, resource)
	}
	return reply.Pack()
}
