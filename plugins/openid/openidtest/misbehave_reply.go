package openidtest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Several endpoints use the HTTP answers below. Most keep the good content, so that a
// relying party without limits accepts them.

const (
	mebibyte = 1 << 20

	// floodBytes bounds an endless answer: a relying party that never stops reading
	// fails the test long before, and must not fill the machine's memory.
	floodBytes = 256 * mebibyte

	trickleEvery = 50 * time.Millisecond
)

// becomes answers with another status and body.
func becomes(status int, contentType, body string) func(*Provider, *reply) {
	return func(_ *Provider, rep *reply) {
		changed := newReply(status, contentType, []byte(body))
		rep.status, rep.header, rep.body = changed.status, changed.header, changed.body
	}
}

const htmlPage = "<!doctype html><title>Maintenance</title><h1>Back soon</h1>"

// inflated puts white space before the good body. The JSON stays correct.
func inflated(size int) func(*Provider, *reply) {
	return func(_ *Provider, rep *reply) {
		body := rep.body
		header, status := rep.header, rep.status
		rep.serve = func(w http.ResponseWriter, _ *http.Request) {
			copyHeader(w, header)
			w.Header().Set("Content-Length", strconv.Itoa(size+len(body)))
			w.WriteHeader(status)
			if pour(w, size) == nil {
				_, _ = w.Write(body)
			}
		}
	}
}

// flooding answers with white space and no end, in one go.
func flooding(_ *Provider, rep *reply) {
	header := rep.header
	rep.serve = func(w http.ResponseWriter, _ *http.Request) {
		copyHeader(w, header)
		_ = pour(w, floodBytes)
	}
}

func pour(w io.Writer, size int) error {
	blank := bytes.Repeat([]byte(" "), 64<<10)
	for left := size; left > 0; left -= len(blank) {
		if _, err := w.Write(blank[:min(left, len(blank))]); err != nil {
			return err
		}
	}
	return nil
}

// hanging reads the request and never answers.
func hanging(p *Provider, rep *reply) {
	rep.serve = func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-p.done:
		}
	}
}

// trickling answers one byte at a time and never ends: each read succeeds, so that only
// a limit on the whole answer helps.
func trickling(p *Provider, rep *reply) {
	header := rep.header
	rep.serve = func(w http.ResponseWriter, r *http.Request) {
		copyHeader(w, header)
		tick := time.NewTicker(trickleEvery)
		defer tick.Stop()
		for {
			_, err := io.WriteString(w, " ")
			if err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			case <-p.done:
				return
			}
		}
	}
}

// closing ends the connection without an answer.
func closing(_ *Provider, rep *reply) {
	rep.serve = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
}

// redirecting redirects the relying party to the good answer.
func redirecting(status int, bait string) func(*Provider, *reply) {
	return func(p *Provider, rep *reply) {
		rep.status, rep.body = status, nil
		rep.header.Set("Location", p.url("/trap/"+bait))
	}
}

// bombing compresses the good body behind 8 MiB of white space.
func bombing(_ *Provider, rep *reply) {
	blanks, err := compressedBlanks()
	if err != nil {
		*rep = *faultReply(err)
		return
	}
	body, err := compress(func(w io.Writer) error {
		_, err := w.Write(rep.body)
		return err
	})
	if err != nil {
		*rep = *faultReply(err)
		return
	}
	// What follows a gzip member is part of the content (RFC 1952 section 2.2).
	rep.body = slices.Concat(blanks, body)
	rep.header.Set("Content-Encoding", "gzip")
}

const bombBytes = 8 * mebibyte

var compressedBlanks = sync.OnceValues(func() ([]byte, error) {
	return compress(func(w io.Writer) error { return pour(w, bombBytes) })
})

func compress(content func(io.Writer) error) ([]byte, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if err := content(w); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	return packed.Bytes(), nil
}

// preceded puts a member before all others of a JSON object, even if there is another
// of this name. Decoders that take the last one do not notice it.
func preceded(member string) func(*Provider, *reply) {
	return func(_ *Provider, rep *reply) { rep.body = prepend(rep.body, member) }
}

func prepend(object []byte, member string) []byte {
	return append([]byte("{"+member+","), bytes.TrimPrefix(object, []byte("{"))...)
}

// appendMember puts a member after all others of a JSON object. Decoders that take the
// last one use it.
func appendMember(object []byte, member string) []byte {
	return append(bytes.TrimSuffix(object, []byte("}")), []byte(","+member+"}")...)
}

func copyHeader(w http.ResponseWriter, header http.Header) {
	for name, values := range header {
		w.Header()[name] = values
	}
}
