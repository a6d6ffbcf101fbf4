package graph

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
	"github.com/doorward/doorward/sdk/plugin"
	"github.com/doorward/doorward/sdk/plugintest"
)

const theToken = "the-access-token"

// serve counts requests and answers them as the test says. {base} stands for its URL.
func serve(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, base string)) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var requests atomic.Int64
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("Authorization") != "Bearer "+theToken || !strings.HasPrefix(r.URL.Path, "/v1.0/me/") {
			t.Errorf("%s with Authorization %q", r.URL, r.Header.Get("Authorization"))
		}
		answer(w, r, server.URL)
	}))
	t.Cleanup(server.Close)
	return server, &requests
}

func client(t testing.TB) *http.Client {
	t.Helper()
	c, err := plugin.HTTPClient(sdk.HTTPSettings{Timeout: 500 * time.Millisecond, MaxBody: claims.MaxBytes})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func page(ids []string, next string) string {
	list := []any{}
	for _, id := range ids {
		list = append(list, map[string]any{"@odata.type": groupType, "id": id})
	}
	members := map[string]any{"value": list}
	if next != "" {
		members["@odata.nextLink"] = next
	}
	encoded, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}

func TestGroups(t *testing.T) {
	server, requests := serve(t, func(w http.ResponseWriter, r *http.Request, base string) {
		switch r.URL.Query().Get("$skiptoken") {
		case "":
			if r.URL.Query().Get("$select") != "id" || r.URL.Query().Get("$top") != "999" {
				t.Errorf("asks for %s", r.URL)
			}
			fmt.Fprint(w, page([]string{"a", "b"}, base+"/v1.0/me/transitiveMemberOf?$skiptoken=1"))
		case "1":
			fmt.Fprint(w, page(nil, base+"/v1.0/me/transitiveMemberOf?$skiptoken=2"))
		default:
			fmt.Fprint(w, `{"value":[{"@odata.type":"#microsoft.graph.directoryRole","id":"role"},{"@odata.type":"#microsoft.graph.group","id":"c","x":1}]}`)
		}
	})
	for _, base := range []string{server.URL, server.URL + "/"} {
		got, err := Groups(t.Context(), client(t), base, theToken)
		if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" || err != nil {
			t.Error(err, diff)
		}
	}
	if requests.Load() != 6 {
		t.Errorf("%d requests", requests.Load())
	}
}

func TestGroupsRefused(t *testing.T) {
	many := make([]string, sdk.MaxGroups/20)
	for i := range many {
		many[i] = fmt.Sprintf("%05d", i)
	}
	text := func(status int, body string) func(http.ResponseWriter, *http.Request, string) {
		return func(w http.ResponseWriter, _ *http.Request, base string) {
			w.WriteHeader(status)
			fmt.Fprint(w, strings.ReplaceAll(body, "{base}", base))
		}
	}
	for _, test := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request, string)
		kind   error
		reason sdk.Reason
		most   int64 // requests
	}{
		{"no permission", text(403, `{"error":{"code":"Authorization_RequestDenied"}}`), sdk.ErrMisconfigured, ReasonStatus, 1},
		{"token for another audience", text(401, `{}`), sdk.ErrMisconfigured, ReasonStatus, 1},
		{"redirect", func(w http.ResponseWriter, r *http.Request, base string) {
			http.Redirect(w, r, base+"/v1.0/me/x", http.StatusFound)
		}, sdk.ErrMisconfigured, ReasonStatus, 1},
		{"throttled", text(429, `{}`), sdk.ErrUnavailable, ReasonStatus, 1},
		{"down", text(503, `{}`), sdk.ErrUnavailable, ReasonStatus, 1},
		{"HTML", text(200, `<html>`), sdk.ErrInvalidResponse, ReasonMalformed, 1},
		{"no list", text(200, `{"value":{}}`), sdk.ErrInvalidResponse, ReasonMalformed, 1},
		{"an item without a type", text(200, `{"value":[{"id":"a"}]}`), sdk.ErrInvalidResponse, ReasonMalformed, 1},
		{"an item that is a text", text(200, `{"value":["a"]}`), sdk.ErrInvalidResponse, ReasonMalformed, 1},
		{"a group without an ID", text(200, `{"value":[{"@odata.type":"#microsoft.graph.group","id":7}]}`), sdk.ErrInvalidResponse, ReasonMalformed, 1},
		{"two lists", text(200, `{"value":[],"Value":[]}`), sdk.ErrInvalidResponse, ReasonMalformed, 1},
		{"F32 the next page elsewhere", text(200, page(nil, "https://evil.example/v1.0/me/x")), sdk.ErrInvalidResponse, ReasonPages, 1},
		{"F32 the next page on another port", text(200, page(nil, "http://127.0.0.1:1/v1.0/me/x")), sdk.ErrInvalidResponse, ReasonPages, 1},
		{"F32 the next page above", text(200, page(nil, "{base}/beta/me/x")), sdk.ErrInvalidResponse, ReasonPages, 1},
		{"F32 the next page by dots", text(200, page(nil, "{base}/v1.0/../x")), sdk.ErrInvalidResponse, ReasonPages, 1},
		{"F32 the next page with a user", text(200, page(nil, "http://a@127.0.0.1/v1.0/me/x")), sdk.ErrInvalidResponse, ReasonPages, 1},
		{"F32 the next page is relative", text(200, page(nil, "/v1.0/me/x")), sdk.ErrInvalidResponse, ReasonPages, 1},
		{"F32 the next page is a list", text(200, `{"value":[],"@odata.nextLink":["x"]}`), sdk.ErrInvalidResponse, ReasonMalformed, 1},
		{"D12 pages without end", text(200, page(nil, "{base}/v1.0/me/transitiveMemberOf?x")), sdk.ErrInvalidResponse, ReasonPages, maxPages},
		{"D12 groups without end", text(200, page(many, "{base}/v1.0/me/transitiveMemberOf?x")), sdk.ErrInvalidResponse, ReasonPages, 21},
		{"E08 too large", text(200, strings.Repeat(" ", claims.MaxBytes+1)), sdk.ErrUnavailable, ReasonUnreachable, 1},
		{"E21 slow", func(w http.ResponseWriter, r *http.Request, _ string) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, sdk.ErrUnavailable, ReasonUnreachable, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, requests := serve(t, test.answer)
			got, err := Groups(t.Context(), client(t), server.URL, theToken)
			plugintest.Refused(t, err, test.kind, test.reason)
			if got != nil || requests.Load() > test.most {
				t.Errorf("%d groups, %d requests", len(got), requests.Load())
			}
			if err != nil && strings.Contains(err.Error(), theToken) {
				t.Error("the token is in the error")
			}
		})
	}
}

// FuzzNext: with any next link, the token is sent only to URLs below the first page's.
func FuzzNext(f *testing.F) {
	for _, link := range []string{"https://graph.microsoft.com/v1.0/me/x?$skiptoken=1", "https://graph.microsoft.com@evil.example/v1.0/", "https://GRAPH.microsoft.com/v1.0/x", "//evil.example/v1.0/", "https://graph.microsoft.com/v1.0/%2e%2e/x"} {
		f.Add(link)
	}
	first, err := url.Parse("https://graph.microsoft.com" + membersOf)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, link string) {
		at, err := next(first, claims.Object{"@odata.nextLink": link})
		if err != nil || at == nil {
			return
		}
		if at.Scheme != "https" || at.Host != "graph.microsoft.com" || at.User != nil || !strings.HasPrefix(at.String(), "https://graph.microsoft.com/v1.0/") {
			t.Fatalf("%q leads to %s", link, at)
		}
	})
}
