package main

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/doorward/doorward/sdk"
)

// document is an answer of the provider, read whole. Its size is bounded by the
// client.
type document struct {
	status int
	header http.Header
	body   []byte
}

// mediaType is the type of the content in lower case, without parameters.
func (d document) mediaType() string {
	mediaType, _, err := mime.ParseMediaType(d.header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return mediaType
}

// get requests a document of the provider. An error is of kind
// sdk.ErrUnavailable and has the reason given.
func get(ctx context.Context, client *http.Client, url, accept, accessToken string, reason sdk.Reason) (document, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return document{}, fmt.Errorf("making the request: %w", err)
	}
	req.Header.Set("Accept", accept)
	if accessToken != "" {
		req.Header.Set("Authorization", "Bearer "+accessToken) // RFC 6750 section 2.1
	}
	resp, err := client.Do(req)
	if err != nil {
		return document{}, sdk.Unavailable(reason, "%s", quoted(err.Error()))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return document{}, sdk.Unavailable(reason, "reading %s: %s", url, quoted(err.Error()))
	}
	return document{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

// Lengths of texts of others in our errors.
const (
	maxShown  = 128
	maxQuoted = 512
)

// quoted returns a text of the provider's, or one that may quote the provider,
// for an error of ours: bounded and in printable ASCII.
func quoted(text string) string { return cut(text, maxQuoted) }

// shown returns a name or an identifier of the provider's for an error of ours.
func shown(text string) string { return cut(text, maxShown) }

func cut(text string, most int) string {
	printable := func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strings.Map(printable, text)
}
