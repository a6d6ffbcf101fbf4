package e2e

import (
	"context"
	"encoding/gob"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The flood comes from a separate process with low priority, so that it does not delay the host
// and the client that is measured. This simulates another machine.

// floodVariable makes the test binary such a process.
const floodVariable = "DOORWARD_E2E_FLOOD"

// order describes the requests that floodSize clients post repeatedly: immediately after each
// response, or at most at this interval.
type order struct {
	URL, Accept, Body string
	Every             time.Duration
}

// pour starts a flood. It returns a function that ends the flood and returns the number of
// responses with each status.
func pour(t testing.TB, o order) (stop func() map[string]int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), floodVariable+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if err := gob.NewEncoder(in).Encode(o); err != nil {
		t.Fatal(err)
	}
	answers := gob.NewDecoder(out)
	var flows bool
	if err := answers.Decode(&flows); err != nil {
		t.Fatal(err)
	}
	return func() map[string]int {
		in.Close()
		var statuses map[string]int
		if err := answers.Decode(&statuses); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		return statuses
	}
}

// serveFlood posts until its input ends.
func serveFlood(in io.Reader, out io.Writer) {
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var o order
	if err := gob.NewDecoder(in).Decode(&o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx, cancel := context.WithCancel(context.Background())
	answers := gob.NewEncoder(out)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: floodSize}, Timeout: time.Minute}
	statuses := map[string]int{}
	var mu sync.Mutex
	var group sync.WaitGroup
	for range floodSize {
		group.Go(func() {
			for turn := time.Now(); ctx.Err() == nil; turn = o.next(ctx, turn) {
				status := o.post(ctx, client)
				mu.Lock()
				if statuses[status]++; len(statuses) == 1 && statuses[status] == 1 {
					_ = answers.Encode(true)
				}
				mu.Unlock()
			}
		})
	}
	_, _ = io.Copy(io.Discard, in)
	cancel()
	group.Wait()
	_ = answers.Encode(statuses)
}

// next waits for the next turn, if there is an interval.
func (o order) next(ctx context.Context, last time.Time) time.Time {
	next := last.Add(o.Every)
	select {
	case <-time.After(time.Until(next)):
	case <-ctx.Done():
	}
	return next
}

// post returns the status of the response, or that there was none: the host does not read
// bodies that it refuses.
func (o order) post(ctx context.Context, client *http.Client) string {
	const none = "broken off"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.URL, strings.NewReader(o.Body))
	if err != nil {
		return err.Error()
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", o.Accept)
	resp, err := client.Do(req)
	if err != nil {
		return none
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return none
	}
	return fmt.Sprint(resp.StatusCode)
}
