package forwardauth

import (
	"sync"
	"sync/atomic"
)

// Counted in addition to the verdicts.
const (
	unread Verdict = iota + Admitted + 1
	refusedPeer
	failed
	verdictCount
)

// counts counts answers by app and verdict; never by user or path.
type counts struct{ byApp sync.Map } // *[verdictCount]atomic.Int64 by the name of an app

func (c *counts) count(app *App, v Verdict) {
	name := ""
	if app != nil {
		name = app.Name
	}
	found, ok := c.byApp.Load(name)
	if !ok {
		found, _ = c.byApp.LoadOrStore(name, new([verdictCount]atomic.Int64))
	}
	found.(*[verdictCount]atomic.Int64)[v].Add(1)
}

// Counted is the number of answers of one kind.
type Counted struct {
	App     string // empty: unknown
	Verdict string
	N       int64
}

// Counts returns all counts that are not zero.
func (s *Server) Counts() (list []Counted) {
	s.counts.byApp.Range(func(name, found any) bool {
		for v := range verdictCount {
			if n := found.(*[verdictCount]atomic.Int64)[v].Load(); n > 0 {
				list = append(list, Counted{name.(string), verdictName(v), n})
			}
		}
		return true
	})
	return list
}

func verdictName(v Verdict) string {
	switch v {
	case unread:
		return "unread"
	case refusedPeer:
		return "untrusted_proxy"
	case failed:
		return "failed"
	}
	return v.String()
}
