package provider

import (
	"context"
	"errors"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
)

// Call has the measurements of one call to a plugin.
type Call struct {
	Plugin   string
	Provider string
	Method   string // such as "begin"
	Code     string // such as "ok", "denied"
	Source   Source
	Took     time.Duration
}

// Source says what caused a call to fail.
type Source string

// The sources.
const (
	SourceNone      Source = "none"      // it succeeded
	SourceUser      Source = "user"      // the user, or the sender of the response
	SourceConfig    Source = "config"    // the operator's options
	SourceUpstream  Source = "upstream"  // the provider
	SourcePlugin    Source = "plugin"    // a bug of the plugin
	SourceTransport Source = "transport" // the process died, hung or was not running
)

// Metrics counts events. Its methods are called from many goroutines and must not
// block.
type Metrics interface {
	Called(call Call)
	InFlight(plugin string, change int)
	Waiting(plugin, provider string, change int) // calls that wait for their turn
	Refused(plugin, provider string)             // a call that was not made in time
	Died(plugin string)
	Swapped(plugin string, took time.Duration, err error)
	LinesDropped(plugin string, lines int)
}

// classify returns the code and the source of an outcome.
func classify(err error) (string, Source) {
	switch {
	case err == nil:
		return "ok", SourceNone
	case errors.Is(err, errDown):
		return "down", SourceTransport
	case errors.Is(err, plugin.ErrTransport) && errors.Is(err, context.Canceled):
		return "canceled", SourceUser
	case errors.Is(err, plugin.ErrTransport) && errors.Is(err, context.DeadlineExceeded):
		return "deadline", SourceTransport
	case errors.Is(err, plugin.ErrTransport):
		return "unreachable", SourceTransport
	case errors.Is(err, plugin.ErrFault):
		return "fault", SourcePlugin
	case errors.Is(err, sdk.ErrDenied):
		return "denied", SourceUser
	case errors.Is(err, sdk.ErrInvalidResponse):
		return "invalid_response", SourceUser
	case errors.Is(err, sdk.ErrMisconfigured):
		return "misconfigured", SourceConfig
	case errors.Is(err, sdk.ErrUnavailable):
		return "unavailable", SourceUpstream
	case errors.Is(err, errors.ErrUnsupported):
		return "unsupported", SourceNone
	default:
		return "fault", SourcePlugin
	}
}

// noMetrics counts nothing.
type noMetrics struct{}

func (noMetrics) Called(Call)                          {}
func (noMetrics) InFlight(string, int)                 {}
func (noMetrics) Waiting(string, string, int)          {}
func (noMetrics) Refused(string, string)               {}
func (noMetrics) Died(string)                          {}
func (noMetrics) Swapped(string, time.Duration, error) {}
func (noMetrics) LinesDropped(string, int)             {}
