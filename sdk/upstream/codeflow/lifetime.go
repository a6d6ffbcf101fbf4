package codeflow

import (
	"encoding/json"
	"strconv"
	"strings"
)

// absurdLifetime, a day, replaces an absurd lifetime. Only the renewal of a token depends
// on it.
const absurdLifetime = 24 * 60 * 60

// longestLifetime, a year, is the longest accepted lifetime. Facebook's tokens last 60
// days.
const longestLifetime = 366 * 24 * 60 * 60

// lifetime reads expires_in, in seconds; 0 means that the provider does not say. It never
// makes a login fail: Azure AD sent text and broke every client that reads only numbers.
func lifetime(v any) int64 {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = string(v)
	case string:
		text = strings.TrimSpace(v)
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if strings.Trim(fraction, "0123456789") != "" {
		return 0
	}
	if strings.Trim(whole, "0123456789") != "" || whole == "" {
		return 0
	}
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds > longestLifetime {
		return absurdLifetime
	}
	return seconds
}
