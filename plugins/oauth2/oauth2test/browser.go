package oauth2test

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
)

// SignIn simulates a browser between a client's redirect and its callback, for a server with
// AutoApprove. It opens the authorization URL as the person with this login (if empty, the
// first person), and returns the request that the browser then sends to the redirect URI. If
// the provider shows a page instead, SignIn returns its text as an error.
func SignIn(ctx context.Context, authorizationURL, login string) (*http.Request, error) {
	target, err := url.Parse(authorizationURL)
	if err != nil {
		return nil, fmt.Errorf("parsing authorization URL: %w", err)
	}
	if login != "" {
		query := target.Query()
		query.Set("login_hint", login)
		target.RawQuery = query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("opening authorization URL: %w", err)
	}
	res, err := browser.Do(req)
	if err != nil {
		return nil, fmt.Errorf("opening authorization URL: %w", err)
	}
	defer res.Body.Close()
	location := res.Header.Get("Location")
	if location == "" {
		body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		if err != nil {
			return nil, fmt.Errorf("reading page: %w", err)
		}
		if found := shownError.FindStringSubmatch(string(body)); found != nil {
			return nil, fmt.Errorf("the provider refuses: %s", html.UnescapeString(found[1]))
		}
		return nil, fmt.Errorf("the provider shows a page (status %d): set AutoApprove", res.StatusCode)
	}
	back, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return nil, fmt.Errorf("following redirect: %w", err)
	}
	return back, nil
}

var shownError = regexp.MustCompile(`<p class="error">([^<]*)</p>`)

// browser does not follow redirects, because they lead to the client. It does not keep
// connections, so that none is open at the end of a test.
var browser = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}
