package limit

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"strconv"
	"testing"
	"time"
)

func whoever(i int) Who {
	var a [16]byte
	binary.BigEndian.PutUint64(a[:], 0x2001_0000_0000_0000|uint64(i)<<16) //nolint:gosec // positive
	return Who{Address: netip.AddrFrom16(a), Provider: "dir", Name: "user" + strconv.Itoa(i)}
}

// BenchmarkTry measures the cost of a wrong password, and the memory held after a million
// of them, each from another network and with another name.
func BenchmarkTry(b *testing.B) {
	for _, distinct := range []int{1, 1_000_000} {
		b.Run(strconv.Itoa(distinct), func(b *testing.B) {
			before := heap()
			config := testConfig
			config.Login.Points, config.Address.Points, config.All.Points = 1e6, 1e6, 1e8
			l, err := New(config, time.Now)
			if err != nil {
				b.Fatal(err)
			}
			for i := range distinct {
				try, _ := l.Try(b.Context(), whoever(i))
				try.Failed()
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				try, err := l.Try(b.Context(), whoever(i%distinct))
				if err != nil {
					b.Fatal(err)
				}
				try.Failed()
				i++
			}
			b.ReportMetric(float64(heap()-before)/(1<<20), "MB")
			runtime.KeepAlive(l)
		})
	}
}

// BenchmarkRefused measures the cost of a flood.
func BenchmarkRefused(b *testing.B) {
	l, _ := newLimiter(b, testConfig)
	who := from("2001:db8::1", "alice")
	fail(b, l, 20, always(who))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Try(b.Context(), who); err == nil {
			b.Fatal("not refused")
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
