package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorward/doorward/host/internal/forwardauth"
)

// forwardAuthChecks counts the answers to proxies, by app and verdict. It does not count by
// user or path: there are too many, and they reveal too much.
type forwardAuthChecks struct{ server *forwardauth.Server }

var checksDesc = prometheus.NewDesc("doorward_forward_auth_checks_total",
	"Answers to reverse proxies, by app (empty: unknown) and verdict.", []string{"app", "verdict"}, nil)

// Describe implements prometheus.Collector.
func (forwardAuthChecks) Describe(to chan<- *prometheus.Desc) { to <- checksDesc }

// Collect implements prometheus.Collector.
func (c forwardAuthChecks) Collect(to chan<- prometheus.Metric) {
	for _, counted := range c.server.Counts() {
		to <- prometheus.MustNewConstMetric(checksDesc, prometheus.CounterValue, float64(counted.N), counted.App, counted.Verdict)
	}
}
