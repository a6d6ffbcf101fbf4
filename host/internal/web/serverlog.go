package web

import (
	"strings"

	hclog "github.com/hashicorp/go-hclog"
)

// serverLog receives what the HTTP server of the standard library logs. Most of it is
// mistakes of clients, such as half a handshake or an invalid header. But it is also the
// only place that reports that connections cannot be accepted.
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
