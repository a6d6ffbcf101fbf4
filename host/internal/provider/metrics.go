package provider

import (
	"context"
	"errors"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugin"
)

// Call is what is measured of one call to a plugin.
type Call struct {
	Plugin   string
	Provider string
	Method   string // such as "begin"
	Code     string // such as "ok", "denied"
	Source   Source
	Took     time.Duration
}

// Source says whose fault it is that a call did not go well.
type Source string

// The sources.
const (
	SourceNone      Source = "none"      // it went well
	SourceUser      Source = "user"      // the end user, or who sent the response
	SourceConfig    Source = "config"    // the operator's options
	SourceUpstream  Source = "upstream"  // the provider
	SourcePlugin    Source = "plugin"    // a bug of the plugin
	SourceTransport Source = "transport" // the process died, hung or was not there
)

// Metrics counts. Its methods are called from many goroutines and must not block.
type Metrics interface {
	Called(call Call)
	InFlight(plugin string, change int)
	Waiting(plugin, provider string, change int) // calls that wait for their turn
	Refused(plugin, provider string)             // a call whose turn did not come
	Died(plugin string)
	Swapped(plugin string, took time.Duration, err error)
	LinesDropped(plugin string, lines int)
}

// classify gives code and source of an outcome.
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

// notMeasured is the Metrics of who wants none.
type notMeasured struct{}

func (notMeasured) Called(Call)                          {}
func (notMeasured) InFlight(string, int)                 {}
func (notMeasured) Waiting(string, string, int)          {}
func (notMeasured) Refused(string, string)               {}
func (notMeasured) Died(string)                          {}
func (notMeasured) Swapped(string, time.Duration, error) {}
func (notMeasured) LinesDropped(string, int)             {}
