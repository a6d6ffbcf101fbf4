package contract

import (
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk"
)

func TestParseURL(t *testing.T) {
	for _, good := range []string{
		"https://idp.example/authorize?a=b", "http://localhost:9/", "http://LOCALHOST:9/", "http://127.0.0.1/", "http://127.8.8.8/",
		"http://[::1]:8080/x", "http://[::ffff:127.0.0.1]/", "HTTPS://idp.example", "https://b%C3%BCcher.example/",
		"https://idp.example/" + strings.Repeat("a", sdk.MaxURL-20),
	} {
		if _, err := ParseURL(good); err != nil {
			t.Errorf("%.60s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "/login", "//idp.example/", "https:", "https:///", "https://:443/", "https:idp.example", "javascript:alert(1)", "data:text/html,x",
		"http://idp.example/", "http://localhost.idp.example/", "http://a.localhost/", "http://127.0.0.1.idp.example/", "http://2130706433/",
		"ftp://idp.example/", "https://user@idp.example/", "https://user:secret@idp.example/", "https://idp.example/a b", "https://idp.example/ä",
		"https://idp.example\\@evil.example/", "https://idp.example/\n", "https://idp.example/\x7f", " https://idp.example/",
		"https://idp.example/" + strings.Repeat("a", sdk.MaxURL-19),
	} {
		if _, err := ParseURL(bad); err == nil {
			t.Errorf("%.60s: accepted", bad)
		}
	}
}

func TestParseURLKeepsTheURLOutOfErrors(t *testing.T) {
	for _, bad := range []string{"https://user:s3cret@idp.example/", "https://idp.example/?code=s3cret\n", "https://idp.example:s3cret/", "http://idp.example/?code=s3cret"} {
		_, err := ParseURL(bad)
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
