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
		taken.Addr().String(): "; stop what listens there, or change HOST and PORT",
		// RFC 5737, section 3: no machine has it.
		"192.0.2.1:0": "; no address of this machine is that: change HOST to one that is, or to 0.0.0.0",
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

// What cannot be had on every machine: the administrator, who runs tests in containers, may
// listen on every port.
func TestBindAdvice(t *testing.T) {
	denied := fmt.Errorf("listen: %w", &net.OpError{Op: "listen", Err: syscall.EACCES})
	if got := bindAdvice(denied, "ADMIN_ADDRESS", "ADMIN_ADDRESS"); !strings.Contains(got, "change ADMIN_ADDRESS to one from 1024 on") {
		t.Error(got)
	}
	unknown := fmt.Errorf("listen: %w", &net.DNSError{Err: "no such host", Name: "login", IsNotFound: true})
	if got := bindAdvice(unknown, "HOST", "PORT"); !strings.Contains(got, "change HOST to one that is") {
		t.Error(got)
	}
	if got := bindAdvice(errors.New("else"), "HOST", "PORT"); got != "change HOST and PORT" {
		t.Error(got)
	}
	if got := bindAdvice(errors.New("else"), "ADMIN_ADDRESS", "ADMIN_ADDRESS"); got != "change ADMIN_ADDRESS" {
		t.Error(got)
	}
}
