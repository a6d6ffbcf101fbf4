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

// Options say where the database is. The comments name the settings.
type Options struct {
	// ConnectionString (DB_CONNECTION_STRING) is a PostgreSQL URL or a string "host=…
	// dbname=…". If it is empty, the five fields after it are used.
	ConnectionString string

	Host     string // DB_HOST: a name, an address, or the folder of a unix socket
	Port     int    // DB_PORT
	User     string // DB_USER
	Password string // DB_PASSWORD
	Database string // DB_DATABASE

	// TLS (DB_SSL) is the TLS configuration; the server name is filled in. If it is nil,
	// the connection string decides, and without one there is no TLS.
	TLS *tls.Config

	MinConnections, MaxConnections int // DB_POOL__MIN, DB_POOL__MAX

	// Wait is how long Open keeps trying while no server answers. Waiting is called with
	// the reason, once for each reason; it may be nil.
	Wait    time.Duration
	Waiting func(err error)
}

const connectTimeout = 5 * time.Second

// poolConfig returns the options as pgx's. Errors of pgx could repeat parts of a
// connection string, including the password, so they are left out.
func (o Options) poolConfig() (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(o.connectionString())
	if err != nil && o.ConnectionString != "" {
		return nil, errors.New("DB_CONNECTION_STRING is not a PostgreSQL connection string; write postgresql://user:password@host:5432/database, with % and two hexadecimal digits for / @ : ? # % in the password, or set DB_HOST, DB_PORT, DB_USER, DB_PASSWORD and DB_DATABASE instead")
	}
	if err != nil {
		return nil, errors.New("DB_HOST, DB_PORT, DB_USER, DB_PASSWORD and DB_DATABASE are not valid together; check them, and PostgreSQL's variables that begin with PG")
	}
	c := config.ConnConfig
	if o.ConnectionString == "" {
		c.Password = o.Password // unescaped, with any characters
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
		words = append(words, "password="+quote(o.Password)) // otherwise ~/.pgpass would be read
	}
	return strings.Join(words, " ")
}

// quote quotes a value for a PostgreSQL connection string.
func quote(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// speakTLS replaces the TLS settings of the connection string. Each of its hosts must
// match its own name, and no connection falls back to plain text.
func (o Options) speakTLS(c *pgconn.Config) {
	if o.TLS == nil {
		return
	}
	secured := func(host string, port uint16) *tls.Config {
		if network, _ := pgconn.NetworkAddress(host, port); network == "unix" {
			return nil // like PostgreSQL: no TLS on unix sockets
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

// Warnings reports settings that may be unintended, by their names.
func (o Options) Warnings() (warnings []string) {
	config, err := o.poolConfig()
	if err != nil {
		return nil // Open reports it
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
			add("the connection to PostgreSQL on %s is not encrypted and can be read and changed on the way: set DB_SSL=true (or write sslmode=verify-full in DB_CONNECTION_STRING), unless the network is yours alone", t.Host)
		case unsafe.InsecureSkipVerify && unsafe.VerifyPeerCertificate == nil && unsafe.VerifyConnection == nil:
			add("any certificate is accepted from %s, so anyone on the way can pose as its PostgreSQL: set DB_SSL__CA_FILE to the certificate of its authority, and remove DB_SSL__REJECT_UNAUTHORIZED and sslmode", t.Host)
		}
	}
	return warnings
}

// where names the database in errors, without a password.
func where(c *pgx.ConnConfig) string {
	u := url.URL{Scheme: "postgresql", Host: address(c.Host, c.Port), Path: c.Database}
	return fmt.Sprintf("%q", u.String())
}
