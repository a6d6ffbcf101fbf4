package e2e

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	ds389ReadyBound = 60 * time.Second
	ds389StopBound  = 20 * time.Second
)

// The tree that 389 Directory Server's own tools make, and who is in it.
const (
	ds389Base     = "dc=example,dc=net"
	ds389People   = "ou=people," + ds389Base
	ds389Groups   = "ou=groups," + ds389Base
	ds389ReaderDN = "cn=reader,ou=services," + ds389Base
	ds389RootDN   = "cn=Directory Manager"
)

func ds389UserDN(uid string) string { return "uid=" + uid + "," + ds389People }

// ds389 is a running 389 Directory Server with the users of ds389_fixture_test.go, who
// all have the same password.
type ds389 struct {
	Password string
	CA       *authority

	Port, TLSPort int
	Dir           string
	process       *Process
}

// URL, LDAPS and LDAPI are where it listens.
func (s *ds389) URL() string   { return "ldap://127.0.0.1:" + strconv.Itoa(s.Port) }
func (s *ds389) LDAPS() string { return "ldaps://127.0.0.1:" + strconv.Itoa(s.TLSPort) }
func (s *ds389) LDAPI() string { return "ldapi://" + url.PathEscape(s.path("run/ldapi")) }

func (s *ds389) path(name string) string { return filepath.Join(s.Dir, name) }

var sharedDS389 struct {
	sync.Once
	server *ds389
	err    error
}

// startDS389 returns the server that all tests share.
func startDS389(t testing.TB) *ds389 {
	t.Helper()
	needDS389(t)
	sharedDS389.Do(func() { sharedDS389.server, sharedDS389.err = newDS389() })
	if sharedDS389.err != nil {
		t.Fatal(sharedDS389.err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of 389 Directory Server:\n%s%s", sharedDS389.server.process.Output(), sharedDS389.server.log())
		}
	})
	return sharedDS389.server
}

const ds389Packages = "389-ds-base python3-lib389 libnss3-tools"

func needDS389(t testing.TB) {
	t.Helper()
	for _, path := range []string{"/usr/sbin/ns-slapd", "/usr/sbin/dsidm", "/usr/bin/certutil", "/usr/bin/openssl", ds389Template} {
		if _, err := os.Stat(path); err != nil {
			missing(t, "389 Directory Server: install with apt-get install "+ds389Packages)
		}
	}
	if os.Getuid() != 0 {
		missing(t, "389 Directory Server: its files are for root and its own account only")
	}
}

func newDS389() (*ds389, error) {
	dir, err := os.MkdirTemp("", "dwd")
	if err != nil {
		return nil, err
	}
	s := &ds389{Dir: dir, Password: newPassword()}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

// ds389Template is the template that dscreate also fills in. dscreate itself needs
// fixed folders below /etc and /var, and takes eight seconds.
const ds389Template = "/usr/share/dirsrv/data/template-dse.ldif"

// prepare writes a configuration that uses nothing outside the folder.
func (s *ds389) prepare() error {
	var err error
	if s.CA, err = newAuthority(s.Dir); err != nil {
		return err
	}
	for _, port := range []*int{&s.Port, &s.TLSPort} {
		if *port, err = FreePort(); err != nil {
			return err
		}
	}
	for _, folder := range []string{"etc/schema", "db", "run", "log", "lock", "tmp", "bak", "ldif"} {
		if err := os.MkdirAll(s.path(folder), 0o755); err != nil {
			return err
		}
	}
	for from, to := range map[string]string{
		"/etc/dirsrv/config/slapd-collations.conf": "etc/slapd-collations.conf",
		"/etc/dirsrv/config/certmap.conf":          "etc/certmap.conf",
		"/etc/dirsrv/schema/99user.ldif":           "etc/schema/99user.ldif",
	} {
		if err := copyProgram(from, s.path(to)); err != nil {
			return err
		}
	}
	if err := s.writeCertificates(); err != nil {
		return err
	}
	return s.writeConfig()
}

func (s *ds389) writeConfig() error {
	blank, err := os.ReadFile(ds389Template)
	if err != nil {
		return err
	}
	hash, err := exec.Command("/usr/bin/pwdhash", "-s", "SSHA512", s.Password).Output()
	if err != nil {
		return fmt.Errorf("hashing the password of the administrator: %w", err)
	}
	var pairs []string
	for name, value := range map[string]string{
		"schema_dir": s.path("etc/schema"), "lock_dir": s.path("lock"), "tmp_dir": s.path("tmp"), "cert_dir": s.path("etc"),
		"ldif_dir": s.path("ldif"), "bak_dir": s.path("bak"), "run_dir": s.path("run"), "inst_dir": s.Dir, "log_dir": s.path("log"),
		"config_dir": s.path("etc"), "db_dir": s.path("db"), "db_home_dir": s.path("db"), "db_lib": "bdb",
		"fqdn": "localhost", "ds_port": strconv.Itoa(s.Port), "ds_user": ds389Account, "ds_suffix": ds389Base,
		"rootdn": ds389RootDN, "ds_passwd": strings.TrimSpace(string(hash)),
		"ldapi_enabled": "on", "ldapi": s.path("run/ldapi"), "ldapi_autobind": "off",
	} {
		pairs = append(pairs, "%"+name+"%", value)
	}
	text := strings.NewReplacer(pairs...).Replace(string(blank))
	text = strings.Replace(text, "\nnsslapd-port:", "\nnsslapd-listenhost: 127.0.0.1\nnsslapd-securelistenhost: 127.0.0.1\n"+
		"nsslapd-security: on\nnsslapd-secureport: "+strconv.Itoa(s.TLSPort)+"\nnsslapd-port:", 1)
	return os.WriteFile(s.path("etc/dse.ldif"), []byte(text), 0o600)
}

// writeCertificates makes the database from which the server reads its key.
func (s *ds389) writeCertificates() error {
	pair, err := s.CA.issue("server", "localhost", "127.0.0.1")
	if err != nil {
		return err
	}
	const pin = "no secret"
	for name, text := range map[string]string{"etc/pin.txt": "Internal (Software) Token:" + pin + "\n", "etc/pwdfile.txt": pin + "\n"} {
		if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	database, password := "sql:"+s.path("etc"), s.path("etc/pwdfile.txt")
	for _, args := range [][]string{
		{"openssl", "pkcs12", "-export", "-name", "Server-Cert", "-in", pair.CertFile, "-inkey", pair.KeyFile, "-passout", "file:" + password, "-out", s.path("server.p12")},
		{"certutil", "-N", "-d", database, "-f", password},
		{"certutil", "-A", "-n", "authority", "-t", "CT,,", "-a", "-i", s.CA.CAFile, "-d", database, "-f", password},
		{"pk12util", "-i", s.path("server.p12"), "-w", password, "-d", database, "-k", password},
	} {
		if out, err := exec.Command("/usr/bin/"+args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

// ds389Account is an account that the package creates.
const ds389Account = "dirsrv"

// start runs the server as its own account: if it changed the account itself, it would
// outlive a test that is killed. Then its own tools make the tree and the users.
func (s *ds389) start() error {
	cmd := exec.Command("/usr/sbin/ns-slapd", "-D", s.path("etc"), "-i", s.path("run/pid"), "-d", "0")
	credential, err := s.handOver()
	if err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Credential: credential}
	if s.process, err = StartProcess(cmd); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), ds389ReadyBound)
	defer cancel()
	// Only this server listens on this socket; a port could belong to another.
	if err := waitLDAP(ctx, s.process, s.LDAPI(), nil); err != nil {
		return fmt.Errorf("%w\n%s", err, s.log())
	}
	return s.fill()
}

// handOver makes the account of the server the owner of the folder.
func (s *ds389) handOver() (*syscall.Credential, error) {
	account, err := user.Lookup(ds389Account)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(account.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(account.Gid)
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(s.Dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid)
	})
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// log is the log of the server, which it writes into a file.
func (s *ds389) log() string {
	text, err := os.ReadFile(s.path("log/errors"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (s *ds389) remove() error {
	var err error
	if s.process != nil {
		err = s.process.Stop(ds389StopBound)
	}
	return errors.Join(err, os.RemoveAll(s.Dir))
}

// admin connects as the directory's administrator.
func (s *ds389) admin(t testing.TB) *directory {
	t.Helper()
	return bindDirectory(t, s.LDAPI(), nil, ds389RootDN, s.Password)
}

// follow sets password policy rules until the test ends.
func (s *ds389) follow(t testing.TB, rules map[string]string) {
	t.Helper()
	admin := s.admin(t)
	for name, value := range rules {
		admin.set("cn=config", name, value)
	}
	t.Cleanup(func() {
		for name := range rules {
			admin.set("cn=config", name) // the default again
		}
	})
}
