package web_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/sso"
	"github.com/doorward/doorward/sdk"
)

// returning is a mechanism of a protocol without a "state" parameter: begin makes the URL
// at the provider, and who reads from the response who it was.
type returning struct {
	begin func(req sdk.BeginRequest) url.Values
	who   func(in sdk.InboundRequest) string
}

func (r returning) Begin(_ context.Context, req sdk.BeginRequest) (sdk.Step, error) {
	return sdk.Redirect{URL: idp + "?" + r.begin(req).Encode(), Memory: []byte(req.CallbackURL)}, nil
}

func (r returning) Continue(_ context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	subject := r.who(req.Response)
	if subject == "" || string(req.Memory) != req.CallbackURL {
		return nil, sdk.InvalidResponse("empty", "nobody, or another callback URL than %s", req.Memory)
	}
	return sdk.Authenticated{Identity: sdk.Identity{Subject: subject}}, nil
}

// protocols are mechanisms whose state does not return as "state", either in a query with
// GET or in a form with POST.
var protocols = map[string]sdk.Mechanism{
	// JARM: all that comes back is one JWT, in which the state is.
	"jarm": returning{
		func(req sdk.BeginRequest) url.Values { return url.Values{"redirect_uri": {req.ReturnURL}} },
		func(in sdk.InboundRequest) string { return in.Query.Get("response") + in.Form.Get("response") },
	},
	// CAS: a service, to which the ticket is added.
	"cas": returning{
		func(req sdk.BeginRequest) url.Values { return url.Values{"service": {req.ReturnURL}} },
		func(in sdk.InboundRequest) string { return in.Query.Get("ticket") },
	},
	// JARM where the redirect URI must be the registered one: only the JWT has the state.
	"jarm-strict": returning{
		func(req sdk.BeginRequest) url.Values { return url.Values{"state": {req.State}} },
		func(in sdk.InboundRequest) string {
			return payloadOf(in.Query.Get("response") + in.Form.Get("response"))["sub"]
		},
	},
	// WS-Federation: a context with its own name.
	"wsfed": returning{
		func(req sdk.BeginRequest) url.Values {
			return url.Values{"wa": {"wsignin1.0"}, "wctx": {req.State}, "wreply": {req.CallbackURL}}
		},
		func(in sdk.InboundRequest) string { return in.Form.Get("wresult") },
	},
	// OpenID 2.0: a POST to a URL with a query.
	"openid2": returning{
		func(req sdk.BeginRequest) url.Values { return url.Values{"openid.return_to": {req.ReturnURL}} },
		func(in sdk.InboundRequest) string { return in.Form.Get("openid.claimed_id") },
	},
}

func protocolSite(t *testing.T) *site {
	t.Helper()
	d := directory{mechanisms: protocols}
	for name := range protocols {
		p := sso.Provider{Name: name, Driver: name, Label: name, Mode: sso.ModeSession, LoginTimeout: time.Minute, AllowPublicRegistration: true}
		switch name {
		case "wsfed":
			p.StateParameters = []string{"wctx"}
		case "jarm-strict":
			p.StateTokens = []string{"response"}
		}
		d.list = append(d.list, p)
	}
	return newSiteWith(t, "", d)
}

// signedResponse is a JWT whose signature nobody looks at here.
func signedResponse(t *testing.T, claims string) string {
	t.Helper()
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"RS256"}`)) + "." + part([]byte(claims)) + "." + part([]byte("signature"))
}

func payloadOf(token string) map[string]string {
	var claims map[string]string
	if parts := strings.Split(token, "."); len(parts) == 3 {
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(payload, &claims)
	}
	return claims
}

func TestStateInASignedToken(t *testing.T) {
	s := protocolSite(t)
	begun := func(t *testing.T) (*browser, string) {
		t.Helper()
		b := s.browser(t)
		return b, b.sentTo("jarm-strict").Get("state")
	}
	const path = "/auth/login/jarm-strict/callback"
	t.Run("in a query", func(t *testing.T) {
		b, state := begun(t)
		wantSignedIn(t, b.get(path+"?response="+signedResponse(t, `{"state":"`+state+`","sub":"ada"}`)))
	})
	t.Run("beside two spellings of what nobody reads", func(t *testing.T) {
		b, state := begun(t)
		wantSignedIn(t, b.get(path+"?response="+signedResponse(t, `{"state":"`+state+`","sub":"ada","Tenant":"a","tenant":"b"}`)))
	})
	t.Run("in a form", func(t *testing.T) {
		b, state := begun(t)
		form := url.Values{"response": {signedResponse(t, `{"state":"`+state+`","sub":"ada"}`)}}
		wantSignedIn(t, b.postForm(path, form))
	})
	t.Run("refused", func(t *testing.T) {
		b, state := begun(t)
		good := signedResponse(t, `{"state":"`+state+`","sub":"ada"}`)
		for name, query := range map[string]string{
			"A12 of another login":    "response=" + signedResponse(t, `{"state":"other","sub":"ada"}`),
			"A14 in two spellings":    "response=" + signedResponse(t, `{"state":"`+state+`","STATE":"other","sub":"ada"}`),
			"A14 missing":             "response=" + signedResponse(t, `{"sub":"ada"}`),
			"A14 twice":               "response=" + good + "&response=" + good,
			"A14 inside and outside":  "response=" + good + "&state=" + state,
			"A14 twice in the claims": "response=" + signedResponse(t, `{"state":"`+state+`","state":"`+state+`","sub":"ada"}`),
			"A14 a number":            "response=" + signedResponse(t, `{"state":1,"sub":"ada"}`),
			"no token":                "response=x.y",
			"no base64":               "response=x.!.y",
			"elsewhere":               "other=" + good,
		} {
			if a := b.get(path + "?" + query); a.StatusCode/100 != 4 || a.cookie("directus_session_token") != nil {
				t.Errorf("%s: %s", name, a.Status)
			}
		}
		wantSignedIn(t, b.get(path+"?response="+good)) // the attempt is as good as before
	})
}

// sentTo begins a login and returns what the provider was sent.
func (b *browser) sentTo(provider string) url.Values {
	b.t.Helper()
	a := b.get("/auth/login/" + provider)
	target, err := url.Parse(a.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(target.String(), idp) {
		b.t.Fatalf("beginning at %s: %s %s", provider, a.Status, a.body)
	}
	return target.Query()
}

// pathOf takes the site off a URL.
func (b *browser) pathOf(text string) string {
	b.t.Helper()
	path, ok := strings.CutPrefix(text, b.site.URL)
	if !ok {
		b.t.Fatalf("%q is not one of our URLs", text)
	}
	return path
}

func wantSignedIn(t *testing.T, a answer) {
	t.Helper()
	if a.StatusCode/100 != 3 || a.cookie("directus_session_token") == nil {
		t.Errorf("not signed in: %s %s", a.Status, a.body)
	}
}

func TestStateComesBackWhereverTheProtocolPutsIt(t *testing.T) {
	s := protocolSite(t)
	t.Run("JARM in a query", func(t *testing.T) {
		b := s.browser(t)
		wantSignedIn(t, b.get(b.pathOf(b.sentTo("jarm").Get("redirect_uri"))+"&response=ada"))
	})
	t.Run("JARM in a form", func(t *testing.T) {
		b := s.browser(t)
		wantSignedIn(t, b.postForm(b.pathOf(b.sentTo("jarm").Get("redirect_uri")), url.Values{"response": {"ada"}}))
	})
	t.Run("CAS", func(t *testing.T) {
		b := s.browser(t)
		wantSignedIn(t, b.get(b.pathOf(b.sentTo("cas").Get("service"))+"&ticket=ST-ada"))
	})
	t.Run("WS-Federation", func(t *testing.T) {
		b := s.browser(t)
		sent := b.sentTo("wsfed")
		form := url.Values{"wa": {"wsignin1.0"}, "wresult": {"ada"}, "wctx": {sent.Get("wctx")}}
		wantSignedIn(t, b.postForm(b.pathOf(sent.Get("wreply")), form))
	})
	t.Run("OpenID 2.0 by POST", func(t *testing.T) {
		b := s.browser(t)
		wantSignedIn(t, b.postForm(b.pathOf(b.sentTo("openid2").Get("openid.return_to")), url.Values{"openid.claimed_id": {"ada"}}))
	})
}

var formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)

// A POST from the provider's site comes without our cookie, and is posted again
// from ours: to the URL that it came to, because the state is in that.
func TestStateInTheQueryOfAPostIsPostedAgain(t *testing.T) {
	s := protocolSite(t)
	b := s.browser(t)
	path := b.pathOf(b.sentTo("openid2").Get("openid.return_to"))
	form := url.Values{"openid.claimed_id": {"ada"}}
	page := s.browser(t).postForm(path, form, "Accept", acceptHTML) // without cookies
	action := formAction.FindStringSubmatch(page.body)
	if page.StatusCode != http.StatusOK || action == nil || strings.ReplaceAll(action[1], "&amp;", "&") != path {
		t.Fatalf("posted again to %q, want %q: %s", action, path, page.Status)
	}
	form.Set("doorward_reposted", "1")
	wantSignedIn(t, b.postForm(path, form))
}

func TestStateIsThereExactlyOnce(t *testing.T) {
	s := protocolSite(t)
	for name, again := range map[string]func(path, state string) (string, url.Values){
		"twice in the query": func(path, state string) (string, url.Values) {
			return path + "&state=" + state, url.Values{}
		},
		"in the query and in the form": func(path, state string) (string, url.Values) {
			return path, url.Values{"state": {state}}
		},
		"in the query and as RelayState": func(path, state string) (string, url.Values) {
			return path, url.Values{"RelayState": {state}}
		},
		"in the query and as named": func(path, state string) (string, url.Values) {
			return path, url.Values{"wctx": {state}}
		},
		"as named, twice": func(path, state string) (string, url.Values) {
			path, _, _ = strings.Cut(path, "?")
			return path, url.Values{"wctx": {state, state}}
		},
		"nowhere": func(path, _ string) (string, url.Values) {
			path, _, _ = strings.Cut(path, "?")
			return path, url.Values{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := s.browser(t)
			state := b.sentTo("wsfed").Get("wctx")
			path, form := again("/auth/login/wsfed/callback?state="+state, state)
			form.Set("wresult", "ada")
			form.Set("doorward_reposted", "1")
			if a := b.postForm(path, form); a.StatusCode != http.StatusBadRequest || a.code(t) != "INVALID_PAYLOAD" {
				t.Errorf("%s %s", a.Status, a.body)
			}
		})
	}
	t.Run("a name of another mechanism is none", func(t *testing.T) {
		b := s.browser(t)
		path := b.pathOf(b.sentTo("cas").Get("service"))
		state := path[strings.Index(path, "=")+1:]
		if a := b.get("/auth/login/cas/callback?ticket=ada&wctx=" + state); a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s %s", a.Status, a.body)
		}
	})
}

// What may be posted once may be posted again: with the mark of our page, and with a
// query that is as long as it was.
func TestLargestResponseIsPostedAgain(t *testing.T) {
	values := func(n int) url.Values {
		form := url.Values{"openid.claimed_id": {"ada"}}
		for i := range n - len(form) {
			form.Set("a"+strconv.Itoa(i), "x")
		}
		return form
	}
	size := url.Values{"openid.claimed_id": {"ada"}, "filler": {""}}
	for name, c := range map[string]struct {
		form  url.Values
		query string
	}{
		"as many values": {values(sdk.MaxInboundValues - 1), ""}, // and the state
		"as many bytes":  {url.Values{"openid.claimed_id": {"ada"}, "filler": {strings.Repeat("x", sdk.DefaultInbound-len(size.Encode()))}}, ""},
		"a long query":   {values(1), "&from=" + strings.Repeat("/", sdk.DefaultInbound-100)},
	} {
		t.Run(name, func(t *testing.T) {
			s := protocolSite(t)
			b := s.browser(t)
			path := b.pathOf(b.sentTo("openid2").Get("openid.return_to")) + c.query
			page := s.browser(t).postForm(path, c.form, "Accept", acceptHTML) // without cookies
			action := formAction.FindStringSubmatch(page.body)
			if page.StatusCode != http.StatusOK || action == nil {
				t.Fatalf("%s %.200s", page.Status, page.body)
			}
			c.form.Set("doorward_reposted", "1")
			wantSignedIn(t, b.postForm(html.UnescapeString(action[1]), c.form))
		})
	}
	t.Run("one more", func(t *testing.T) {
		s := protocolSite(t)
		b := s.browser(t)
		path := b.pathOf(b.sentTo("openid2").Get("openid.return_to"))
		for _, form := range []url.Values{values(sdk.MaxInboundValues), {"openid.claimed_id": {strings.Repeat("x", sdk.DefaultInbound)}}} {
			if a := s.browser(t).postForm(path, form); a.StatusCode/100 != 4 {
				t.Errorf("%s", a.Status)
			}
		}
	})
}

// A response that comes to the wrong URL does not end the login that it names: not at
// another provider, and not a logout.
func TestResponseElsewhereLeavesALoginAlone(t *testing.T) {
	s := newSite(t, "")
	b := s.browser(t)
	state := b.begin("/auth/login/op")
	for _, path := range []string{"/auth/login/cookie/callback?code=ada&state=", "/auth/login/op/logout?state="} {
		if a := b.get(path + state); a.StatusCode/100 != 4 || len(a.Cookies()) > 0 {
			t.Errorf("%s: %s, cookies %v", path, a.Status, a.Cookies())
		}
	}
	wantSignedIn(t, b.get("/auth/login/op/callback?code=ada&state="+state))
}
