package postgres

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/doorward/doorward/host/internal/store/pgtest"
)

func TestWhatIsMadeOfTheOptions(t *testing.T) {
	for _, odd := range []string{`a b`, `it's`, `back\slash`, `%41`, `ö"`, `host=elsewhere`, ``} {
		o := Options{Host: "127.0.0.1", Port: 6432, User: odd + "u", Password: odd, Database: odd + "d", MinConnections: 1, MaxConnections: 3}
		got, err := o.poolConfig()
		if err != nil {
			t.Errorf("%q: %v", odd, err)
			continue
		}
		c := got.ConnConfig
		want := []any{"127.0.0.1", uint16(6432), odd + "u", odd, odd + "d", int32(1), int32(3)}
		if diff := cmp.Diff(want, []any{c.Host, c.Port, c.User, c.Password, c.Database, got.MinConns, got.MaxConns}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", odd, diff)
		}
		if c.TLSConfig != nil || len(c.Fallbacks) > 0 {
			t.Errorf("%q: TLS that nobody asked for", odd)
		}
	}
}

func TestNoErrorHasThePassword(t *testing.T) {
	for _, text := range []string{
		"postgresql://me:" + password + "@h:x/d", "postgresql://me:" + password + "%@h/d", "postgresql://me:" + password + "/@h/d",
		"host=h password=" + password + " port=x", "password='" + password, "postgresql://me:" + password + "@h/d?sslmode=nonsense",
	} {
		_, err := Open(t.Context(), Options{ConnectionString: text}, nil)
		wantSays(t, "Open", err, "DB_CONNECTION_STRING is not a PostgreSQL connection string; write postgresql://")
	}
	s := server(t)
	_, err := Open(t.Context(), Options{ConnectionString: fmt.Sprintf("postgresql://me:%s@%s:%d/gone?sslmode=disable", password, s.Host, s.Port), MaxConnections: 1}, nil)
	wantSays(t, "Open", err, "check DB_USER, DB_PASSWORD")
}

func TestConnectionStrings(t *testing.T) {
	s := server(t)
	database := s.NewDatabase(t)
	for _, text := range []string{
		fmt.Sprintf("postgresql://doorward@%s:%d/%s", s.Host, s.Port, database),
		fmt.Sprintf("postgres://doorward@%s:%d/%s?sslmode=disable&application_name=mine", s.Host, s.Port, database),
		fmt.Sprintf("host=%s port=%d user=doorward dbname=%s", s.Dir, s.Port, database),
	} {
		mustLogIn(t, mustOpen(t, Options{ConnectionString: text, MaxConnections: 2}), loginOf("ann", text[:12]+sessionOf(text)))
	}
	o := optionsOf(s.Dir, s.Port, database) // a unix socket
	mustLogIn(t, mustOpen(t, o), loginOf("ann", "socket"))
}

func sessionOf(text string) string { return fmt.Sprint(len(text)) }

func TestWarnings(t *testing.T) {
	open, accepting := "can be read and changed on the way: set DB_SSL=true", "anyone on the way can pose as its PostgreSQL"
	for name, c := range map[string]struct {
		o    Options
		want []string
	}{
		"this machine":              {Options{Host: "127.0.0.1", Port: 1}, nil},
		"a socket":                  {Options{Host: "/run/postgresql", Port: 1}, nil},
		"another machine":           {Options{Host: "db", Port: 1}, []string{open}},
		"with TLS":                  {Options{Host: "db", Port: 1, TLS: &tls.Config{}}, nil},
		"with any certificate":      {Options{Host: "db", Port: 1, TLS: &tls.Config{InsecureSkipVerify: true}}, []string{accepting}},
		"a string":                  {Options{ConnectionString: "postgresql://db/d"}, []string{accepting, open}},
		"a string for any":          {Options{ConnectionString: "postgresql://db/d?sslmode=require"}, []string{accepting}},
		"a string without":          {Options{ConnectionString: "postgresql://db/d?sslmode=disable"}, []string{open}},
		"a string with all":         {Options{ConnectionString: "postgresql://db/d?sslmode=verify-full"}, nil},
		"a string with our TLS":     {Options{ConnectionString: "postgresql://db/d?sslmode=disable", TLS: &tls.Config{}}, nil},
		"two hosts, one of them us": {Options{ConnectionString: "postgresql://localhost,db/d?sslmode=disable"}, []string{open}},
	} {
		got := c.o.Warnings()
		for i, w := range c.want {
			if i >= len(got) || !strings.Contains(got[i], w) {
				t.Errorf("%s: warnings %q, want %q", name, got, c.want)
				break
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: warnings %q, want %q", name, got, c.want)
		}
	}
}

func TestTLS(t *testing.T) {
	s, err := pgtest.Start() // its own, as it speaks TLS from then on
	pgtest.Require(t, err)
	t.Cleanup(func() {
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
	})
	o := optionsOf("localhost", s.Port, s.NewDatabase(t))
	trusted, other := authority(t), authority(t)
	o.TLS, o.Wait = &tls.Config{}, time.Minute // a server without TLS does not wait either
	_, err = Open(t.Context(), o, nil)
	wantSays(t, "a server without TLS", err, "PostgreSQL does not offer TLS", "remove DB_SSL")
	certificate, key := issue(t, trusted)
	if err := s.ServeTLS(certificate, key); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		tls  *tls.Config
		host string
		want string
	}{
		"a certificate for the name":      {&tls.Config{RootCAs: trusted.pool()}, "localhost", ""},
		"a certificate for another name":  {&tls.Config{RootCAs: trusted.pool()}, "127.0.0.1", "the certificate of PostgreSQL is not valid: set DB_HOST to a name in the certificate"},
		"of another authority":            {&tls.Config{RootCAs: other.pool()}, "localhost", "DB_SSL__CA_FILE to the certificate of its authority"},
		"of nobody that the system knows": {&tls.Config{}, "localhost", "DB_SSL__CA_FILE"},
		"whatever it is":                  {&tls.Config{InsecureSkipVerify: true}, "127.0.0.1", ""},
	} {
		o.TLS, o.Host, o.Wait = c.tls, c.host, time.Minute // a certificate does not become another
		opened, err := Open(t.Context(), o, nil)
		if c.want != "" {
			wantSays(t, name, err, c.want)
			continue
		}
		wantIs(t, name, err, nil)
		if err == nil {
			if n := encrypted(t, opened.pool); n != 1 {
				t.Errorf("%s: %d connections with TLS", name, n)
			}
			wantIs(t, "Close", opened.Close(), nil)
		}
	}
}

func encrypted(t *testing.T, pool *pgxpool.Pool) (n int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

type ca struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func (c ca) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.certificate)
	return pool
}

func authority(t *testing.T) ca {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	return ca{sign(t, template, template, key, key), key}
}

func issue(t *testing.T, by ca) (certificate, keyPEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: sign(t, template, by.certificate, key, by.key).Raw}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func sign(t *testing.T, template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// A pool never has more connections than allowed, and waiting callers get one in turn.
func TestThePoolIsBounded(t *testing.T) {
	s := server(t)
	o := optionsOf(s.Host, s.Port, s.NewDatabase(t))
	o.MaxConnections = 2
	store := mustOpen(t, o)
	told := make(chan error, 50)
	for i := range cap(told) {
		go func() { told <- store.CreateSession(t.Context(), loginOf("ann", fmt.Sprint("s", i))) }() // ends with its login
	}
	for range cap(told) {
		wantIs(t, "a login", <-told, nil)
	}
	if n := store.pool.Stat().TotalConns(); n > 2 {
		t.Errorf("%d connections, want 2", n)
	}
}
