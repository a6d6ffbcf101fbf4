package web

import (
	"strings"

	hclog "github.com/hashicorp/go-hclog"
)

// serverLog receives what the HTTP server of the standard library logs. Most of
// it is what clients got wrong: half a handshake, a header that is none. But it
// also tells, and nobody else does, that no connection can be accepted.
type serverLog struct{ sampled *sampler }

func (l serverLog) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	switch {
	case strings.HasPrefix(text, "http: Accept error"):
		l.sampled.log(hclog.Error, "", "", "connections cannot be accepted; if the error is \"too many open files\", raise the limit of the service (LimitNOFILE, ulimit -n)",
			"error", text)
	case strings.HasPrefix(text, "http: panic serving"):
		l.sampled.log(hclog.Error, "", "", "request failed", "error", text)
	default:
		l.sampled.logger.Debug(text)
	}
	return len(line), nil
}
