package config

import (
	"crypto/tls"
	"path/filepath"
	"slices"
	"strings"

	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/tlsoptions"
)

// DatabaseSettings are where users and sessions are stored, under the names of Directus.
type DatabaseSettings struct {
	DBClient   string `option:"db_client" default:"sqlite3" doc:"The kind of database: sqlite3 for one host; pg (or postgres) for one host or several, see postgresql.md."`
	DBFilename string `option:"db_filename" default:"./doorward.db" doc:"sqlite3: the path of the database file."`

	DBConnectionString options.Secret `option:"db_connection_string" doc:"pg: postgresql://user:password@host:5432/database, instead of the five settings below."`
	DBHost             string         `option:"db_host" doc:"pg: the name or address of the server, or the folder of its Unix socket."`
	DBPort             int            `option:"db_port" default:"5432" doc:"pg: the TCP port of the server."`
	DBUser             string         `option:"db_user" doc:"pg: the role that owns the database."`
	DBPassword         options.Secret `option:"db_password" doc:"pg: the password of the role."`
	DBDatabase         string         `option:"db_database" doc:"pg: the name of the database."`

	DBSSL                   bool           `option:"db_ssl" doc:"pg: use TLS, and accept the server only if its certificate is valid for DB_HOST. Default: true if a DB_SSL__ setting is given; otherwise as DB_CONNECTION_STRING says, or false."`
	DBSSLCA                 string         `option:"db_ssl__ca" doc:"pg: PEM certificates of the authorities that issue the server's certificate. DB_SSL__CA_FILE names a file. Default: those of the system."`
	DBSSLCert               string         `option:"db_ssl__cert" doc:"pg: the PEM client certificate."`
	DBSSLKey                options.Secret `option:"db_ssl__key" doc:"pg: the PEM key of DB_SSL__CERT."`
	DBSSLRejectUnauthorized bool           `option:"db_ssl__reject_unauthorized" default:"true" doc:"pg: false accepts any certificate, even an attacker's."`

	DBPoolMin int `option:"db_pool__min" default:"0" doc:"pg: the number of connections that are kept open."`
	DBPoolMax int `option:"db_pool__max" default:"10" doc:"pg: the maximum number of connections of each host."`
}

// Database is the database of the host.
type Database struct {
	Filename string    // of SQLite
	Postgres *Postgres // nil: it is SQLite
}

// Postgres describes how to reach a PostgreSQL database.
type Postgres struct {
	ConnectionString options.Secret // empty: the five fields below count

	Host     string
	Port     int
	User     string
	Password options.Secret
	Database string

	TLS *tls.Config // nil: as the connection string has it, or without TLS

	MinConnections, MaxConnections int
}

var (
	databaseSchema = mustSchema[DatabaseSettings]()
	databasePEM    = map[string]func(string) error{"db_ssl__ca": certificates, "db_ssl__cert": certificates, "db_ssl__key": tlsoptions.CheckKey}
)

// DatabaseOf returns the database, and the path of the control socket of the host that
// uses it, for commands that need no other setting: SECRET may be lost. The error is an
// [*Error].
func DatabaseOf(in Input) (database Database, socket string, err error) {
	g, s, err := pathsIn(in)
	if err != nil {
		return Database{}, "", err
	}
	all := g.given
	for _, option := range databaseSchema.Options {
		if found, ok := g.loader.givenSetting(option); ok {
			all[option.Name] = found
		}
	}
	g.checkPEM(databasePEM)
	g.given = only(all, databaseSchema)
	s.DatabaseSettings = decode[DatabaseSettings](g)
	g.given = all
	database = g.database(&s.DatabaseSettings)
	socket = g.controlSocket(s, s.DBFilename)
	return database, socket, g.problem()
}

// only returns the values that a schema has.
func only(values map[string]given, schema options.Schema) map[string]given {
	left := map[string]given{}
	for name, found := range values {
		if _, ok := schema.Lookup(name); ok {
			left[name] = found
		}
	}
	return left
}

// database checks which database is meant, and normalizes its path and kind in s.
func (g *optionGroup) database(s *DatabaseSettings) Database {
	path := g.path("db_filename", s.DBFilename)
	name := s.DBFilename
	s.DBFilename = path
	switch s.DBClient {
	case "sqlite3":
		g.warnOfUnread("%s has no effect with DB_CLIENT=sqlite3; for PostgreSQL write DB_CLIENT=pg", allExcept(databaseSchema, "db_client", "db_filename")...)
		if g.ok("db_filename") {
			g.checkDatabasePath(name, path)
		}
		return Database{Filename: path}
	case "pg", "postgres":
		s.DBClient = "pg"
		g.warnOfUnread("%s has no effect with DB_CLIENT=pg, except on the default of CONTROL_SOCKET", "db_filename")
		return Database{Postgres: g.postgres(*s)}
	}
	if g.ok("db_client") {
		g.refuse("db_client", "must be sqlite3, or pg for PostgreSQL")
	}
	return Database{}
}

// allExcept returns the names of all options except those.
func allExcept(schema options.Schema, except ...string) (names []string) {
	for _, option := range schema.Options {
		if !slices.Contains(except, option.Name) {
			names = append(names, option.Name)
		}
	}
	return names
}

// warnOfUnread warns of options that are given but not read.
func (g *optionGroup) warnOfUnread(format string, options ...string) {
	for _, option := range options {
		if g.isGiven(option) {
			g.loader.warnOfNoEffect(format, g.spell(option))
		}
	}
}

func (g *optionGroup) postgres(s DatabaseSettings) *Postgres {
	p := &Postgres{
		ConnectionString: s.DBConnectionString, Host: s.DBHost, Port: s.DBPort, User: s.DBUser, Password: s.DBPassword, Database: s.DBDatabase,
		TLS: g.databaseTLS(s), MinConnections: s.DBPoolMin, MaxConnections: s.DBPoolMax,
	}
	parts := []string{"db_host", "db_port", "db_user", "db_password", "db_database"}
	if p.ConnectionString != "" {
		g.warnOfUnread("%s has no effect: DB_CONNECTION_STRING takes precedence", parts...)
	} else {
		for option, value := range map[string]string{"db_host": p.Host, "db_user": p.User, "db_database": p.Database} {
			if g.ok(option) && value == "" {
				g.refuse(option, "is required with DB_CLIENT=pg, unless DB_CONNECTION_STRING is given")
			}
		}
		g.between("db_port", p.Port, 1, 65535)
	}
	const most = 1000
	g.between("db_pool__max", p.MaxConnections, 1, most)
	g.between("db_pool__min", p.MinConnections, 0, min(most, max(p.MaxConnections, 1)))
	return p
}

func (g *optionGroup) between(option string, n, least, most int) {
	if g.ok(option) && (n < least || n > most) {
		g.refuse(option, "must be from %d to %d", least, most)
	}
}

// databaseTLS is nil if no setting mentions TLS.
func (g *optionGroup) databaseTLS(s DatabaseSettings) *tls.Config {
	var given []string
	for _, option := range []string{"db_ssl__ca", "db_ssl__cert", "db_ssl__key", "db_ssl__reject_unauthorized"} {
		if g.isGiven(option) {
			given = append(given, option)
		}
	}
	switch {
	case len(given) == 0 && !s.DBSSL:
		return nil
	case g.isGiven("db_ssl") && !s.DBSSL && g.ok("db_ssl"):
		g.refuse("db_ssl", "is false, but %s is given, which is for TLS; remove one of them", g.spell(given[0]))
		return nil
	}
	// The store fills in the name of the server.
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: !s.DBSSLRejectUnauthorized} //nolint:gosec // the operator's choice, of which each start warns
	if s.DBSSLCA != "" && g.ok("db_ssl__ca") {
		authorities, err := tlsoptions.Authorities(s.DBSSLCA)
		if err != nil {
			g.refuse("db_ssl__ca", "%v", err)
		}
		config.RootCAs = authorities
	}
	if s.DBSSLCert == "" && s.DBSSLKey == "" || !g.ok("db_ssl__cert") || !g.ok("db_ssl__key") {
		return config
	}
	g.loader.problems = append(g.loader.problems, tlsoptions.PairProblems(g.spell("db_ssl__cert"), s.DBSSLCert, g.spell("db_ssl__key"), s.DBSSLKey)...)
	if pair, err := tlsoptions.Pair(s.DBSSLCert, s.DBSSLKey); err == nil {
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}

func (g *optionGroup) checkDatabasePath(name, path string) {
	folder := filepath.Dir(path)
	switch {
	case name == ":memory:" || strings.HasPrefix(name, "file:"):
		g.refuse("db_filename", "must be the path of a file: sessions and keys have to survive a restart")
	case isFolder(path):
		g.refuse("db_filename", "must be the path of a file, but %s is a folder; write %s", path, filepath.Join(path, "doorward.db"))
	case !isFolder(folder):
		g.refuse("db_filename", "must be in a folder that exists; create %s first, or write another path", folder)
	}
}
