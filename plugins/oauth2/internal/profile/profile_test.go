package profile

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/doorward/doorward/plugins/oauth2/internal/fieldpath"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/claims"
)

// TestValuesInURLs: a value remains one value in the path and the query, including spaces.
func TestValuesInURLs(t *testing.T) {
	var path, query string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, query = r.URL.Path, r.URL.Query().Get("q")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()
	for _, id := range []string{"4711", "a b", "a+b", "a%20b", "a?q=x&y#z", "ä😀"} {
		call := Call{Name: "more", Method: http.MethodGet, URL: fieldpath.MustParseTemplate(server.URL + "/of/{id}?q={id}")}
		if _, err := (API{Client: server.Client()}).Call(t.Context(), call, claims.Object{"id": id}, "token"); err != nil {
			t.Fatal(err)
		}
		if path != "/of/"+id || query != id {
			t.Errorf("OS23 %q became %q in the path and %q in the query", id, path, query)
		}
	}
}

// FuzzProfile: any response, with any type and status, is an error of a known kind with a
// text of limited length, or strictly parsed JSON.
func FuzzProfile(f *testing.F) {
	for _, body := range []string{`{"id":1}`, `{"error":"x"}`, `[{"email":"a"}]`, `<html>`, `{"id":1,"ID":2}`, `{"values":[1],"next":"https://evil.example/"}`, ``} {
		f.Add(200, "application/json", `<x?page=2>; rel="next"`, []byte(body))
		f.Add(403, "text/html", "", []byte(body))
	}
	var status int
	var contentType, link string
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Link", link)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	f.Cleanup(server.Close)
	api := API{Client: server.Client(), ErrorWhen: []fieldpath.Rule{fieldpath.MustParseRule("error")}}
	list := Call{Name: "list", URL: fieldpath.MustParseTemplate(server.URL + "/x"), Method: http.MethodGet, List: true, Link: true}
	pages := Call{Name: "pages", URL: list.URL, Method: http.MethodGet, Next: fieldpath.MustParse("next"), Items: fieldpath.MustParse("values"), Optional: true}
	f.Fuzz(func(t *testing.T, s int, kind, field string, data []byte) {
		if s < 200 || s > 599 || strings.ContainsAny(kind+field, "\r\n\x00") {
			return
		}
		status, contentType, link, body = s, kind, field, data
		object, err := api.Profile(t.Context(), http.MethodGet, server.URL+"/x", "a-token-that-is-secret")
		check(t, err, object != nil)
		for _, call := range []Call{list, pages} {
			got, err := api.Call(t.Context(), call, claims.Object{}, "a-token-that-is-secret")
			check(t, err, err == nil)
			if items, ok := got.([]any); ok && len(items) > MaxItems {
				t.Fatalf("%d items", len(items))
			}
		}
	})
}

func check(t *testing.T, err error, got bool) {
	t.Helper()
	if err == nil {
		if !got {
			t.Fatal("neither an answer nor an error")
		}
		return
	}
	if _, ok := errors.AsType[*sdk.Error](err); !ok || len(err.Error()) > 2000 || strings.ContainsAny(err.Error(), "\n\r\x1b") || strings.Contains(err.Error(), "a-token-that") {
		t.Fatalf("%q", err)
	}
}
