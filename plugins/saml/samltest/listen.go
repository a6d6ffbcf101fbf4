package samltest

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// Server is an identity provider on its own loopback port.
type Server struct {
	*IdP
	server *http.Server
}

// Listen serves an identity provider on a free port of 127.0.0.1 until Close. It sets the URL
// in config.
func Listen(config Config) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening as an identity provider: %w", err)
	}
	config.URL = "http://" + listener.Addr().String()
	s := &Server{IdP: New(config)}
	s.server = &http.Server{Handler: s.IdP, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 15 * time.Second}
	go func() { _ = s.server.Serve(listener) }() // until Close
	return s, nil
}

// Close ends the server.
func (s *Server) Close() error { return s.server.Close() }
