package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorward/doorward/host/internal/store"
	"github.com/doorward/doorward/host/internal/web/tally"
)

// counts has the metrics of sign-ins, refusals, refreshes and sessions.
type counts struct {
	tally    *tally.Tally
	sessions atomic.Int64 // the latest count; negative: not counted yet
}

func newCounts(registry prometheus.Registerer) *counts {
	c := &counts{tally: tally.New(time.Now)}
	c.sessions.Store(-1)
	registry.MustRegister(c)
	return c
}

var (
	signInsDesc = prometheus.NewDesc("doorward_sign_ins_total", "Logins that succeeded, by provider.", []string{"provider"}, nil)

	signInRefusalsDesc = prometheus.NewDesc("doorward_sign_in_refusals_total",
		"Refused logins, passwords and codes, by provider and reason; provider is empty if the request named no configured provider.",
		[]string{"provider", "reason"}, nil)

	refreshesDesc = prometheus.NewDesc("doorward_refreshes_total", "Refreshes of sessions, by outcome.", []string{"outcome"}, nil)

	sessionsDesc = prometheus.NewDesc("doorward_sessions", "Sessions in the database, for all hosts together, counted every five minutes.", nil, nil)
)

// Describe implements prometheus.Collector.
func (*counts) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{signInsDesc, signInRefusalsDesc, refreshesDesc, sessionsDesc} {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *counts) Collect(out chan<- prometheus.Metric) {
	counted := c.tally.Counted()
	for provider, n := range counted.SignIns {
		out <- prometheus.MustNewConstMetric(signInsDesc, prometheus.CounterValue, float64(n), provider)
	}
	for of, n := range counted.Refusals {
		out <- prometheus.MustNewConstMetric(signInRefusalsDesc, prometheus.CounterValue, float64(n), of.Provider, of.Reason)
	}
	for outcome, n := range counted.Refreshes {
		out <- prometheus.MustNewConstMetric(refreshesDesc, prometheus.CounterValue, float64(n), outcome)
	}
	if n := c.sessions.Load(); n >= 0 {
		out <- prometheus.MustNewConstMetric(sessionsDesc, prometheus.GaugeValue, float64(n))
	}
}

func (c *counts) countSessions(ctx context.Context, s store.Store, now time.Time) error {
	n, err := s.CountSessions(ctx, now)
	if err == nil {
		c.sessions.Store(int64(n))
	}
	return err
}
