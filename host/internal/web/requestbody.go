package web

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

// readBody reads a JSON object or a form; an empty body is an empty object.
func readBody(c echo.Context, into any, form func(get func(string) string)) error {
	req := c.Request()
	if err := checkEncoding(req); err != nil {
		return err
	}
	media := mediaType(req)
	switch {
	case media == echo.MIMEApplicationForm:
		values, err := readForm(req)
		if err != nil {
			return err
		}
		req.PostForm = values // afterLogout reads it
		form(values.Get)
		return nil
	case media != echo.MIMEApplicationJSON && req.ContentLength != 0:
		return notOfType(echo.MIMEApplicationJSON + " or " + echo.MIMEApplicationForm)
	}
	return readJSON(req.Body, into)
}

func readJSON(body io.Reader, into any) error {
	decoder := json.NewDecoder(skipByteOrderMark(body))
	err := decoder.Decode(into)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return bodyError(err, "the body is not a JSON object")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return payloadError{"the body is more than one JSON object"}
	}
	return nil
}

// fieldTypes are the types of the fields that clients send.
var fieldTypes = map[string]string{
	"identifier": "a string", "password": "a string", "mode": "a string", "attempt": "a string",
	"redirect": "a string", "provider": "a string",
	"refresh_token": "a string", "everywhere": "a boolean", "answers": "an object of strings",
}

func bodyError(err error, reason string) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return payloadError{strconv.Quote(wrong.Field) + " must be " + fieldTypes[wrong.Field]}
	}
	return payloadError{reason}
}

// checkEncoding refuses bodies that would be misread: a password in another charset would
// be a wrong password. RFC 8259 section 8.1 requires UTF-8 for JSON, as the URL Standard
// does for forms.
func checkEncoding(req *http.Request) error {
	if coding := req.Header.Get(echo.HeaderContentEncoding); coding != "" && !strings.EqualFold(coding, "identity") {
		return mediaError{"the body must not be compressed; leave out Content-Encoding"}
	}
	switch strings.ToLower(charset(req)) {
	case "", "utf-8", "utf8", "us-ascii":
		return nil
	}
	return mediaError{"the body must be in UTF-8"}
}

// charset is the charset of the content type; empty if there is none, or it cannot be read.
func charset(req *http.Request) string {
	text := req.Header.Get(echo.HeaderContentType)
	if len(text) > maxContentType {
		return ""
	}
	_, parameters, _ := mime.ParseMediaType(text)
	return parameters["charset"]
}

// skipByteOrderMark skips the byte order mark that some programs write before UTF-8, as RFC 8259
// section 8.1 allows.
func skipByteOrderMark(body io.Reader) io.Reader {
	const mark = "\xef\xbb\xbf"
	buffered := bufio.NewReaderSize(body, 16)
	if first, _ := buffered.Peek(len(mark)); string(first) == mark { // an error occurs again when the body is read
		_, _ = buffered.Discard(len(mark))
	}
	return buffered
}
