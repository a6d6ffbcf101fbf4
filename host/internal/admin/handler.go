package admin

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// Config configures the handlers.
type Config struct {
	Operations *people.Operations
	Version    string                            // of this program, for the document
	Log        func(message string, args ...any) // logs errors; nil: they are not logged
}

func (c Config) withLog() Config {
	if c.Log == nil {
		c.Log = func(string, ...any) {}
	}
	return c
}

// server is one of the handlers.
type server struct {
	who     func(r *http.Request) (people.Actor, error)
	trusted bool // the caller is the operator
	log     func(message string, args ...any)
}

// NewOperatorHandler treats every caller as the operator and serves everything. Nobody
// else may be able to reach it: put it behind a socket that only the operator can open,
// or use it in the operator's own process.
func NewOperatorHandler(config Config) http.Handler {
	return newHandler(config, true, func(*http.Request) (people.Actor, error) { return people.Operator, nil })
}

// NewKeyHandler serves callers that have a key, within its scopes.
func NewKeyHandler(config Config) http.Handler {
	config = config.withLog()
	return newHandler(config, false, newKeyCheck(config).actor)
}

func newHandler(config Config, trusted bool, who func(*http.Request) (people.Actor, error)) http.Handler {
	config = config.withLog()
	s := &server{who: who, trusted: trusted, log: config.Log}
	table := operations(config.Operations)
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, op := range table {
		mux.HandleFunc(op.method+" "+Prefix+op.path, s.handle(op.serve))
		methods[op.path] = append(methods[op.path], op.method)
	}
	document := documentOf(table, config.Version)
	mux.HandleFunc("GET "+Prefix+documentPath, s.handle(func(context.Context, *http.Request) (any, error) { return document, nil }))
	methods[documentPath] = []string{http.MethodGet}
	for path, allowed := range methods {
		slices.Sort(allowed)
		mux.HandleFunc(Prefix+path, s.notAllowed(strings.Join(allowed, ", ")))
	}
	mux.HandleFunc("/", s.handle(func(context.Context, *http.Request) (any, error) { return nil, errNoRoute }))
	return mux
}

// handle authenticates the caller and serves an operation.
func (s *server) handle(serve func(context.Context, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx := withRequestID(w, r)
		actor, err := s.who(r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		body, err := serve(people.WithActor(ctx, actor), r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		write(w, http.StatusOK, body)
	}
}

// withRequestID gives the request an ID for the log and the audit. A client must not
// choose it, because it could forge lines of the log.
func withRequestID(w http.ResponseWriter, r *http.Request) context.Context {
	var b [8]byte
	rand.Read(b[:])
	request := sso.Request{ID: hex.EncodeToString(b[:])}
	w.Header().Set("X-Request-Id", request.ID)
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil { // a unix socket has no address
		request.Address = from.Addr()
	}
	return sso.WithRequest(r.Context(), request)
}

func (s *server) notAllowed(methods string) http.HandlerFunc {
	refuse := s.handle(func(context.Context, *http.Request) (any, error) { return nil, errMethod })
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", methods)
		refuse(w, r)
	}
}
