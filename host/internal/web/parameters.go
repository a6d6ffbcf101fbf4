package web

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/doorward/doorward/sdk"
)

// Limits of what anyone can send us to read. They are checked before anything is parsed: 20
// KB of "&a&a&a" took longer than 300 pings.
const (
	maxQuery       = sdk.DefaultInbound // bytes of a query that does not come from a provider
	maxBody        = sdk.DefaultInbound // bytes of a body that does not come from a provider
	maxParameters  = sdk.MaxInboundValues
	maxContentType = 256 // bytes; its parameters could be as long as a header
)

// parseParameters reads a query or an urlencoded form with at most that many values. It is
// strict: net/url leaves out what it cannot read, and a client would be sent somewhere
// other than it asked (B19). It counts values and not names, because each value costs the
// same.
func parseParameters(what, text string, most int) (url.Values, error) {
	if countParameters(text) > most {
		return nil, payloadError{"there are too many parameters"}
	}
	values := url.Values{}
	for parameter := range strings.SplitSeq(text, "&") {
		if parameter == "" {
			continue
		}
		left, right, _ := strings.Cut(parameter, "=")
		name, okName := unescape(left)
		value, okValue := unescape(right)
		if !okName || !okValue || strings.Contains(parameter, ";") {
			return nil, payloadError{"the " + what + " cannot be read"}
		}
		values[name] = append(values[name], value)
	}
	return values, nil
}

func countParameters(text string) int {
	if text == "" {
		return 0
	}
	return strings.Count(text, "&") + 1
}

// query reads the query of a request that does not come from a provider.
func query(c echo.Context) (url.Values, error) {
	text := c.Request().URL.RawQuery
	if len(text) > maxQuery {
		return nil, payloadError{"the query is too long"}
	}
	return parseParameters("query", text, maxParameters)
}

// queryOnce is query, but refuses a parameter that is given more than once.
func queryOnce(c echo.Context) (url.Values, error) {
	values, err := query(c)
	if err != nil {
		return nil, err
	}
	for _, list := range values {
		if len(list) > 1 {
			return nil, payloadError{"a parameter is given twice"}
		}
	}
	return values, nil
}

// isInBrackets reports whether a parameter is given as a list or an object, as in name[]=x.
// This host does not read such parameters, but another parser does and would lead
// elsewhere.
func isInBrackets(values url.Values, name string) bool {
	for given := range values {
		if strings.HasPrefix(given, name+"[") {
			return true
		}
	}
	return false
}

// readForm reads a body that is an urlencoded form.
func readForm(req *http.Request) (url.Values, error) {
	text, err := readText(req)
	if err != nil {
		return nil, err
	}
	return parseParameters("form", text, maxParameters)
}

// readText reads a body whose size is already limited.
func readText(req *http.Request) (string, error) {
	var text strings.Builder
	text.Grow(int(max(req.ContentLength, 0)))
	if _, err := io.Copy(&text, req.Body); err != nil {
		return "", bodyError(err, "the form cannot be read")
	}
	return text.String(), nil
}

// mediaType is the content type of a request without its parameters; empty if it cannot be
// determined.
func mediaType(req *http.Request) string {
	text := req.Header.Get(echo.HeaderContentType)
	if len(text) > maxContentType {
		return ""
	}
	name, _, _ := mime.ParseMediaType(text) // the name is returned even if a parameter is invalid
	return name
}

func queryOf(name, value string) string { return url.Values{name: {value}}.Encode() }
