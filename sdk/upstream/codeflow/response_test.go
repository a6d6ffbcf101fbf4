package codeflow

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
)

func TestAuthorizationResponse(t *testing.T) {
	const issuer = "https://op.example"
	long := strings.Repeat("c", maxResponseValue)
	type e = Expectation
	want := e{State: "s", Mode: ModeQuery, Issuer: issuer}
	withIss := e{State: "s", Mode: ModeQuery, Issuer: issuer, IssRequired: true}
	byPost := e{State: "s", Mode: ModeFormPost, Issuer: issuer}
	const tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	tenants := e{State: "s", Mode: ModeQuery, Issuer: "https://login.example/{tenantid}/v2.0", IssuerFits: func(iss string) bool {
		return iss == "https://login.example/"+tenant+"/v2.0"
	}}
	get := func(raw string) sdk.InboundRequest {
		return sdk.InboundRequest{Method: http.MethodGet, Query: parseQuery(t, raw), RawQuery: raw}
	}
	post := func(raw string) sdk.InboundRequest {
		return sdk.InboundRequest{Method: http.MethodPost, Form: parseQuery(t, raw)}
	}
	for _, test := range []struct {
		name   string
		want   Expectation
		in     sdk.InboundRequest
		code   string // accepted if set
		kind   error
		reason sdk.Reason
	}{
		{name: "good", want: want, in: get("state=s&code=abc"), code: "abc"},
		{name: "with other parameters", want: want, in: get("state=s&code=4/0-_.~&scope=openid&authuser=0&session_state=x&hd=example.com"), code: "4/0-_.~"},
		{name: "E18 longest code", want: want, in: get("state=s&code=" + long), code: long},
		{name: "E04 iss", want: withIss, in: get("state=s&code=abc&iss=" + url.QueryEscape(issuer)), code: "abc"},
		{name: "E04 iss not announced", want: want, in: get("state=s&code=abc&iss=" + url.QueryEscape(issuer)), code: "abc"},
		{name: "E04 iss of a tenant", want: tenants, in: get("state=s&code=abc&iss=https://login.example/" + tenant + "/v2.0"), code: "abc"},
		{name: "F35 form_post", want: byPost, in: post("state=s&code=abc&user={}"), code: "abc"},

		{name: "A14 state missing", want: want, in: get("code=abc"), kind: sdk.ErrInvalidResponse, reason: ReasonStateMismatch},
		{name: "A14 state empty", want: e{Mode: ModeQuery, Issuer: issuer}, in: get("state=&code=abc"), kind: sdk.ErrInvalidResponse, reason: ReasonStateMismatch},
		{name: "A12 state of another login", want: want, in: get("state=t&code=abc"), kind: sdk.ErrInvalidResponse, reason: ReasonStateMismatch},
		{name: "A14 state twice", want: want, in: get("state=s&state=s&code=abc"), kind: sdk.ErrInvalidResponse, reason: ReasonResponseDuplicate},
		{name: "B19 code twice", want: want, in: get("state=s&code=abc&code=def"), kind: sdk.ErrInvalidResponse, reason: ReasonResponseDuplicate},
		{name: "B19 unknown parameter twice", want: want, in: get("state=s&code=abc&x=1&x=2"), kind: sdk.ErrInvalidResponse, reason: ReasonResponseDuplicate},

		{name: "E04 other iss", want: want, in: get("state=s&code=abc&iss=https://evil.example"), kind: sdk.ErrInvalidResponse, reason: ReasonIssMismatch},
		{name: "E04 iss with a slash", want: want, in: get("state=s&code=abc&iss=" + issuer + "/"), kind: sdk.ErrInvalidResponse, reason: ReasonIssMismatch},
		{name: "E04 iss empty", want: want, in: get("state=s&code=abc&iss="), kind: sdk.ErrInvalidResponse, reason: ReasonIssMismatch},
		{name: "E04 iss missing", want: withIss, in: get("state=s&code=abc"), kind: sdk.ErrInvalidResponse, reason: ReasonIssMissing},
		{name: "E04 iss missing in an error", want: withIss, in: get("state=s&error=access_denied"), kind: sdk.ErrInvalidResponse, reason: ReasonIssMissing},
		{name: "E04 other iss in an error", want: want, in: get("state=s&error=access_denied&iss=https://evil.example"), kind: sdk.ErrInvalidResponse, reason: ReasonIssMismatch},
		{name: "E04 iss is the template", want: tenants, in: get("state=s&code=abc&iss=https://login.example/{tenantid}/v2.0"), kind: sdk.ErrInvalidResponse, reason: ReasonIssMismatch},
		{name: "E04 iss of a tenant elsewhere", want: tenants, in: get("state=s&code=abc&iss=https://evil.example/" + tenant + "/v2.0"), kind: sdk.ErrInvalidResponse, reason: ReasonIssMismatch},

		{name: "E05 access denied", want: want, in: get("state=s&error=access_denied&error_description=no"), kind: sdk.ErrDenied, reason: sdk.ReasonCancelled},
		{name: "E05 cancelled at Apple", want: byPost, in: post("state=s&error=user_cancelled_authorize"), kind: sdk.ErrDenied, reason: sdk.ReasonCancelled},
		{name: "E05 login required", want: want, in: get("state=s&error=login_required"), kind: sdk.ErrDenied, reason: sdk.ReasonNotAllowed},
		{name: "E05 consent required", want: want, in: get("state=s&error=consent_required"), kind: sdk.ErrDenied, reason: sdk.ReasonNotAllowed},
		{name: "E05 interaction required", want: want, in: get("state=s&error=interaction_required"), kind: sdk.ErrDenied, reason: sdk.ReasonNotAllowed},
		{name: "E05 server error", want: want, in: get("state=s&error=server_error"), kind: sdk.ErrUnavailable, reason: "server_error"},
		{name: "E05 temporarily unavailable", want: want, in: get("state=s&error=temporarily_unavailable"), kind: sdk.ErrUnavailable, reason: "temporarily_unavailable"},
		{name: "E05 invalid scope", want: want, in: get("state=s&error=invalid_scope"), kind: sdk.ErrMisconfigured, reason: "invalid_scope"},
		{name: "E05 unauthorized client", want: want, in: get("state=s&error=unauthorized_client"), kind: sdk.ErrMisconfigured, reason: "unauthorized_client"},
		{name: "E05 unknown error", want: want, in: get("state=s&error=odd"), kind: sdk.ErrInvalidResponse, reason: ReasonUnknownError},
		{name: "E05 empty error", want: want, in: get("state=s&error="), kind: sdk.ErrInvalidResponse, reason: ReasonUnknownError},
		{name: "E05 error and code", want: want, in: get("state=s&error=access_denied&code=abc"), kind: sdk.ErrInvalidResponse, reason: ReasonErrorAndCode},
		{name: "E05 error without state", want: want, in: get("error=access_denied"), kind: sdk.ErrInvalidResponse, reason: ReasonStateMismatch},
		{name: "E05 neither error nor code", want: want, in: get("state=s"), kind: sdk.ErrInvalidResponse, reason: ReasonCodeMissing},

		{name: "E17 post when a query was asked for", want: want, in: post("state=s&code=abc"), kind: sdk.ErrInvalidResponse, reason: ReasonResponseMode},
		{name: "E17 query when a post was asked for", want: byPost, in: get("state=s&code=abc"), kind: sdk.ErrInvalidResponse, reason: ReasonResponseMode},
		{name: "E17 post with a query", want: byPost, in: sdk.InboundRequest{Method: http.MethodPost, Form: parseQuery(t, "state=s"), Query: parseQuery(t, "code=abc")}, kind: sdk.ErrInvalidResponse, reason: ReasonResponseMode},
		{name: "E17 query with a body", want: want, in: sdk.InboundRequest{Method: http.MethodGet, Form: parseQuery(t, "code=abc"), Query: parseQuery(t, "state=s&code=def")}, kind: sdk.ErrInvalidResponse, reason: ReasonResponseMode},
		{name: "E17 fragment", want: want, in: get(""), kind: sdk.ErrInvalidResponse, reason: ReasonStateMismatch},
		{name: "E17 HEAD", want: want, in: sdk.InboundRequest{Method: http.MethodHead, Query: parseQuery(t, "state=s&code=abc")}, kind: sdk.ErrInvalidResponse, reason: ReasonResponseMode},
		{name: "E17 ID token in the response", want: want, in: get("state=s&code=abc&id_token=x"), kind: sdk.ErrInvalidResponse, reason: ReasonResponseType},
		{name: "E17 access token in the response", want: want, in: get("state=s&access_token=x&token_type=Bearer"), kind: sdk.ErrInvalidResponse, reason: ReasonResponseType},
		{name: "E17 JARM", want: want, in: get("state=s&response=x.y.z"), kind: sdk.ErrInvalidResponse, reason: ReasonResponseType},

		{name: "E18 code too long", want: want, in: get("state=s&code=" + long + "c"), kind: sdk.ErrInvalidResponse, reason: ReasonResponseMalformed},
		{name: "E18 code of 64 KB", want: want, in: get("state=s&code=" + strings.Repeat("c", 64<<10)), kind: sdk.ErrInvalidResponse, reason: ReasonResponseMalformed},
		{name: "E18 code with a line break", want: want, in: get("state=s&code=a%0d%0ab"), kind: sdk.ErrInvalidResponse, reason: ReasonResponseMalformed},
		{name: "E18 code with NUL", want: want, in: get("state=s&code=a%00"), kind: sdk.ErrInvalidResponse, reason: ReasonResponseMalformed},
		{name: "E18 code outside ASCII", want: want, in: get("state=s&code=%c3%a9"), kind: sdk.ErrInvalidResponse, reason: ReasonResponseMalformed},
		{name: "E18 invalid UTF-8", want: want, in: get("state=s&code=%ff"), kind: sdk.ErrInvalidResponse, reason: ReasonResponseMalformed},
		{name: "E18 invalid UTF-8 elsewhere", want: want, in: get("state=s&code=abc&x=%ff"), kind: sdk.ErrInvalidResponse, reason: ReasonResponseMalformed},
		{name: "E18 other parameter too long", want: want, in: get("state=s&code=abc&x=" + strings.Repeat("x", maxResponseValue+1)), kind: sdk.ErrInvalidResponse, reason: ReasonResponseMalformed},
		{name: "E18 many parameters", want: want, in: get("state=s&code=abc" + manyParams(maxResponseParams)), kind: sdk.ErrInvalidResponse, reason: ReasonResponseMalformed},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, err := ReadResponse(test.in, test.want)
			if test.code != "" {
				if err != nil || code != test.code {
					t.Errorf("got %q, %v", code, err)
				}
				return
			}
			plugintest.Refused(t, err, test.kind, test.reason)
			if code != "" {
				t.Errorf("code %q beside the error", code)
			}
		})
	}
}

func manyParams(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("&p" + strings.Repeat("x", i) + "=1")
	}
	return b.String()
}

func TestResponseErrorIsHarmless(t *testing.T) {
	in := sdk.InboundRequest{Method: http.MethodGet, Query: url.Values{
		"state": {"secret-state-of-login"}, "error": {"<script>"},
		"error_description": {"line\nbreak \x1b[31m \u202e <script>" + strings.Repeat("x", 1000)},
	}}
	_, err := ReadResponse(in, Expectation{State: "secret-state-of-login", Mode: ModeQuery})
	text := err.Error()
	if len(text) > 800 || strings.ContainsAny(text, "\n\x1b\u202e") || strings.Contains(text, "(<script>") {
		t.Errorf("L05 %q", text)
	}
}

// FuzzAuthorizationResponse: the result is an error of a kind with a reason, or a code that came
// with the right state, once, in the right place; never a panic.
func FuzzAuthorizationResponse(f *testing.F) {
	f.Add("GET", "state=s&code=abc&iss=https://op.example", "", false)
	f.Add("POST", "", "state=s&code=abc", true)
	f.Add("GET", "state=s&error=access_denied&error_description=%ff", "", false)
	f.Add("GET", "state=s&code=a&code=b&state=%00", "x=1", false)
	f.Fuzz(func(t *testing.T, method, rawQuery, rawForm string, formPost bool) {
		query, _ := url.ParseQuery(rawQuery)
		form, _ := url.ParseQuery(rawForm)
		want := Expectation{State: "s", Mode: ModeQuery, Issuer: "https://op.example"}
		source := query
		if formPost {
			want.Mode, source = ModeFormPost, form
		}
		code, err := ReadResponse(sdk.InboundRequest{Method: method, Query: query, Form: form, RawQuery: rawQuery}, want)
		if err != nil {
			if _, ok := errors.AsType[*sdk.Error](err); !ok || sdk.ReasonOf(err) == "" {
				t.Fatalf("no kind or reason: %v", err)
			}
			return
		}
		if len(source["state"]) != 1 || source.Get("state") != "s" || len(source["code"]) != 1 || source.Get("code") != code {
			t.Fatalf("accepted %q from %q and %q", code, rawQuery, rawForm)
		}
		if code == "" || len(code) > maxResponseValue || !isVisible(code) || source.Has("error") {
			t.Fatalf("accepted the code %q", code)
		}
	})
}

func parseQuery(t *testing.T, raw string) url.Values {
	t.Helper()
	values, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	return values
}
