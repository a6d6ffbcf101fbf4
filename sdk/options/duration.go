package options

import (
	"errors"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var durationText = regexp.MustCompile(`^([0-9]*\.?[0-9]+) *([a-z]*)$`)

var errDuration = errors.New("must be a duration such as 30s, 15m, 1.5h or 7d (a plain number is milliseconds)")

// ParseDuration reads a duration as the npm package ms does: a decimal number and a
// unit, such as "15m", "7d" or "1.5 hours". A number without a unit is milliseconds.
// A year has 365.25 days. Negative durations are refused.
func ParseDuration(text string) (time.Duration, error) {
	parts := durationText.FindStringSubmatch(strings.ToLower(strings.TrimSpace(text)))
	if parts == nil {
		return 0, errDuration
	}
	unit, ok := durationUnit(parts[2])
	if !ok {
		return 0, errDuration
	}
	number, err := strconv.ParseFloat(parts[1], 64)
	if err != nil {
		return 0, errDuration
	}
	total := math.Round(number * float64(unit))
	if total >= math.MaxInt64 {
		return 0, errors.New("must be a duration of less than 292 years")
	}
	return time.Duration(total), nil
}

func durationUnit(name string) (time.Duration, bool) {
	const day = 24 * time.Hour
	switch name {
	case "", "ms", "msec", "msecs", "millisecond", "milliseconds":
		return time.Millisecond, true
	case "s", "sec", "secs", "second", "seconds":
		return time.Second, true
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute, true
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour, true
	case "d", "day", "days":
		return day, true
	case "w", "week", "weeks":
		return 7 * day, true
	case "y", "yr", "yrs", "year", "years":
		return 365*day + 6*time.Hour, true
	}
	return 0, false
}
