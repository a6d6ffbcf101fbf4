package oauth2test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Reply is the response of an endpoint. The body is Members as JSON, or as a form if Form is
// set; without Members it is List as JSON, otherwise Body.
type Reply struct {
	Status  int
	Header  http.Header
	Members map[string]any
	List    []any
	Form    bool
	Body    string
}

// Alteration changes the reply to a request.
type Alteration func(s *Server, r *http.Request, reply *Reply)

// Alter changes all further replies of an endpoint. Several alterations are applied in the
// order of the calls.
func (s *Server) Alter(e Endpoint, a Alteration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.altered[e] = append(s.altered[e], a)
}

// Behave removes all alterations.
func (s *Server) Behave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.altered = map[Endpoint][]Alteration{}
}

// endpoint returns a handler that counts requests and applies the alterations.
func (s *Server) endpoint(e Endpoint, answer func(r *http.Request) *Reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.count(e)
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		reply := answer(r)
		s.mu.Lock()
		alterations := slices.Clone(s.altered[e])
		s.mu.Unlock()
		for _, alter := range alterations {
			alter(s, r, reply)
		}
		reply.write(w)
	}
}

func (rep *Reply) write(w http.ResponseWriter) {
	body := rep.Body
	contentType := ""
	switch {
	case rep.Form:
		values := url.Values{}
		for name, value := range rep.Members {
			values.Set(name, fmt.Sprint(value))
		}
		body, contentType = values.Encode(), "application/x-www-form-urlencoded; charset=utf-8"
	case rep.Members != nil:
		body, contentType = encode(rep.Members), "application/json; charset=utf-8"
	case rep.List != nil:
		body, contentType = encode(rep.List), "application/json; charset=utf-8"
	}
	for name, values := range rep.Header {
		w.Header()[name] = values
	}
	if w.Header().Get("Content-Type") == "" && contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.WriteHeader(rep.Status)
	_, _ = w.Write([]byte(body))
}

func encode(v any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // a test with a value that JSON cannot encode
	}
	return b.String()
}

func object(status int, members map[string]any) *Reply {
	return &Reply{Status: status, Header: http.Header{}, Members: members}
}

func list(items []any) *Reply {
	if items == nil {
		items = []any{}
	}
	return &Reply{Status: http.StatusOK, Header: http.Header{}, List: items}
}

func text(status int, body string) *Reply {
	return &Reply{Status: status, Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, Body: body}
}
