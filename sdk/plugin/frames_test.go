package plugin

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

// frame is a frame of HTTP/2 (RFC 9113 section 4.1).
func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	head := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(head, stream), payload...)
}

// The frames of the floods (RFC 9113 section 6).
const (
	frameHeaders, frameSettings, framePing                = 1, 4, 6
	frameWindowUpdate, frameContinuation, frameOfNoKind   = 8, 9, 0xf0
	firstStream, flagEndHeaders, flagAck, onTheConnection = 1, 4, 1, 0
)

// flooded is how many bytes a plugin with its own HTTP/2 can write at most. Most floods end
// long before: the host stops reading, or hangs up.
const flooded = 64 << 20

// A plugin that floods the host with frames, and reads none, costs the host at most some MiB.
func TestK08FloodsOfFrames(t *testing.T) {
	fields := bytes.Repeat(append([]byte{0, 1, 'x', 126}, bytes.Repeat([]byte{'x'}, 126)...), 120) // literal (RFC 7541 section 6.2.2)
	for name, flood := range map[string][]byte{
		"settings":       frame(frameSettings, 0, onTheConnection, nil),
		"larger tables":  frame(frameSettings, 0, onTheConnection, []byte{0, 1, 0xff, 0xff, 0xff, 0xff}),
		"pings":          frame(framePing, 0, onTheConnection, make([]byte, 8)),
		"window updates": frame(frameWindowUpdate, 0, onTheConnection, []byte{0, 0, 0, 1}),
		"of the stream":  frame(frameWindowUpdate, 0, firstStream, []byte{0, 0, 0, 1}),
		"no kind":        frame(frameOfNoKind, 0, onTheConnection, make([]byte, 1<<10)),
		"headers":        frame(frameHeaders, flagEndHeaders, firstStream, fields),
		"continuations": append(frame(frameHeaders, 0, firstStream, fields),
			bytes.Repeat(frame(frameContinuation, 0, firstStream, fields), 20)...),
	} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			wrote, most := floodHost(t, flood)
			t.Logf("%d KiB written, the heap grew from %d to %d KiB", wrote>>10, before>>10, most>>10)
			if most > before+16<<20 {
				t.Errorf("the heap grew from %d to %d MiB", before>>20, most>>20)
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// floodHost waits for the first call of a host and repeats the flood until it wrote enough,
// the host hangs up, or the host does not read for a moment. It returns how much it wrote, and
// the largest heap.
func floodHost(t *testing.T, flood []byte) (wrote int, most uint64) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := grpc.NewClient("unix:"+listener.Addr().String(), append(DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	defer func() { cancel(); <-ended }()
	go func() {
		defer close(ended)
		_, _ = doorwardv1.NewPluginServiceClient(conn).Describe(ctx, &doorwardv1.DescribeRequest{})
	}()
	plugin, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer plugin.Close()
	preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	if _, err := io.ReadFull(plugin, preface); err != nil {
		t.Fatal(err)
	}
	if _, err := plugin.Write(append(frame(frameSettings, 0, onTheConnection, nil), frame(frameSettings, flagAck, onTheConnection, nil)...)); err != nil {
		t.Fatal(err)
	}
	awaitHeaders(t, plugin)
	many := bytes.Repeat(flood, max(1, 64<<10/len(flood)))
	for wrote < flooded {
		_ = plugin.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		n, err := plugin.Write(many)
		wrote += n
		if wrote>>22 != (wrote-n)>>22 || err != nil {
			most = max(most, heap())
		}
		if err != nil {
			break
		}
	}
	return wrote, max(most, heap())
}

// awaitHeaders reads until the host has made its call.
func awaitHeaders(t *testing.T, conn net.Conn) {
	t.Helper()
	for {
		var head [9]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			t.Fatal(err)
		}
		size := int(head[0])<<16 | int(head[1])<<8 | int(head[2])
		if _, err := io.ReadFull(conn, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
		if head[3] == frameHeaders {
			return
		}
	}
}
