package upstream

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	"github.com/doorward/doorward/sdk/tlsoptions"
)

// HTTPOptions are the operator's options for requests to a provider.
type HTTPOptions struct {
	HTTPTimeout time.Duration     `option:"client_http_timeout" default:"10s" doc:"The time limit of each request to the provider. A plain number is milliseconds."`
	HTTPCA      string            `option:"client_http_ca" doc:"PEM certificates of the authorities to trust for the provider, in place of the system's and those in the host's settings."`
	HTTPCert    string            `option:"client_http_cert" doc:"PEM client certificate to send to the provider."`
	HTTPKey     options.Secret    `option:"client_http_key" doc:"PEM key of client_http_cert."`
	HTTPHeaders map[string]string `option:"client_http_headers,secret" doc:"Header fields to add to each request to the provider."`
}

// Problems checks everything that could make Client fail, by the name of the option.
// [options.Decode] calls it for embedded structs.
func (o HTTPOptions) Problems() options.Problems {
	var problems options.Problems
	if _, err := tlsoptions.Authorities(o.HTTPCA); err != nil {
		problems.Addf("client_http_ca", "%v", err)
	}
	problems = append(problems, tlsoptions.PairProblems("client_http_cert", o.HTTPCert, "client_http_key", o.HTTPKey)...)
	for _, name := range slices.Sorted(maps.Keys(o.HTTPHeaders)) {
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			problems.Addf("client_http_headers", "has the field %q, which is not the name of a header field", Shown(name))
		case !httpguts.ValidHeaderFieldValue(o.HTTPHeaders[name]):
			problems.Addf("client_http_headers", "contains a control character in the value of %s", Shown(name))
		}
	}
	return problems
}

// Client makes the client for requests to the provider. It reads at most maxBody bytes
// of a response (zero: [sdk.DefaultMaxBody]). It is a client of [sdk.Env.HTTPClient]: it
// allows https, or http to loopback, and follows no redirects. An error is
// [options.Problems], or of kind [sdk.ErrMisconfigured].
func (o HTTPOptions) Client(env sdk.Env, maxBody int64) (*http.Client, error) {
	if err := o.Problems().Err(); err != nil {
		return nil, err
	}
	header := http.Header{}
	for name, value := range o.HTTPHeaders {
		header.Set(name, value)
	}
	client, err := env.HTTPClient(sdk.HTTPSettings{
		Timeout: o.HTTPTimeout, MaxBody: maxBody, Header: header,
		CA: []byte(o.HTTPCA), Certificate: []byte(o.HTTPCert), Key: []byte(o.HTTPKey.Reveal()),
		Names: sdk.TLSNames{CA: "client_http_ca", Certificate: "client_http_cert", Key: "client_http_key"},
	})
	if err != nil {
		return nil, sdk.Misconfigured("options", "making a client from the client_http options: %w", err)
	}
	return client, nil
}

// Findings reports when the client certificate in the options expires.
func (o HTTPOptions) Findings(now time.Time) []sdk.Finding {
	if o.HTTPCert == "" {
		return nil
	}
	pair, err := tlsoptions.Pair(o.HTTPCert, o.HTTPKey)
	if err != nil {
		return []sdk.Finding{Failed("client_http_cert", fmt.Errorf("client_http_cert %w", err))}
	}
	return []sdk.Finding{Certificate("client_http_cert", "our certificate "+Shown(pair.Leaf.Subject.String()), pair.Leaf, now)}
}
