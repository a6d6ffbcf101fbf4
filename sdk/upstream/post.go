package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// PostForm posts a form with the client of [HTTPOptions.Client], which limits the
// response and the time. A response with any status is an Answer. An error means that
// there is no response. Pass it to [Unreachable]; its text is cut and printable, and
// repeats nothing of the form.
func PostForm(ctx context.Context, client *http.Client, target string, form url.Values, header http.Header) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		return Answer{}, errors.New("making the request: " + Quoted(err.Error()))
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := client.Do(req)
	if err != nil {
		return Answer{}, &quotedError{Quoted(err.Error()), err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("reading the answer of %s: %s", Quoted(target), Quoted(err.Error()))
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}
