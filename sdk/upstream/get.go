package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
)

// Answer is a complete response of the provider.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Get requests a document with the client of [HTTPOptions.Client], which limits its
// size and the time. A response with any status is an Answer. An error means that there
// is no response. Pass it to [Unreachable]; its text is cut and printable.
func Get(ctx context.Context, client *http.Client, url string, header http.Header) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Answer{}, errors.New("making the request: " + Quoted(err.Error()))
	}
	for name, values := range header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	resp, err := client.Do(req)
	if err != nil {
		return Answer{}, &quotedError{Quoted(err.Error()), err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("reading the answer of %s: %s", Quoted(url), Quoted(err.Error()))
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// MediaType returns the type of the content in lower case, without parameters. It is
// empty if there is no valid type.
func (a Answer) MediaType() string {
	mediaType, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return mediaType
}

// Date returns the provider's time, or the zero Time if it does not say. The date of a
// cached response does not count, because it is from an earlier moment (RFC 9111 section
// 5.1).
func (a Answer) Date() time.Time {
	if age := a.Header.Get("Age"); age != "" && age != "0" {
		return time.Time{}
	}
	date, err := http.ParseTime(a.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return date
}

// Redirect returns the target of a redirect, for an error: cut, and without the query,
// which may contain a secret. It is empty if the response is not a redirect. Redirects
// are not followed, so the operator must know the target.
func (a Answer) Redirect() string {
	if a.Status/100 != 3 {
		return ""
	}
	target, _, _ := strings.Cut(a.Header.Get("Location"), "?")
	return Shown(target)
}

// Problem describes an unexpected response, to follow the name of the server or endpoint:
// "answers with status 503".
func (a Answer) Problem() string {
	if target := a.Redirect(); target != "" {
		return fmt.Sprintf("redirects to %q (status %d), but redirects are not followed", target, a.Status)
	}
	return fmt.Sprintf("answers with status %d", a.Status)
}

// Succeeded reports whether the status means that the body is the requested one: 200, the
// statuses that some servers send instead (201, 202, 203), or 204 with an empty body.
func (a Answer) Succeeded() bool {
	return a.Status >= http.StatusOK && a.Status <= http.StatusNoContent
}

// Passing reports whether the status is temporary: 408, 425, 429 and 5xx.
func (a Answer) Passing() bool {
	switch a.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return a.Status >= 500
}

// JSON returns the body without a byte order mark, which a reader of JSON is allowed to
// ignore (RFC 8259 section 8.1). It ignores the media type: in practice, JSON is also
// sent as text/plain and text/html.
func (a Answer) JSON() []byte { return bytes.TrimPrefix(a.Body, []byte("\ufeff")) }

// ReasonHTML is the reason if a page arrives in place of the expected response.
const ReasonHTML sdk.Reason = "provider_sent_html"

// IsHTML reports whether the response is a page for people: of a proxy, a captive
// portal, an outage.
func (a Answer) IsHTML() bool {
	start := bytes.TrimLeft(a.Body, "\ufeff \t\r\n")
	labelled := a.MediaType() == "text/html" && !bytes.HasPrefix(start, []byte("{")) && !bytes.HasPrefix(start, []byte("["))
	return labelled || bytes.HasPrefix(start, []byte("<"))
}

// HTMLText describes a page without showing it.
func (a Answer) HTMLText() string {
	return fmt.Sprintf("the provider answered with HTML, status %d, %.1f kB: is there a proxy, a sign-in page or an outage in between?", a.Status, float64(len(a.Body))/1000)
}

// Fresh returns how long a document can be kept according to its Cache-Control (RFC 9111
// section 5.2.2), between least and most. Without Cache-Control it returns most.
func (a Answer) Fresh(least, most time.Duration) time.Duration {
	fresh := most
	for directive := range strings.SplitSeq(strings.Join(a.Header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		switch name {
		case "no-store", "no-cache":
			return least
		case "max-age":
			if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
				fresh = min(fresh, time.Duration(seconds)*time.Second)
			}
		}
	}
	return max(fresh, least)
}
