package codeflow

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/doorward/doorward/sdk"
)

func TestReadResponse(t *testing.T) {
	own := func(iss string) bool { return iss == "https://as.example" }
	query := func(text string) sdk.InboundRequest {
		values, err := url.ParseQuery(text)
		if err != nil {
			t.Fatal(err)
		}
		return sdk.InboundRequest{Method: http.MethodGet, Query: values}
	}
	post := query("")
	post.Method, post.Form = http.MethodPost, url.Values{"state": {"S"}, "code": {"C"}}
	for _, test := range []struct {
		name   string
		in     sdk.InboundRequest
		want   Expectation
		kind   error // nil: the code C
		reason sdk.Reason
	}{
		{"good", query("state=S&code=C"), Expectation{}, nil, ""},
		{"unknown parameter", query("state=S&code=C&session_state=x"), Expectation{}, nil, ""},
		{"good with iss", query("state=S&code=C&iss=https://as.example"), Expectation{IsIssuer: own, IssRequired: true}, nil, ""},
		{"form_post", post, Expectation{Mode: ModeFormPost}, nil, ""},
		{"posted, but asked for by query", post, Expectation{}, sdk.ErrInvalidResponse, ReasonResponseMode},
		{"no state", query("code=C"), Expectation{}, sdk.ErrInvalidResponse, ReasonStateMismatch},
		{"empty state", query("state=&code=C"), Expectation{}, sdk.ErrInvalidResponse, ReasonStateMismatch},
		{"other state", query("state=T&code=C"), Expectation{}, sdk.ErrInvalidResponse, ReasonStateMismatch},
		{"state twice", query("state=S&state=S&code=C"), Expectation{}, sdk.ErrInvalidResponse, ReasonResponseDuplicate},
		{"code twice", query("state=S&code=C&code=D"), Expectation{}, sdk.ErrInvalidResponse, ReasonResponseDuplicate},
		{"unknown parameter twice", query("state=S&code=C&x=1&x=2"), Expectation{}, sdk.ErrInvalidResponse, ReasonResponseDuplicate},
		{"no code", query("state=S"), Expectation{}, sdk.ErrInvalidResponse, ReasonCodeMissing},
		{"empty code", query("state=S&code="), Expectation{}, sdk.ErrInvalidResponse, ReasonCodeMissing},
		{"code with a line break", query("state=S&code=C%0A"), Expectation{}, sdk.ErrInvalidResponse, ReasonResponseMalformed},
		{"endless code", query("state=S&code=" + strings.Repeat("c", maxCode+1)), Expectation{}, sdk.ErrInvalidResponse, ReasonResponseMalformed},
		{"endless value", query("state=S&code=C&x=" + strings.Repeat("c", maxResponseValue+1)), Expectation{}, sdk.ErrInvalidResponse, ReasonResponseMalformed},
		{"iss missing", query("state=S&code=C"), Expectation{IsIssuer: own, IssRequired: true}, sdk.ErrInvalidResponse, ReasonIssMissing},
		{"iss of another", query("state=S&code=C&iss=https://evil.example"), Expectation{IsIssuer: own}, sdk.ErrInvalidResponse, ReasonIssMismatch},
		{"iss that nobody expects", query("state=S&code=C&iss=https://as.example"), Expectation{}, sdk.ErrInvalidResponse, ReasonIssMismatch},
		{"error of another", query("state=S&error=access_denied&iss=https://evil.example"), Expectation{IsIssuer: own}, sdk.ErrInvalidResponse, ReasonIssMismatch},
		{"token in the response", query("state=S&code=C&access_token=x"), Expectation{}, sdk.ErrInvalidResponse, ReasonResponseType},
		{"ID token in the response", query("state=S&code=C&id_token=x"), Expectation{}, sdk.ErrInvalidResponse, ReasonResponseType},
		{"error and code", query("state=S&code=C&error=access_denied"), Expectation{}, sdk.ErrInvalidResponse, ReasonErrorAndCode},
		{"cancelled", query("state=S&error=access_denied"), Expectation{}, sdk.ErrDenied, sdk.ReasonCancelled},
		{"login required", query("state=S&error=login_required"), Expectation{}, sdk.ErrDenied, sdk.ReasonNotAllowed},
		{"down", query("state=S&error=server_error"), Expectation{}, sdk.ErrUnavailable, "server_error"},
		{"wrong registration", query("state=S&error=redirect_uri_mismatch"), Expectation{}, sdk.ErrMisconfigured, "redirect_uri_mismatch"},
		{"unreadable error", query("state=S&error=" + url.QueryEscape("<b>\n")), Expectation{}, sdk.ErrInvalidResponse, ReasonUnknownError},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.want.State = "S"
			if test.want.Mode == "" {
				test.want.Mode = ModeQuery
			}
			code, err := ReadResponse(test.in, test.want)
			if test.kind == nil {
				if code != "C" || err != nil {
					t.Errorf("%q, %v", code, err)
				}
				return
			}
			if !errors.Is(err, test.kind) || sdk.ReasonOf(err) != test.reason || code != "" || strings.ContainsAny(err.Error(), "<\n") {
				t.Errorf("%q, %v; want %v (%s)", code, err, test.kind, test.reason)
			}
		})
	}
}

// FuzzReadResponse: whatever a browser brings, a code is printable, and came with
// the state of the login.
func FuzzReadResponse(f *testing.F) {
	for _, seed := range []string{"state=S&code=C", "state=S&error=access_denied", "code=C&code=D", "state=S&code=%00", "state=S&iss=x&code=C"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		code, err := ReadResponse(sdk.InboundRequest{Method: http.MethodGet, Query: values}, Expectation{State: "S", Mode: ModeQuery})
		switch {
		case err != nil && code != "":
			t.Fatalf("%q with %v", code, err)
		case err == nil && (!visible.MatchString(code) || values.Get("state") != "S" || values.Has("error")):
			t.Fatalf("%q of %q", code, raw)
		}
	})
}
