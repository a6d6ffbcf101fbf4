package main

import (
	"context"
	"fmt"
	"html/template"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/doorward/doorward/host/e2e"
)

// wiki is an application of the demo, with a proxy that asks Doorward whether a request may
// pass, like Traefik, Caddy and HAProxy (docs/forward-auth).
type wiki struct {
	url    string // for people
	checks string // FORWARD_AUTH_ADDRESS
	signIn string // PUBLIC_URL

	client *http.Client
	server *http.Server
}

// startWiki starts it for a Doorward with this public URL. Cookies do not depend on ports, so
// both share the cookies of localhost.
func startWiki(ctx context.Context, publicURL string) (*wiki, error) {
	port, err := e2e.FreePort()
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the wiki: %w", err)
	}
	w := &wiki{
		url:    "http://localhost:" + strconv.Itoa(listener.Addr().(*net.TCPAddr).Port),
		checks: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), signIn: publicURL,
		client: &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
	w.server = &http.Server{Handler: w, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = w.server.Serve(listener) }() // ends with Close
	return w, nil
}

func (w *wiki) Close() error { return w.server.Close() }

func (w *wiki) addTo(env map[string]string) {
	env["FORWARD_AUTH_ADDRESS"] = w.checks
	env["FORWARD_AUTH_TRUST_PROXY"] = "127.0.0.1"
	env["FORWARD_AUTH_APPS"] = w.url
}

// passedOn lists the headers of the client that Doorward reads.
var passedOn = []string{"Cookie", "Authorization", "Accept", "X-Requested-With", "Sec-Fetch-Mode", "Origin", "Access-Control-Request-Method", "Upgrade"}

// ServeHTTP is the proxy. The application gets only headers from Doorward, so that it cannot
// mistake headers of the client for them.
func (w *wiki) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	said, err := w.ask(r)
	if err != nil {
		http.Error(rw, "Doorward does not answer.", http.StatusServiceUnavailable)
		return
	}
	defer said.Body.Close()
	if said.StatusCode == http.StatusOK {
		w.page(rw, r.URL, said.Header)
		return
	}
	for _, name := range []string{"Location", "Www-Authenticate", "Content-Type", "Cache-Control", "Vary", "Referrer-Policy"} {
		rw.Header()[name] = said.Header[name]
	}
	rw.WriteHeader(said.StatusCode)
	_, _ = io.Copy(rw, said.Body)
}

func (w *wiki) ask(r *http.Request) (*http.Response, error) {
	question, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://"+w.checks+"/forward-auth", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("making a question: %w", err)
	}
	for _, name := range passedOn {
		if values := r.Header[name]; len(values) > 0 {
			question.Header[name] = values
		}
	}
	for name, value := range map[string]string{"Method": r.Method, "Proto": "http", "Host": r.Host, "Uri": r.RequestURI} {
		question.Header.Set("X-Forwarded-"+name, value)
	}
	said, err := w.client.Do(question)
	if err != nil {
		return nil, fmt.Errorf("asking Doorward: %w", err)
	}
	return said, nil
}

var wikiPage = template.Must(template.New("wiki").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Wiki</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem } dd { overflow-wrap: anywhere }</style>
<h1>Wiki</h1>
<p>This page is at <code>{{.Path}}</code>, of an application that knows no login. Doorward told it who you are:</p>
<dl>{{range .Told}}<dt><code>{{.Name}}</code></dt><dd>{{.Value}}</dd>{{end}}</dl>
<p><a href="/a/page?and=another">Another page</a>, <a href="{{.SignOut}}">sign out</a></p>
</html>
`))

type toldHeader struct{ Name, Value string }

// page is the application.
func (w *wiki) page(rw http.ResponseWriter, at *url.URL, said http.Header) {
	var told []toldHeader
	for _, name := range []string{"Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "X-Doorward-Assertion"} {
		told = append(told, toldHeader{name, strings.Join(said[name], ", ")})
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = wikiPage.Execute(rw, struct {
		Path    string
		Told    []toldHeader
		SignOut string
	}{at.RequestURI(), told, w.signIn + "/logout"})
}
