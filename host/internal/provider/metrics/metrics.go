// Package metrics counts what happens to plugins, for Prometheus.
package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorward/doorward/host/internal/provider"
)

// Plugins implements provider.Metrics for Prometheus.
type Plugins struct {
	calls    *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
	waiting  *prometheus.GaugeVec
	refused  *prometheus.CounterVec
	deaths   *prometheus.CounterVec
	swaps    *prometheus.HistogramVec
	dropped  *prometheus.CounterVec
}

// New registers the metrics. All names begin with doorward_plugin_.
func New(registry prometheus.Registerer) *Plugins {
	p := &Plugins{
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "doorward_plugin_call_seconds",
			Help: "Calls to plugins, by outcome (code) and by the cause of a failure (source: user, config, upstream, plugin, transport).",
			// A call takes about 0.2 ms; a call that asks a provider, up to its deadline.
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 25},
		}, []string{"plugin", "provider", "method", "code", "source"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "doorward_plugin_calls_in_flight", Help: "Calls to plugins that have not ended.",
		}, []string{"plugin"}),
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "doorward_plugin_calls_waiting", Help: "Calls that wait for their turn at a provider.",
		}, []string{"plugin", "provider"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "doorward_plugin_calls_refused_total", Help: "Calls that were refused because the provider does not keep up or too many calls wait for it.",
		}, []string{"plugin", "provider"}),
		deaths: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "doorward_plugin_deaths_total", Help: "Plugin processes that crashed, were killed or did not start; the host restarts each.",
		}, []string{"plugin"}),
		swaps: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "doorward_plugin_swap_seconds", Help: "Replacements of a running plugin by another binary, by result.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"plugin", "result"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "doorward_plugin_log_lines_dropped_total", Help: "Log lines of plugins that were dropped because they exceeded the allowed rate.",
		}, []string{"plugin"}),
	}
	registry.MustRegister(p.calls, p.inFlight, p.waiting, p.refused, p.deaths, p.swaps, p.dropped)
	return p
}

// Called implements provider.Metrics.
func (p *Plugins) Called(call provider.Call) {
	p.calls.WithLabelValues(call.Plugin, call.Provider, call.Method, call.Code, string(call.Source)).Observe(call.Took.Seconds())
}

// InFlight implements provider.Metrics.
func (p *Plugins) InFlight(plugin string, change int) {
	p.inFlight.WithLabelValues(plugin).Add(float64(change))
}

// Waiting implements provider.Metrics.
func (p *Plugins) Waiting(plugin, provider string, change int) {
	p.waiting.WithLabelValues(plugin, provider).Add(float64(change))
}

// Refused implements provider.Metrics.
func (p *Plugins) Refused(plugin, provider string) {
	p.refused.WithLabelValues(plugin, provider).Inc()
}

// Died implements provider.Metrics.
func (p *Plugins) Died(plugin string) { p.deaths.WithLabelValues(plugin).Inc() }

// Swapped implements provider.Metrics.
func (p *Plugins) Swapped(plugin string, took time.Duration, err error) {
	result := "replaced"
	if err != nil {
		result = "failed"
	}
	p.swaps.WithLabelValues(plugin, result).Observe(took.Seconds())
}

// LinesDropped implements provider.Metrics.
func (p *Plugins) LinesDropped(plugin string, lines int) {
	p.dropped.WithLabelValues(plugin).Add(float64(lines))
}

var _ provider.Metrics = (*Plugins)(nil)

// Watch registers the metrics that are read from the plugins at each scrape.
func Watch(registry prometheus.Registerer, plugins func() []provider.Plugin) {
	registry.MustRegister(statusCollector{plugins})
}

// statusCollector collects the status of the plugins.
type statusCollector struct{ plugins func() []provider.Plugin }

var (
	upDesc = prometheus.NewDesc("doorward_plugin_ready", "1 while the plugin runs, otherwise 0.",
		[]string{"plugin", "version", "state"}, nil)
	openDesc = prometheus.NewDesc("doorward_provider_available", "1 while the provider can be used, otherwise 0.",
		[]string{"plugin", "provider"}, nil)
	expiryDesc = prometheus.NewDesc("doorward_provider_expiry_timestamp_seconds",
		"When something that the provider depends on, such as a certificate, expires, in Unix seconds.",
		[]string{"plugin", "provider", "subject"}, nil)
)

// Describe implements prometheus.Collector.
func (s statusCollector) Describe(out chan<- *prometheus.Desc) {
	out <- upDesc
	out <- openDesc
	out <- expiryDesc
}

// Collect implements prometheus.Collector.
func (s statusCollector) Collect(out chan<- prometheus.Metric) {
	for _, p := range s.plugins() {
		out <- prometheus.MustNewConstMetric(upDesc, prometheus.GaugeValue, truth(p.State == provider.StateReady), p.Name, p.Version, string(p.State))
		for _, provider := range p.Providers {
			out <- prometheus.MustNewConstMetric(openDesc, prometheus.GaugeValue, truth(provider.Error == ""), p.Name, provider.Name)
			for subject, at := range provider.Expiries {
				out <- prometheus.MustNewConstMetric(expiryDesc, prometheus.GaugeValue, float64(at.Unix()), p.Name, provider.Name, subject)
			}
		}
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
