package e2e

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// L01: a client that sends nothing or stops sending keeps its connection only as long as
// the limits of the server allow.
func TestL01SilentClients(t *testing.T) {
	host := startHost(t, HostConfig{Plugins: []string{}})
	address := strings.TrimPrefix(host.URL, "http://")
	t.Run("group", func(t *testing.T) {
		for name, sent := range map[string]string{
			"nothing":       "",
			"half a header": "GET /server/ping HTTP/1.1\r\nHost: " + address + "\r\nX-",
			"half a body":   "POST /auth/refresh HTTP/1.1\r\nHost: " + address + "\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err = io.WriteString(conn, sent); err != nil {
					t.Fatal(err)
				}
				if err = conn.SetReadDeadline(time.Now().Add(3 * time.Minute)); err != nil {
					t.Fatal(err)
				}
				if answer, err := io.ReadAll(conn); err != nil {
					t.Errorf("the connection is open still: %q, %v", answer, err)
				}
			})
		}
	})
}
