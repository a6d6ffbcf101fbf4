package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// maxAnswer bounds an answer, in bytes: people.MaxLimit users with the longest allowed
// names.
const maxAnswer = 16 << 20

// Client calls a handler of this package.
type Client struct {
	do    func(*http.Request) (*http.Response, error)
	table []operation
}

// NewClient returns a client that sends its requests with do. They are for the operator's
// handler and have no key.
func NewClient(do func(*http.Request) (*http.Response, error)) *Client {
	return &Client{do: do, table: operations(nil)}
}

// Answer is the answer of a handler.
type Answer struct {
	Body []byte          // the whole body
	Data json.RawMessage // the member "data" of the body
	Next string          // cursor of the next page; empty: this is the last page
}

// Refusal is an error that a handler answered with.
type Refusal struct {
	Status  int
	Code    string
	Message string
}

func (r *Refusal) Error() string { return r.Message }

// Call calls the operation with that ID. The request has the type of the operation.
func (c *Client) Call(ctx context.Context, id string, in any) (Answer, error) {
	for _, op := range c.table {
		if op.id == id {
			return c.call(ctx, op, reflect.ValueOf(in))
		}
	}
	return Answer{}, fmt.Errorf("there is no operation %q", id)
}

func (c *Client) call(ctx context.Context, op operation, in reflect.Value) (Answer, error) {
	if in.Type() != op.in {
		return Answer{}, fmt.Errorf("operation %s takes %s, not %s", op.id, op.in, in.Type())
	}
	req, err := op.request(ctx, in)
	if err != nil {
		return Answer{}, err
	}
	resp, err := c.do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil || len(body) > maxAnswer {
		return Answer{}, errors.Join(errors.New("reading the answer of the host: it ended early or is too long"), err)
	}
	return answerOf(resp.StatusCode, body)
}

// request makes the request of an operation.
func (op operation) request(ctx context.Context, in reflect.Value) (*http.Request, error) {
	path, query, body := op.path, url.Values{}, map[string]any(nil)
	for _, m := range membersOf(op.in) {
		value := in.FieldByIndex(m.index)
		switch {
		case m.place == inPath:
			path = strings.ReplaceAll(path, "{"+m.name+"}", escapeSegment(value.String()))
		case m.place == inBody && body == nil:
			body = map[string]any{}
			fallthrough
		case m.place == inBody:
			if m.required || !value.IsZero() {
				body[m.name] = value.Interface()
			}
		case m.required || !value.IsZero():
			query.Set(m.name, asText(value))
		}
	}
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("making a request: %w", err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, op.method, "http://doorward"+Prefix+path, bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	req.URL.RawQuery = query.Encode()
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// escapeSegment escapes a text as one segment of a path. Unescaped, "." and ".." would mean
// folders.
func escapeSegment(text string) string {
	if text == "." || text == ".." {
		return strings.ReplaceAll(text, ".", "%2E")
	}
	return url.PathEscape(text)
}

// asText returns a value in the form that setText reads.
func asText(value reflect.Value) string {
	if at, ok := value.Interface().(time.Time); ok {
		return at.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(value.Interface())
}

func answerOf(status int, body []byte) (Answer, error) {
	var read struct {
		Data   json.RawMessage
		Meta   struct{ Next string }
		Errors []failureEntry
	}
	if err := json.Unmarshal(body, &read); err != nil {
		return Answer{}, fmt.Errorf("reading the answer of the host: %w; does it have another version?", err)
	}
	if status == http.StatusOK {
		return Answer{Body: body, Data: read.Data, Next: read.Meta.Next}, nil
	}
	refusal := &Refusal{Status: status, Message: "the host answered " + strconv.Itoa(status)}
	if len(read.Errors) > 0 {
		refusal.Code, refusal.Message = read.Errors[0].Extensions.Code, read.Errors[0].Message
	}
	return Answer{}, refusal
}

// Decode reads the data of an answer.
func Decode[T any](answer Answer) (T, error) {
	var to T
	if err := json.Unmarshal(answer.Data, &to); err != nil {
		return to, fmt.Errorf("reading the answer of the host: %w; does it have another version?", err)
	}
	return to, nil
}

// InProcess sends requests to a handler in this process.
func InProcess(handler http.Handler) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		w := &recordedResponse{status: http.StatusOK, header: http.Header{}}
		handler.ServeHTTP(w, req)
		return &http.Response{StatusCode: w.status, Header: w.header, Body: io.NopCloser(&w.body)}, req.Context().Err()
	}
}

// recordedResponse is a response that is recorded in memory.
type recordedResponse struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (r *recordedResponse) Header() http.Header                  { return r.header }
func (r *recordedResponse) WriteHeader(status int)               { r.status = status }
func (r *recordedResponse) Write(data []byte) (n int, err error) { return r.body.Write(data) }
