package plugintest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/doorward/doorward/sdk"
)

// Browser does what a browser does with a step of a login: it opens the provider,
// keeps its cookies, follows its redirects, and posts the forms that it receives,
// until it is sent to the callback URL. It does not make that request, but returns
// it for Continue.
type Browser struct {
	// Answers are the values that the end user enters, by name of the field.
	Answers map[string]string

	t      testing.TB
	client *http.Client
}

// Bounds of one visit.
const (
	maxHops = 20
	maxPage = 4 << 20
)

// NewBrowser makes a browser without cookies.
func NewBrowser(t testing.TB) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxResponseHeaderBytes: 4 << 20}
	t.Cleanup(transport.CloseIdleConnections)
	return &Browser{t: t, client: &http.Client{
		Jar: jar, Timeout: 30 * time.Second, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Take takes a Redirect or FormPost step to the provider, and returns the request
// with which it comes back to a URL that begins with callback.
func (b *Browser) Take(step sdk.Step, callback string) sdk.InboundRequest {
	b.t.Helper()
	var req *http.Request
	switch step := step.(type) {
	case sdk.Redirect:
		req = b.get(step.URL)
	case sdk.FormPost:
		form := url.Values{}
		for _, f := range step.Fields {
			form.Add(f.Name, f.Value)
		}
		req = b.post(step.URL, form)
	default:
		b.t.Fatalf("a %T does not send the browser anywhere", step)
	}
	for range maxHops {
		if strings.HasPrefix(req.URL.String(), callback) {
			return b.inbound(req)
		}
		req = b.next(req)
	}
	b.t.Fatalf("none of %d requests went to %s", maxHops, callback)
	return sdk.InboundRequest{}
}

// next sends a request, and returns the request that its response leads to.
func (b *Browser) next(req *http.Request) *http.Request {
	b.t.Helper()
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		b.t.Fatalf("reading %s: %v", req.URL, err)
	}
	if location := resp.Header.Get("Location"); resp.StatusCode/100 == 3 && location != "" {
		return b.get(b.resolve(req.URL, location))
	}
	f, err := readForm(string(page))
	if err != nil {
		b.t.Fatalf("the response of %s with status %d leads nowhere: %v\n%.2000s", req.URL, resp.StatusCode, err, page)
	}
	for name, value := range b.Answers {
		if f.fields.Has(name) {
			f.fields.Set(name, value)
		}
	}
	target := b.resolve(req.URL, f.action)
	if f.method == http.MethodPost {
		return b.post(target, f.fields)
	}
	target, _, _ = strings.Cut(target, "?")
	return b.get(target + "?" + f.fields.Encode())
}

func (b *Browser) resolve(base *url.URL, reference string) string {
	b.t.Helper()
	target, err := base.Parse(reference)
	if err != nil {
		b.t.Fatalf("%s leads to an invalid URL: %v", base, err)
	}
	return target.String()
}

func (b *Browser) get(target string) *http.Request { return b.request(http.MethodGet, target, "") }

func (b *Browser) post(target string, form url.Values) *http.Request {
	req := b.request(http.MethodPost, target, form.Encode())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}

func (b *Browser) request(method, target, body string) *http.Request {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	return req
}

// inbound converts the request as the host does.
func (b *Browser) inbound(req *http.Request) sdk.InboundRequest {
	b.t.Helper()
	in := sdk.InboundRequest{Method: req.Method, RawQuery: req.URL.RawQuery, Query: req.URL.Query()}
	if req.Method != http.MethodPost {
		return in
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if in.Form, err = url.ParseQuery(string(body)); err != nil {
		b.t.Fatal(err)
	}
	return in
}

type form struct {
	method, action string
	fields         url.Values
}

// readForm reads the first form of a page.
func readForm(page string) (form, error) {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return form{}, err
	}
	f := form{method: http.MethodGet, fields: url.Values{}}
	found := false
	for n := range doc.Descendants() {
		switch {
		case n.Type != html.ElementNode:
		case n.Data == "form" && !found:
			found = true
			f.action = attribute(n, "action")
			if strings.EqualFold(attribute(n, "method"), http.MethodPost) {
				f.method = http.MethodPost
			}
		case n.Data == "form":
			return f, nil
		case n.Data == "input" && found && attribute(n, "name") != "":
			f.fields.Add(attribute(n, "name"), attribute(n, "value"))
		}
	}
	if !found {
		return form{}, fmt.Errorf("the page has no form")
	}
	return f, nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
