package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/go-ldap/ldap/v3"
)

const (
	sambaReadyBound = 30 * time.Second
	sambaStopBound  = 10 * time.Second
)

// The domain of the tests.
const (
	adRealm  = "AD.EXAMPLE.ORG"
	adDomain = "CORP"
	adBase   = "DC=ad,DC=example,DC=org"
	adUsers  = "CN=Users," + adBase
)

func adUserDN(name string) string { return "CN=" + name + "," + adUsers }

// samba is a running Samba, as an Active Directory domain controller with the
// users of addADPeople, who all have the same password.
type samba struct {
	// Address is its own address on loopback: its ports are fixed.
	Address  string
	Password string
	CA       *authority

	Dir     string
	Pair    keyPair
	process *Process
}

func (s *samba) URL() string   { return "ldap://" + s.Address }
func (s *samba) LDAPS() string { return "ldaps://" + s.Address }

var sharedSamba struct {
	sync.Once
	server *samba
	err    error
}

// startSamba returns the domain controller that all tests share, because it takes
// long to make one. Samba runs only as root.
func startSamba(t testing.TB) *samba {
	t.Helper()
	needSamba(t)
	sharedSamba.Do(func() { sharedSamba.server, sharedSamba.err = newSamba() })
	if sharedSamba.err != nil {
		t.Fatal(sharedSamba.err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("output of Samba:\n%s", sharedSamba.server.process.Output())
		}
	})
	return sharedSamba.server
}

// stopShared stops the servers that the tests share, after the last test.
func stopShared() error {
	var errs []error
	if s := sharedSamba.server; s != nil {
		errs = append(errs, s.remove())
	}
	if s := sharedDS389.server; s != nil {
		errs = append(errs, s.remove())
	}
	return errors.Join(errs...)
}

const sambaPackages = "samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-vfs-modules python3-samba winbind"

func needSamba(t testing.TB) {
	t.Helper()
	for _, path := range []string{"/usr/sbin/samba", "/usr/bin/samba-tool", "/usr/share/samba/setup/provision.ldif"} {
		if _, err := os.Stat(path); err != nil {
			missing(t, "Samba AD DC: install with apt-get install "+sambaPackages)
		}
	}
	if os.Getuid() != 0 {
		missing(t, "Samba AD DC: runs as root only")
	}
}

func newSamba() (*samba, error) {
	dir, err := os.MkdirTemp("", "dws")
	if err != nil {
		return nil, err
	}
	s := &samba{Dir: dir, Password: newPassword()}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

// ownAddress finds a loopback address on which the ports of a domain controller are free.
func ownAddress() (string, error) {
	for host := 10; host < 250; host++ {
		address := "127.0.0." + strconv.Itoa(host)
		if portsFree(address, 389, 636, 3268, 3269) {
			return address, nil
		}
	}
	return "", errors.New("no address of 127.0.0.0/24 has the ports 389, 636, 3268 and 3269 free")
}

func portsFree(address string, ports ...int) bool {
	for _, port := range ports {
		listener, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
		if err != nil {
			return false
		}
		listener.Close()
	}
	return true
}

// sambaConf follows smb.conf(5). Nothing outside the folder is used. With the prefix
// length, the address does not have to be one of the loopback interface. By default, a
// changed password works for another hour. nosync saves disk writes.
var sambaConf = template.Must(template.New("smb.conf").Parse(`[global]
netbios name = DC1
realm = ` + adRealm + `
workgroup = ` + adDomain + `
server role = active directory domain controller
server services = ldap
interfaces = {{.Address}}/8
bind interfaces only = yes
private dir = {{.Dir}}/private
lock directory = {{.Dir}}
state directory = {{.Dir}}/state
cache directory = {{.Dir}}/cache
pid directory = {{.Dir}}/run
ncalrpc dir = {{.Dir}}/run/ncalrpc
ntp signd socket directory = {{.Dir}}/run/ntp
winbindd socket directory = {{.Dir}}/run/winbindd
log file = {{.Dir}}/run/log
tls enabled = yes
tls cafile = {{.CA.CAFile}}
tls certfile = {{.Pair.CertFile}}
tls keyfile = {{.Pair.KeyFile}}
old password allowed period = 0
ldb:nosync = yes
`))

func (s *samba) prepare() error {
	var err error
	if s.Address, err = ownAddress(); err != nil {
		return err
	}
	if s.CA, err = newAuthority(s.Dir); err != nil {
		return err
	}
	if s.Pair, err = s.CA.issue("dc1", "dc1.ad.example.org", s.Address, "127.0.0.1", "localhost"); err != nil {
		return err
	}
	for _, folder := range []string{"run", "cache"} {
		if err := os.Mkdir(filepath.Join(s.Dir, folder), 0o755); err != nil {
			return err
		}
	}
	base := filepath.Join(s.Dir, "base.conf")
	if err := os.WriteFile(base, []byte("[global]\n"), 0o600); err != nil {
		return err
	}
	provision := exec.Command("/usr/bin/samba-tool", "domain", "provision", "--configfile="+base, "--targetdir="+s.Dir,
		"--realm="+adRealm, "--domain="+adDomain, "--host-name=dc1", "--host-ip="+s.Address, "--server-role=dc",
		"--dns-backend=NONE", "--use-rfc2307", "--adminpass="+s.Password,
		"--option=ldb:nosync=yes", "--option=interfaces="+s.Address+"/8", "--option=bind interfaces only=yes")
	if out, err := provision.CombinedOutput(); err != nil {
		return fmt.Errorf("provisioning a domain: %w\n%s", err, out)
	}
	var conf bytes.Buffer
	if err := sambaConf.Execute(&conf, s); err != nil {
		return err
	}
	return os.WriteFile(s.confFile(), conf.Bytes(), 0o600)
}

func (s *samba) confFile() string { return filepath.Join(s.Dir, "smb.conf") }

func (s *samba) start() error {
	cmd := exec.Command("/usr/sbin/samba", "-i", "-M", "single", "--no-process-group", "--debug-stdout", "-d", "1", "-s", s.confFile())
	// It ends when its input does, so it does not outlive a test that is killed.
	if _, err := cmd.StdinPipe(); err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	var err error
	if s.process, err = StartProcess(cmd); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), sambaReadyBound)
	defer cancel()
	if err := waitLDAP(ctx, s.process, s.LDAPS(), s.dialTLS()); err != nil {
		return err
	}
	return addADPeople(s)
}

func (s *samba) remove() error {
	var err error
	if s.process != nil {
		err = s.process.Stop(sambaStopBound)
	}
	return errors.Join(err, os.RemoveAll(s.Dir))
}

func (s *samba) dialTLS() ldap.DialOpt { return ldap.DialWithTLSConfig(s.CA.trust(s.Address)) }

func (s *samba) adminName() string { return "Administrator@ad.example.org" }

// admin connects as the domain's administrator.
func (s *samba) admin(t testing.TB) *directory {
	t.Helper()
	return bindDirectory(t, s.LDAPS(), s.dialTLS(), s.adminName(), s.Password)
}
