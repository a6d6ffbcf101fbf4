package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/go-ldap/ldap/v3"
)

const (
	slapdReadyBound = 20 * time.Second
	slapdStopBound  = 5 * time.Second
)

// slapdConfig says how to run OpenLDAP. The zero value is enough for most tests.
type slapdConfig struct {
	Bulk        int    // number of users below ou=bulk
	Referral    string // the server to which ou=elsewhere refers
	Extra       string // further global lines of slapd.conf
	Access      string // access rules before those of the reader
	Overlay     string // further lines of the database
	Groups      int    // number of groups below ou=many that alice is in
	Certificate string // name in the server's certificate, in place of localhost and 127.0.0.1
}

// slapd is a running OpenLDAP with the directory of slapdLDIF. All its users have the
// same password.
type slapd struct {
	Password string
	Referral string
	CA       *authority

	Port, TLSPort int
	Dir           string
	Extra, Access string
	Overlay       string
	Pair          keyPair
	process       *Process
}

// URL, LDAPS and LDAPI are where it listens.
func (s *slapd) URL() string   { return "ldap://127.0.0.1:" + strconv.Itoa(s.Port) }
func (s *slapd) LDAPS() string { return "ldaps://127.0.0.1:" + strconv.Itoa(s.TLSPort) }
func (s *slapd) LDAPI() string { return "ldapi://" + url.PathEscape(filepath.Join(s.Dir, "ldapi")) }

// Address is host and port of URL.
func (s *slapd) Address() string { return "127.0.0.1:" + strconv.Itoa(s.Port) }

// slapdPrograms are in folders that only root has in PATH.
const slapdPrograms = "/usr/sbin/"

func needSlapd(t testing.TB) {
	t.Helper()
	for _, path := range []string{slapdPrograms + "slapd", "/usr/lib/ldap/memberof.so"} {
		if _, err := os.Stat(path); err != nil {
			missing(t, "OpenLDAP: install with apt-get install slapd")
		}
	}
}

// slapdConf follows slapd.conf(5), slapo-memberof(5) and slapo-ppolicy(5).
// ppolicy_use_lockout makes the server say that an account is locked; otherwise a lock
// looks like a wrong password. The policies check passwords in clear text, and
// everything is on this machine, so the passwords are not hashed.
var slapdConf = template.Must(template.New("slapd.conf").Parse(`
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {{.Dir}}/slapd.pid
argsfile {{.Dir}}/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload ppolicy
TLSCACertificateFile {{.CA.CAFile}}
TLSCertificateFile {{.Pair.CertFile}}
TLSCertificateKeyFile {{.Pair.KeyFile}}
TLSVerifyClient try
TLSProtocolMin 3.3
sizelimit 500
{{.Extra}}
database mdb
maxsize 1073741824
dbnosync
suffix dc=example,dc=org
rootdn cn=admin,dc=example,dc=org
rootpw {{.Password}}
directory {{.Dir}}/db
index objectClass,uid,mail,memberUid,entryUUID eq
index member,memberOf,uniqueMember eq
index cn,sn,givenName eq,sub
overlay memberof
memberof-group-oc groupOfNames
memberof-member-ad member
memberof-memberof-ad memberOf
memberof-refint TRUE
overlay refint
refint_attributes member
overlay ppolicy
ppolicy_use_lockout
{{.Overlay}}
{{.Access}}
access to attrs=userPassword by self write by anonymous auth by * none
access to * by dn.base="cn=reader,dc=example,dc=org" read by self read by * none
`))

// startSlapd runs OpenLDAP until the test ends.
func startSlapd(t testing.TB, config slapdConfig) *slapd {
	t.Helper()
	needSlapd(t)
	// A short path, for the socket.
	dir, err := os.MkdirTemp("", "dwl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &slapd{Dir: dir, Password: newPassword(), Referral: config.Referral, Extra: config.Extra, Access: config.Access, Overlay: config.Overlay}
	if s.Referral == "" {
		s.Referral = "ldap://127.0.0.1:1"
	}
	if err := s.prepare(config); err != nil {
		t.Fatal(err)
	}
	if err := s.startOnFreePorts(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.process.Stop(slapdStopBound); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("output of slapd:\n%s", s.process.Output())
		}
	})
	s.addGroups(t)
	return s
}

func (s *slapd) prepare(config slapdConfig) error {
	var err error
	if s.CA, err = newAuthority(s.Dir); err != nil {
		return err
	}
	names := []string{"localhost", "127.0.0.1"}
	if config.Certificate != "" {
		names = []string{config.Certificate}
	}
	if s.Pair, err = s.CA.issue("server", names...); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(s.Dir, "db"), 0o700); err != nil {
		return err
	}
	var conf bytes.Buffer
	if err := slapdConf.Execute(&conf, s); err != nil {
		return err
	}
	if err := os.WriteFile(s.confFile(), conf.Bytes(), 0o600); err != nil {
		return err
	}
	load := exec.Command(slapdPrograms+"slapadd", "-q", "-f", s.confFile())
	load.Stdin = strings.NewReader(slapdLDIF(s, config))
	if out, err := load.CombinedOutput(); err != nil {
		return fmt.Errorf("loading the directory: %w\n%s", err, out)
	}
	return nil
}

func (s *slapd) confFile() string { return filepath.Join(s.Dir, "slapd.conf") }

// startOnFreePorts tries other ports if these were taken in the meantime.
func (s *slapd) startOnFreePorts(ctx context.Context) error {
	var err error
	for range 3 {
		for _, port := range []*int{&s.Port, &s.TLSPort} {
			if *port, err = FreePort(); err != nil {
				return err
			}
		}
		if err = s.start(ctx); err == nil {
			return nil
		}
	}
	return err
}

// start runs the server on its ports; -d keeps it in the foreground.
func (s *slapd) start(ctx context.Context) error {
	cmd := exec.Command(slapdPrograms+"slapd", "-f", s.confFile(), "-d", "0", "-h",
		s.URL()+" "+s.LDAPS()+" "+s.LDAPI())
	// It does not outlive a test that is killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	var err error
	if s.process, err = StartProcess(cmd); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, slapdReadyBound)
	defer cancel()
	// Only this server listens on this socket; a port could belong to another.
	return waitLDAP(ctx, s.process, s.LDAPI(), nil)
}

// stop ends the server before the test does, restart starts it again.
func (s *slapd) stop(t testing.TB) {
	t.Helper()
	if err := s.process.Stop(slapdStopBound); err != nil {
		t.Fatal(err)
	}
}

func (s *slapd) restart(t testing.TB) {
	t.Helper()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// admin connects as the directory's administrator.
func (s *slapd) admin(t testing.TB) *directory {
	t.Helper()
	return bindDirectory(t, s.LDAPI(), nil, adminDN, s.Password)
}

func (s *slapd) addGroups(t testing.TB) {
	t.Helper()
	admin := s.admin(t)
	for _, g := range slapdGroups {
		admin.add(groupDN(g.name), map[string][]string{"objectClass": {"groupOfNames"}, "cn": {g.name}, "member": g.members})
	}
	admin.add("cn=devs,"+posixDN, map[string][]string{
		"objectClass": {"posixGroup"}, "cn": {"devs"}, "gidNumber": {"6001"}, "memberUid": {"alice", "bob"},
	})
}

// options configure a provider that searches this server over StartTLS, in the most
// common way.
func (s *slapd) options(more map[string]string) map[string]string {
	options := map[string]string{
		"client_url": s.URL(), "start_tls": "true", "tls_ca": s.CA.CA,
		"bind_dn": readerDN, "bind_password": s.Password,
		"user_dn": peopleDN, "user_attribute": "uid",
	}
	return merged(options, more)
}

// waitLDAP waits until the server answers.
func waitLDAP(ctx context.Context, process *Process, url string, dial ldap.DialOpt) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		conn, err := dialLDAP(url, dial)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-again.C:
		case <-process.Done():
			return fmt.Errorf("the directory at %s ended:\n%s", url, process.Output())
		case <-ctx.Done():
			return fmt.Errorf("waiting for the directory at %s: %w: %w\n%s", url, ctx.Err(), err, process.Output())
		}
	}
}

func dialLDAP(url string, option ldap.DialOpt) (*ldap.Conn, error) {
	if option == nil {
		return ldap.DialURL(url)
	}
	return ldap.DialURL(url, option)
}
