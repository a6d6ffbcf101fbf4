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

// Answer is what the provider answered, read whole.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Get requests a document with the client of [HTTPOptions.Client], which bounds
// its size and the time. Any status is an answer. An error says that there is none,
// for [Unreachable]: its text is bounded and printable.
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

// MediaType is the type of the content in lower case, without parameters. It is
// empty if there is none that can be read.
func (a Answer) MediaType() string {
	mediaType, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return mediaType
}

// Date is the provider's clock, or the zero Time if it does not say. The date of an
// answer that a cache kept is that of another moment (RFC 9111 section 5.1).
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

// Redirect is where a redirect leads, for an error: clipped, and without the query,
// which may hold what is secret. It is empty if the answer is none. Redirects are
// not followed, so the operator must know the target.
func (a Answer) Redirect() string {
	if a.Status/100 != 3 {
		return ""
	}
	target, _, _ := strings.Cut(a.Header.Get("Location"), "?")
	return Shown(target)
}

// Problem follows the name of what was asked, for an answer that is not the one
// that was wanted: "answers with status 503".
func (a Answer) Problem() string {
	if target := a.Redirect(); target != "" {
		return fmt.Sprintf("leads on to %q (status %d), and redirects are not followed", target, a.Status)
	}
	return fmt.Sprintf("answers with status %d", a.Status)
}

// Succeeded reports whether a status says that the body is what was asked for: 200, and
// what servers say in its place without meaning another thing (201, 202, 203), or with an
// empty body (204).
func (a Answer) Succeeded() bool {
	return a.Status >= http.StatusOK && a.Status <= http.StatusNoContent
}

// Passing reports whether a status says that it will be another one later: 408, 425,
// 429 and 5xx.
func (a Answer) Passing() bool {
	switch a.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return a.Status >= 500
}

// JSON is the body for a reader of JSON, which may ignore a byte order mark (RFC 8259
// section 8.1). The label says little: JSON is called text/plain and text/html in the
// wild.
func (a Answer) JSON() []byte { return bytes.TrimPrefix(a.Body, []byte("\ufeff")) }

// ReasonHTML is that of a page in place of an answer.
const ReasonHTML sdk.Reason = "provider_sent_html"

// IsHTML reports whether an answer is a page for people: of a proxy, a captive
// portal, an outage.
func (a Answer) IsHTML() bool {
	start := bytes.TrimLeft(a.Body, "\ufeff \t\r\n")
	labelled := a.MediaType() == "text/html" && !bytes.HasPrefix(start, []byte("{")) && !bytes.HasPrefix(start, []byte("["))
	return labelled || bytes.HasPrefix(start, []byte("<"))
}

// HTMLText tells of a page without showing it.
func (a Answer) HTMLText() string {
	return fmt.Sprintf("the provider answered with HTML, status %d, %.1f kB: is there a proxy, a sign-in page or an outage between us?", a.Status, float64(len(a.Body))/1000)
}

// Fresh is how long a document may be kept by its Cache-Control (RFC 9111 section
// 5.2.2), within the bounds given; at most if it does not say.
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
