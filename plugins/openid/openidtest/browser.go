package openidtest

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// SignIn does what a browser does between a relying party's redirect and its
// callback, with a provider that has AutoApprove: it opens the authorization URL
// with the login hint (a subject, misbehaviours, or nothing) and returns the request
// that the browser then sends to the redirect URI. This is a GET, or a POST with a
// form for response_mode form_post; it does not contain a fragment, because that
// stays in the browser. If the provider shows a page instead, the error says so.
func SignIn(ctx context.Context, authorizationURL, loginHint string) (*http.Request, error) {
	target, err := url.Parse(authorizationURL)
	if err != nil {
		return nil, fmt.Errorf("parsing authorization URL: %w", err)
	}
	if loginHint != "" {
		target.RawQuery = withHint(target.RawQuery, loginHint)
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
	if location := res.Header.Get("Location"); location != "" {
		return callbackByGet(ctx, location)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxRequestBody))
	if err != nil {
		return nil, fmt.Errorf("reading page: %w", err)
	}
	return callbackByPost(ctx, string(body))
}

// withHint keeps the rest of the query as the relying party spelled it.
func withHint(query, hint string) string {
	parts := slices.DeleteFunc(strings.Split(query, "&"), func(part string) bool { return strings.HasPrefix(part, "login_hint=") })
	return strings.Join(append(parts, "login_hint="+url.QueryEscape(hint)), "&")
}

// browser follows no redirects, because they lead to the relying party. It has its own
// connections, so that none stay open after a test.
var browser = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 4 << 20},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func callbackByGet(ctx context.Context, location string) (*http.Request, error) {
	location, _, _ = strings.Cut(location, "#")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return nil, fmt.Errorf("following redirect: %w", err)
	}
	return req, nil
}

var (
	formAction  = regexp.MustCompile(`<form id="response" method="post" action="([^"]*)">`)
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
	errorText   = regexp.MustCompile(`<code>([^<]*)</code>: ([^<]*)`)
)

func callbackByPost(ctx context.Context, page string) (*http.Request, error) {
	action := formAction.FindStringSubmatch(page)
	if action == nil {
		return nil, shownPage(page)
	}
	form := url.Values{}
	for _, field := range hiddenField.FindAllStringSubmatch(page, -1) {
		form.Add(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, html.UnescapeString(action[1]), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("posting form: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req, nil
}

func shownPage(page string) error {
	if found := errorText.FindStringSubmatch(page); found != nil {
		return fmt.Errorf("the provider refuses: %s: %s", html.UnescapeString(found[1]), html.UnescapeString(found[2]))
	}
	return errors.New("the provider shows a page: set AutoApprove and hint at one of its people")
}
