package upstream_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/tlsoptions"
	"github.com/doorward/doorward/sdk/upstream"
)

// TestHTTPProblems: every problem names its option, in a mechanism that does not mention these
// options, has its own Validate, and embeds another struct of options, too.
func TestHTTPProblems(t *testing.T) {
	type o = map[string]any
	for _, test := range []struct {
		option string
		values o
	}{
		{"", o{}},
		{"", o{"client_http_headers": o{"x-gateway-key": "k\tö"}}},
		{"client_http_ca", o{"client_http_ca": "no PEM"}},
		{"client_http_cert", o{"client_http_cert": "x"}},
		{"client_http_cert", o{"client_http_key": "hunter2"}},
		{"client_http_cert", o{"client_http_cert": "no PEM", "client_http_key": "hunter2"}},
		{"client_http_headers", o{"client_http_headers": o{"X A": "hunter2"}}},
		{"client_http_headers", o{"client_http_headers": o{"X-A": "hunter2\r\nb: c"}}},
		{"client_http_headers", o{"client_http_headers": o{"": "hunter2"}}},
		{"tls_ca", o{"tls_ca": "no PEM"}},
		{"name", o{"name": "bad"}},
	} {
		_, err := options.Decode[mechanismOptions](test.values)
		problems, _ := errors.AsType[options.Problems](err)
		if test.option == "" && err == nil {
			continue
		}
		if len(problems) != 1 || problems[0].Option != test.option || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v\nwant one problem of %q", err, test.option)
		}
	}
}

type mechanismOptions struct {
	Name string `option:"name"`
	upstream.HTTPOptions
	tlsoptions.TLS
}

func (o mechanismOptions) Validate() error {
	var problems options.Problems
	if o.Name == "bad" {
		problems.Addf("name", "is bad")
	}
	return problems.Err()
}

func TestHTTPClientOfEnv(t *testing.T) {
	var got sdk.HTTPSettings
	env := sdk.Env{HTTPClient: func(s sdk.HTTPSettings) (*http.Client, error) { got = s; return &http.Client{}, nil }}
	o := upstream.HTTPOptions{HTTPTimeout: time.Second, HTTPHeaders: map[string]string{"x-gateway-key": "k"}}
	if _, err := o.Client(env, 7); err != nil {
		t.Fatal(err)
	}
	if got.Timeout != time.Second || got.MaxBody != 7 || got.Header.Get("X-Gateway-Key") != "k" {
		t.Errorf("%+v", got)
	}
	env.HTTPClient = func(sdk.HTTPSettings) (*http.Client, error) { return nil, errors.New("out of order") }
	if _, err := o.Client(env, 7); !errors.Is(err, sdk.ErrMisconfigured) {
		t.Error(err)
	}
	o.HTTPCA = "x"
	if _, err := o.Client(env, 7); !strings.HasPrefix(err.Error(), "client_http_ca: ") {
		t.Error(err)
	}
}

// TestHTTPOptionNames: operators rely on these names.
func TestHTTPOptionNames(t *testing.T) {
	schema, err := options.SchemaOf[upstream.HTTPOptions]()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, o := range schema.Options {
		names = append(names, o.Name)
	}
	if want := []string{"client_http_timeout", "client_http_ca", "client_http_cert", "client_http_key", "client_http_headers"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}
