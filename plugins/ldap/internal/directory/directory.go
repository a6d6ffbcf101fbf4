package directory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
)

// Directory represents all servers of one provider.
type Directory struct {
	dialer    *dialer
	locations []location
	lookupSRV func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	poolSize  int
	policy    bool // request the password policy control
	service   serviceAccount
	now       func() time.Time
	logger    *slog.Logger

	mu            sync.Mutex
	known         map[string]*Server // by address and host
	srv           map[string]srvList // by the name that was looked up
	refusal       bindRefusal
	policyMessage string    // of the last bind of the service account
	warned        time.Time // about policyMessage

	life  context.Context // the context of the probes
	end   context.CancelFunc
	tasks sync.WaitGroup
}

// srvList caches an answer of the DNS. The resolver does not report the TTL of SRV records.
type srvList struct {
	locations []location
	until     time.Time
}

const (
	srvKeep       = 5 * time.Minute
	srvKeepFailed = 5 * time.Second
	maxServers    = 16 // that are tried for one operation
)

// Settings are the options for the connections.
type Settings struct {
	URLs             []string
	Plain            PlainRule
	TLS              *sdk.TLSClient // without ServerName: the host
	Dial             func(ctx context.Context, network, address string) (net.Conn, error)
	Connect, Operate time.Duration // limits
	PoolSize         int           // connections for searches to each server
	BindDN           string        // empty: searches are anonymous
	BindPassword     options.Secret
	External         bool // the service account binds by SASL EXTERNAL instead of as BindDN
	NoPolicyControl  bool // binds do not request the password policy control
	// DescribeBind says what the answer to a bind of BindDN means, even if it succeeded: the
	// problem, and what to change. It returns "" if there is nothing to say.
	DescribeBind func(controls []ldap.Control, err error) string
	// Bound receives the time that it took to connect and bind as BindDN.
	Bound  func(took time.Duration)
	Now    func() time.Time
	Logger *slog.Logger
}

// New returns a directory. It does not contact a server. Close it after use.
func New(s Settings) (*Directory, error) {
	dir := &Directory{
		dialer:   &dialer{dial: s.Dial, tls: s.TLS, connect: s.Connect, operate: s.Operate},
		poolSize: s.PoolSize, policy: !s.NoPolicyControl, now: s.Now, logger: s.Logger,
		service:   serviceAccount{dn: s.BindDN, password: s.BindPassword.Reveal(), external: s.External, describe: s.DescribeBind, bound: s.Bound},
		lookupSRV: resolver(s.Dial).LookupSRV,
		known:     map[string]*Server{}, srv: map[string]srvList{},
	}
	for _, text := range s.URLs {
		l, err := Locate(text, s.Plain)
		if err != nil {
			return nil, fmt.Errorf("client_url: %w", err)
		}
		dir.locations = append(dir.locations, l)
	}
	dir.life, dir.end = context.WithCancel(context.Background())
	return dir, nil
}

// Open opens a separate connection to a server, without a bind.
func (d *Directory) Open(ctx context.Context, s *Server) (*Connection, error) {
	c, err := d.dialer.open(ctx, s)
	if c != nil {
		c.policy = d.policy
	}
	return c, err
}

// Servers returns all servers in the order of the operator, and the error of the lookups that
// failed.
func (d *Directory) Servers(ctx context.Context) ([]*Server, error) {
	locations, err := d.locate(ctx)
	var list []*Server
	for _, l := range locations[:min(len(locations), maxServers)] {
		if s := d.serverAt(l); !slices.Contains(list, s) { // the same server may be listed for a site and for the domain
			list = append(list, s)
		}
	}
	return list, err
}

// Close ends probes and connections.
func (d *Directory) Close() {
	d.end()
	d.tasks.Wait()
	d.mu.Lock()
	servers := make([]*Server, 0, len(d.known))
	for _, s := range d.known {
		servers = append(servers, s)
	}
	d.mu.Unlock()
	for _, s := range servers {
		s.pool.close()
	}
}

// Candidates returns the servers to try, best first.
func (d *Directory) Candidates(ctx context.Context) ([]*Server, error) {
	servers, err := d.Servers(ctx)
	if err != nil && len(servers) == 0 {
		return nil, err
	}
	now := d.now()
	slices.SortStableFunc(servers, func(a, b *Server) int { return a.rank(now) - b.rank(now) })
	for _, s := range servers[1:] {
		d.probe(s)
	}
	return servers, nil
}

// locate resolves the domains among the locations.
func (d *Directory) locate(ctx context.Context) ([]location, error) {
	var all []location
	var errs []error
	for _, l := range d.locations {
		if !l.srv {
			all = append(all, l)
			continue
		}
		found, err := d.resolve(ctx, l)
		all, errs = append(all, found...), append(errs, err)
	}
	return all, errors.Join(errs...)
}

// resolve queries the DNS, and uses the last answer while the DNS fails.
func (d *Directory) resolve(ctx context.Context, l location) ([]location, error) {
	d.mu.Lock()
	list := d.srv[l.srvName()]
	d.mu.Unlock()
	now := d.now()
	if now.Before(list.until) {
		return list.locations, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.dialer.connect)
	defer cancel()
	_, records, err := d.lookupSRV(ctx, l.service(), "tcp", l.host)
	if err == nil {
		records = d.withinDomain(l.host, records)
	}
	if err != nil || len(records) == 0 {
		err = sdk.Unavailable(ReasonServerLookup, "looking up %s: %w", l.srvName(), noRecordsError(err))
		list.until = now.Add(srvKeepFailed)
	} else {
		list = srvList{until: now.Add(srvKeep)}
		for _, r := range records { // sorted by priority, shuffled by weight
			host := strings.TrimSuffix(r.Target, ".")
			list.locations = append(list.locations, location{
				network: "tcp", host: host, port: fmt.Sprint(r.Port), Protection: l.Protection,
			})
		}
	}
	if len(list.locations) > 0 {
		d.mu.Lock()
		d.srv[l.srvName()] = list
		d.mu.Unlock()
	}
	return list.locations, err
}

func (d *Directory) serverAt(l location) *Server {
	s := l.server()
	key := s.Address + " " + s.host
	d.mu.Lock()
	defer d.mu.Unlock()
	if known := d.known[key]; known != nil {
		return known
	}
	s.pool = newPool(d.poolSize, d.dialer.operate, d.now, func(ctx context.Context) (*Connection, error) { return d.OpenService(ctx, s) })
	d.known[key] = s
	return s
}

// Try runs an operation on the best server, and on the next one if it fails. The answer of a
// server is final: a wrong password is tried once.
func (d *Directory) Try(ctx context.Context, operation func(ctx context.Context, s *Server) error) error {
	servers, err := d.Candidates(ctx)
	if err != nil {
		return err
	}
	var failures []error
	asked, counts := len(servers), failureCounts(servers)
	for i := 0; i < len(servers); i++ {
		err := d.attempt(ctx, servers[i], len(servers)-i, operation)
		if errors.Is(err, errFailedForOthers) && i < asked {
			servers = append(servers, servers[i]) // it is tried last, because it was not asked yet
			continue
		}
		if !IsServerFailure(err) {
			return err
		}
		if proxy := ProxyFailure(err); proxy != nil {
			err, servers = proxy, append(servers[:i+1:i+1], d.skipBehindProxy(servers[i+1:], counts)...)
		}
		failures = append(failures, err)
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		if ctx.Err() != nil {
			break
		}
	}
	return unreachable(failures...)
}

func (d *Directory) attempt(ctx context.Context, s *Server, left int, operation func(ctx context.Context, s *Server) error) error {
	share, cancel := shareOf(ctx, left)
	defer cancel()
	count := s.failureCount()
	err := operation(share, s)
	switch {
	case errors.Is(ctx.Err(), context.Canceled): // the caller went away: the server did not fail
	case errors.Is(err, errFailedForOthers): // reported by the operation that failed
	case IsServerFailure(err):
		s.failed(d.now(), count)
		s.pool.drain()
		d.warn(s, err)
	default:
		s.succeeded(d.now())
	}
	return err
}

// shareOf leaves half of the time for the remaining servers.
func shareOf(ctx context.Context, left int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok || left <= 1 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/2)
}

// probe checks whether a failed server works again, so that no user has to wait for it. It is
// the only goroutine that a directory starts, and the time limit for connecting bounds it.
func (d *Directory) probe(s *Server) {
	if d.life.Err() != nil || !s.startProbe(d.now()) {
		return
	}
	d.tasks.Go(func() {
		defer s.endProbe()
		count := s.failureCount()
		c, err := d.OpenService(d.life, s)
		switch {
		case IsServerFailure(err):
			s.failed(d.now(), count)
		case err == nil:
			s.pool.put(c)
			fallthrough
		default:
			s.succeeded(d.now())
		}
	})
}
