package web_test

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// The cost of a request to the host is its CPU time, including that of the kernel. The
// client is another process, so that its time is not counted.

// costClientVariable makes the test binary such a client.
const costClientVariable = "DOORWARD_COST_CLIENT"

func TestMain(m *testing.M) {
	if address := os.Getenv(costClientVariable); address != "" {
		serveCostClient(address, os.Stdin, os.Stdout)
		return
	}
	os.Exit(m.Run())
}

// batch is what a client should send: the requests in turn, N altogether.
type batch struct {
	Requests [][]byte
	N        int
}

// report says that the client is ready, or what the answers were.
type report struct {
	Statuses map[int]int
	Error    string
}

func serveCostClient(address string, in io.Reader, out io.Writer) {
	decoder, encoder := gob.NewDecoder(in), gob.NewEncoder(out)
	for {
		var todo batch
		if decoder.Decode(&todo) != nil {
			return // the parent is done
		}
		_ = encoder.Encode(report{}) // ready
		var start bool
		if decoder.Decode(&start) != nil {
			return
		}
		statuses, err := sendAll(address, todo)
		r := report{Statuses: statuses}
		if err != nil {
			r.Error = err.Error()
		}
		_ = encoder.Encode(r)
	}
}

func sendAll(address string, todo batch) (map[int]int, error) {
	statuses := map[int]int{}
	var conn net.Conn
	var reader *bufio.Reader
	for i := range todo.N {
		if conn == nil {
			var err error
			if conn, err = net.Dial("tcp", address); err != nil {
				return nil, err
			}
			reader = bufio.NewReaderSize(conn, 64<<10)
		}
		request := todo.Requests[i%len(todo.Requests)]
		written := make(chan struct{})
		go func() { defer close(written); _, _ = conn.Write(request) }() // refused ones are not read to their end
		method, _, _ := bytes.Cut(request, []byte(" "))
		resp, err := http.ReadResponse(reader, &http.Request{Method: string(method)})
		if err != nil {
			return nil, fmt.Errorf("request %d, %.60q: %w", i, request, err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("request %d, %.60q: %w", i, request, err)
		}
		statuses[resp.StatusCode]++
		if resp.Close {
			conn.Close()
			conn = nil
		}
		<-written
	}
	if conn != nil {
		conn.Close()
	}
	return statuses, nil
}

// costMeter measures what requests cost this process.
type costMeter struct {
	encoder *gob.Encoder
	decoder *gob.Decoder
}

func newCostMeter(b testing.TB, address string) *costMeter {
	b.Helper()
	client := exec.CommandContext(b.Context(), os.Args[0])
	client.Env = append(os.Environ(), costClientVariable+"="+address)
	client.Stderr = os.Stderr
	in, err := client.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := client.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := client.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		_ = client.Wait()
	})
	return &costMeter{encoder: gob.NewEncoder(in), decoder: gob.NewDecoder(out)}
}

// send returns the CPU time of one request, and how many answers had each status.
func (m *costMeter) send(b testing.TB, n int, requests ...[]byte) (time.Duration, map[int]int) {
	b.Helper()
	var r report
	if err := m.encoder.Encode(batch{requests, n}); err != nil {
		b.Fatal(err)
	}
	if err := m.decoder.Decode(&r); err != nil {
		b.Fatal(err)
	}
	begun := cpuTime(b)
	if err := m.encoder.Encode(true); err != nil {
		b.Fatal(err)
	}
	if err := m.decoder.Decode(&r); err != nil || r.Error != "" {
		b.Fatalf("%v %s", err, r.Error)
	}
	return (cpuTime(b) - begun) / time.Duration(n), r.Statuses
}

func cpuTime(b testing.TB) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
