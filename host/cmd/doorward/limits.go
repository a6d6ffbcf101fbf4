package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/web/limit"
)

// limits makes the limiter of failed sign-ins; nil if it is disabled.
func (h host) limits(registry prometheus.Registerer) (*limit.Limiter, error) {
	cfg := h.config
	if !cfg.LimiterEnabled {
		return nil, nil
	}
	secret, _ := h.secrets()
	c := limit.Config{
		Secret:  secret,
		Login:   limit.Rate{Points: cfg.LimiterLoginPoints, Within: config.Seconds(cfg.LimiterLoginDuration)},
		Address: limit.Rate{Points: cfg.LimiterPoints, Within: config.Seconds(cfg.LimiterDuration)},
	}
	if cfg.LimiterGlobalEnabled {
		c.All = limit.Rate{Points: cfg.LimiterGlobalPoints, Within: config.Seconds(cfg.LimiterGlobalDuration)}
	}
	limiter, err := limit.New(c, time.Now)
	if err == nil {
		registry.MustRegister(refusals{limiter})
	}
	return limiter, err
}

// refusals counts how often each limit has refused a request.
type refusals struct{ limiter *limit.Limiter }

var refusalsDesc = prometheus.NewDesc("doorward_limits_refused_total",
	"Requests that were refused because too many sign-ins failed or were not completed, by limit.", []string{"limit"}, nil)

// Describe implements prometheus.Collector.
func (r refusals) Describe(out chan<- *prometheus.Desc) { out <- refusalsDesc }

// Collect implements prometheus.Collector.
func (r refusals) Collect(out chan<- prometheus.Metric) {
	for of, n := range r.limiter.Refusals() {
		out <- prometheus.MustNewConstMetric(refusalsDesc, prometheus.CounterValue, float64(n), of)
	}
}

// exchangeCounts adds up the counts of hosts that share a database, until stop is called. A
// host with its own database has nothing to exchange.
func (h host) exchangeCounts(ctx context.Context, limiter *limit.Limiter, counts limit.Counts) (stop func()) {
	if limiter == nil || h.config.DBClient == "sqlite3" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	exchange := limit.NewExchange(limiter, counts)
	go func() {
		defer close(done)
		failed := false
		exchange.Run(ctx, func(err error) {
			if err != nil && !failed { // once: a failing store shows everywhere
				h.logger.Warn("each host limits failed sign-ins by its own counts only", "error", err)
			}
			failed = err != nil
		})
	}()
	return func() {
		cancel()
		<-done
	}
}
