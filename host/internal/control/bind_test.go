package control

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
)

// Each reason has its own way out, in the words of the settings.
func TestListenSaysWhatToChange(t *testing.T) {
	taken, err := Listen(t.Context(), "127.0.0.1:0", "HOST", "PORT")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for address, want := range map[string]string{
		taken.Addr().String(): "; stop what listens there, or change PORT",
		// RFC 5737, section 3: no machine has it.
		"192.0.2.1:0":            "; no address of this machine is that: change HOST to one that is, or to 0.0.0.0",
		"nobody.invalid:0":       "; no address of this machine is that: change HOST",
		"127.0.0.1:nonsense":     "; change HOST and PORT",
		"[2001:db8::1]:nonsense": "; change HOST and PORT",
	} {
		listener, err := Listen(t.Context(), address, "HOST", "PORT")
		if err == nil {
			listener.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "listening on "+address+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", address, err, want)
		}
	}
}

// The administrator, who runs tests in containers, may listen on every port.
func TestAdviceOnPrivilegedPorts(t *testing.T) {
	denied := fmt.Errorf("listen: %w", &net.OpError{Op: "listen", Err: syscall.EACCES})
	if got := bindAdvice(denied, "ADMIN_ADDRESS", "ADMIN_ADDRESS"); !strings.Contains(got, "change ADMIN_ADDRESS to one from 1024 on") {
		t.Error(got)
	}
	if got := bindAdvice(errors.New("else"), "ADMIN_ADDRESS", "ADMIN_ADDRESS"); got != "change ADMIN_ADDRESS" {
		t.Error(got)
	}
}
