package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/host/internal/config"
)

var pgParts = []string{"DB_CLIENT=pg", "DB_HOST=db.example.org", "DB_USER=me", "DB_DATABASE=logins"}

func withParts(more ...string) []string { return append(append([]string{}, pgParts...), more...) }

func TestPostgres(t *testing.T) {
	want := config.Postgres{Host: "db.example.org", Port: 5432, User: "me", Database: "logins", MaxConnections: 10}
	for name, c := range map[string]struct {
		environ []string
		change  func(p *config.Postgres)
	}{
		"the least":            {withParts(), func(*config.Postgres) {}},
		"by its other name":    {withParts("DB_CLIENT=postgres"), func(*config.Postgres) {}},
		"all":                  {withParts("DB_PORT=6432", "DB_PASSWORD=p w", "DB_POOL__MIN=2", "DB_POOL__MAX=20"), func(p *config.Postgres) { p.Port, p.Password, p.MinConnections, p.MaxConnections = 6432, "p w", 2, 20 }},
		"a password in a file": {withParts("DB_PASSWORD_FILE=password"), func(p *config.Postgres) { p.Password = "from a file" }},
		"a connection string": {[]string{"DB_CLIENT=pg", "DB_CONNECTION_STRING=postgresql://me@h/d"}, func(p *config.Postgres) {
			*p = config.Postgres{ConnectionString: "postgresql://me@h/d", Port: 5432, MaxConnections: 10}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := newSetup(t, c.environ...).file(t, "password", "from a file\n").mustLoad(t)
			changed := want
			c.change(&changed)
			if got.DBClient != "pg" || len(got.Warnings) > 0 || got.Database.Filename != "" {
				t.Errorf("client %q, file %q, warnings %q", got.DBClient, got.Database.Filename, got.Warnings)
			}
			if diff := cmp.Diff(&changed, got.Database.Postgres); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPostgresRefused(t *testing.T) {
	newSetup(t, "DB_CLIENT=pg", "DB_HOST=h", "DB_DATABASE=d").refused(t, "DB_USER: is required with DB_CLIENT=pg, unless DB_CONNECTION_STRING is given")
	for name, c := range map[string]struct{ setting, want string }{
		"port":               {"DB_PORT=0", "DB_PORT: must be from 1 to 65535"},
		"no connections":     {"DB_POOL__MAX=0", "DB_POOL__MAX: must be from 1 to 1000"},
		"more kept than had": {"DB_POOL__MIN=11", "DB_POOL__MIN: must be from 0 to 10"},
		"no certificate":     {"DB_SSL__CA=nonsense", "DB_SSL__CA: "},
		"no file":            {"DB_SSL__CA_FILE=gone", "DB_SSL__CA_FILE: "},
		"half a pair":        {"DB_SSL__CERT=" + certificate(t), "DB_SSL__CERT: goes together with DB_SSL__KEY"},
	} {
		t.Run(name, func(t *testing.T) { newSetup(t, withParts(c.setting)...).refused(t, c.want) })
	}
	newSetup(t, withParts("DB_SSL=false", "DB_SSL__CA="+certificate(t))...).refused(t, "DB_SSL: is false, but DB_SSL__CA is given, which is for TLS; remove one of them")
	newSetup(t, withParts("DB_SSL__CA_FILE=empty")...).file(t, "empty", "").refused(t, "DB_SSL__CA_FILE: names a file that is empty")
}

func TestPostgresTLS(t *testing.T) {
	for name, c := range map[string]struct {
		settings            []string
		tls, unsafe, ownCAs bool
	}{
		"none":             {nil, false, false, false},
		"turned off":       {[]string{"DB_SSL=false"}, false, false, false},
		"turned on":        {[]string{"DB_SSL=true"}, true, false, false},
		"with a CA":        {[]string{"DB_SSL__CA=" + certificate(t)}, true, false, true},
		"without checking": {[]string{"DB_SSL__REJECT_UNAUTHORIZED=false"}, true, true, false},
	} {
		got := newSetup(t, withParts(c.settings...)...).mustLoad(t).Database.Postgres.TLS
		if (got != nil) != c.tls {
			t.Errorf("%s: TLS %v", name, got != nil)
			continue
		}
		if c.tls && (got.InsecureSkipVerify != c.unsafe || (got.RootCAs != nil) != c.ownCAs) {
			t.Errorf("%s: accepts anything %v, own authorities %v", name, got.InsecureSkipVerify, got.RootCAs != nil)
		}
	}
}

// Settings that are not read are named in a warning, and do not prevent a start.
func TestSettingsOfTheOtherDatabase(t *testing.T) {
	for name, c := range map[string]struct{ environ, want []string }{
		"SQLite": {[]string{"DB_HOST=h", "DB_SSL=true", "DB_PASSWORD=p"}, []string{
			"DB_HOST has no effect with DB_CLIENT=sqlite3; for PostgreSQL write DB_CLIENT=pg",
			"DB_PASSWORD has no effect with DB_CLIENT=sqlite3; for PostgreSQL write DB_CLIENT=pg",
			"DB_SSL has no effect with DB_CLIENT=sqlite3; for PostgreSQL write DB_CLIENT=pg",
		}},
		"PostgreSQL": {withParts("DB_FILENAME=/gone/x.db"), []string{"DB_FILENAME has no effect with DB_CLIENT=pg, except on the default of CONTROL_SOCKET"}},
		"a connection string": {withParts("DB_CONNECTION_STRING=postgresql://h/d"), []string{
			"DB_HOST has no effect: DB_CONNECTION_STRING takes precedence",
			"DB_USER has no effect: DB_CONNECTION_STRING takes precedence",
			"DB_DATABASE has no effect: DB_CONNECTION_STRING takes precedence",
		}},
		"what Directus has besides": {withParts("DB_SEARCH_PATH=x", "DB_POOL__IDLE_TIMEOUT_MILLIS=1", "DB_SSL__SERVERNAME=x"), []string{
			"DB_POOL__IDLE_TIMEOUT_MILLIS has no effect: for the pool, only DB_POOL__MIN and DB_POOL__MAX count",
			"DB_SEARCH_PATH has no effect: the tables are in the schema doorward of the database, regardless of the search path",
			"DB_SSL__SERVERNAME has no effect: for TLS, only DB_SSL, DB_SSL__CA, DB_SSL__CERT, DB_SSL__KEY and DB_SSL__REJECT_UNAUTHORIZED count",
		}},
	} {
		if diff := cmp.Diff(c.want, newSetup(t, c.environ...).mustLoad(t).Warnings); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The configuration is printed in tests and traces.
func TestPasswordsOfTheDatabaseAreNotPrinted(t *testing.T) {
	s := newSetup(t, withParts("DB_PASSWORD=hunter2", "DB_PORT=x")...)
	if _, err := s.load(); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error: %v", err)
	}
	s = newSetup(t, "DB_CLIENT=pg", "DB_CONNECTION_STRING=postgresql://me:hunter2@h/d")
	c := s.mustLoad(t)
	if text := strings.Join(c.Warnings, "") + cmp.Diff(nil, c.Database.Postgres.ConnectionString.String()); strings.Contains(text, "hunter2") {
		t.Error(text)
	}
	if socket := c.ControlSocket; socket != filepath.Join(s.dir, "doorward.db.sock") {
		t.Errorf("control socket: %s", socket)
	}
}

func certificate(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
