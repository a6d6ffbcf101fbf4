package postgres

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/doorward/doorward/sdk/contract"
)

// Options say where the database is. The names in the comments are those of the
// settings.
type Options struct {
	// ConnectionString (DB_CONNECTION_STRING) is one of PostgreSQL: a URL, or words
	// "host=… dbname=…". If it is empty, the five fields after it count.
	ConnectionString string

	Host     string // DB_HOST: a name, an address, or the folder of a unix socket
	Port     int    // DB_PORT
	User     string // DB_USER
	Password string // DB_PASSWORD
	Database string // DB_DATABASE

	// TLS (DB_SSL) is how TLS is spoken; the name of the server is filled in. If it is
	// nil, the connection string decides, and without one there is no TLS.
	TLS *tls.Config

	MinConnections, MaxConnections int // DB_POOL__MIN, DB_POOL__MAX

	// Wait is how long Open tries while no server answers, and Waiting is told why,
	// once for each reason; nil: nobody is.
	Wait    time.Duration
	Waiting func(err error)
}

const connectTimeout = 5 * time.Second

// poolConfig is what pgx makes of the options. Its errors would repeat what stands in
// a connection string, with the password, and are left out.
func (o Options) poolConfig() (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(o.connectionString())
	if err != nil && o.ConnectionString != "" {
		return nil, errors.New("DB_CONNECTION_STRING is none that PostgreSQL knows; write postgresql://user:password@host:5432/database, with % and two hexadecimal digits for / @ : ? # % in the password, or set DB_HOST, DB_PORT, DB_USER, DB_PASSWORD and DB_DATABASE instead")
	}
	if err != nil {
		return nil, errors.New("DB_HOST, DB_PORT, DB_USER, DB_PASSWORD and DB_DATABASE do not make a connection; look at them, and at the variables of PostgreSQL that begin with PG")
	}
	c := config.ConnConfig
	if o.ConnectionString == "" {
		c.Password = o.Password // as it is, with whatever characters
	}
	c.DefaultQueryExecMode = pgx.QueryExecModeExec // see the package comment
	c.StatementCacheCapacity, c.DescriptionCacheCapacity = 0, 0
	c.ConnectTimeout = connectTimeout
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "doorward"
	}
	o.speakTLS(&c.Config)
	config.MinConns, config.MaxConns = int32(o.MinConnections), int32(o.MaxConnections)
	config.PingTimeout = 2 * time.Second
	return config, nil
}

func (o Options) connectionString() string {
	if o.ConnectionString != "" {
		return o.ConnectionString
	}
	words := []string{"host=" + quote(o.Host), "port=" + strconv.Itoa(o.Port), "user=" + quote(o.User), "dbname=" + quote(o.Database), "sslmode=disable"}
	if o.Password != "" {
		words = append(words, "password="+quote(o.Password)) // or ~/.pgpass would be looked at
	}
	return strings.Join(words, " ")
}

// quote quotes a value as PostgreSQL's connection strings have it.
func quote(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// speakTLS puts our TLS in the place of that of the connection string. Each of its
// hosts is held to its own name, and none is also tried without TLS.
func (o Options) speakTLS(c *pgconn.Config) {
	if o.TLS == nil {
		return
	}
	secured := func(host string, port uint16) *tls.Config {
		if network, _ := pgconn.NetworkAddress(host, port); network == "unix" {
			return nil // as PostgreSQL has it: there is none on unix sockets
		}
		config := o.TLS.Clone()
		if config.ServerName == "" {
			config.ServerName = host
		}
		return config
	}
	c.TLSConfig = secured(c.Host, c.Port)
	var others []*pgconn.FallbackConfig
	seen := map[string]bool{address(c.Host, c.Port): true}
	for _, f := range c.Fallbacks {
		if at := address(f.Host, f.Port); !seen[at] {
			seen[at] = true
			others = append(others, &pgconn.FallbackConfig{Host: f.Host, Port: f.Port, TLSConfig: secured(f.Host, f.Port)})
		}
	}
	c.Fallbacks = others
}

func address(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// Warnings say what may not be meant of how the server is reached, by the names of the
// settings.
func (o Options) Warnings() (warnings []string) {
	config, err := o.poolConfig()
	if err != nil {
		return nil // Open tells
	}
	c := config.ConnConfig
	targets := append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
	add := func(format, host string) {
		if warning := fmt.Sprintf(format, host); !slices.Contains(warnings, warning) {
			warnings = append(warnings, warning)
		}
	}
	for _, t := range targets {
		if network, _ := pgconn.NetworkAddress(t.Host, t.Port); network == "unix" || contract.IsLoopback(t.Host) {
			continue
		}
		switch unsafe := t.TLSConfig; {
		case unsafe == nil:
			add("what goes to PostgreSQL on %s can be read and changed on the way: set DB_SSL=true (or write sslmode=verify-full in DB_CONNECTION_STRING), unless the network is yours alone", t.Host)
		case unsafe.InsecureSkipVerify && unsafe.VerifyPeerCertificate == nil && unsafe.VerifyConnection == nil:
			add("whoever is on the way to %s can be its PostgreSQL, as any certificate is accepted: give the certificate of its authority by DB_SSL__CA_FILE, and remove DB_SSL__REJECT_UNAUTHORIZED and sslmode", t.Host)
		}
	}
	return warnings
}

// where names the database for errors, without a password.
func where(c *pgx.ConnConfig) string {
	u := url.URL{Scheme: "postgresql", Host: address(c.Host, c.Port), Path: c.Database}
	return fmt.Sprintf("%q", u.String())
}
