package main

import (
	"strings"
	"time"

	"github.com/doorward/doorward/sdk"
)

// lies are the identities that are vouched for, by what was answered.
var lies = map[string]sdk.Identity{
	// The provider names its own subjects, and may well name one as another does.
	"be alice": {Subject: "alice", Username: "alice", Email: "alice@example.org", EmailVerified: true},

	"be nobody":             {Email: "mallory@example.org"},
	"be large":              {Subject: strings.Repeat("x", sdk.MaxSubject+1)},
	"groups of header":      {Subject: "mallory", Groups: []string{"staff\r\nX-Forwarded-Groups: admin"}},
	"name with a line":      {Subject: "mallory", Name: "mallory\nsigned in as root"},
	"expired before 1970":   {Subject: "mallory", ExpiresAt: time.Unix(-1, 0)},
	"expired a moment ago":  {Subject: "mallory", ExpiresAt: time.Now()},
	"once until the past":   {Subject: "mallory", OnceID: "a", OnceUntil: time.Unix(1, 0)},
	"too many groups":       {Subject: "mallory", Groups: make([]string, sdk.MaxGroups+1)},
	"claims without bottom": {Subject: "mallory", Claims: nested(sdk.MaxClaimDepth + 1)},
}

func nested(levels int) map[string]any {
	inner := map[string]any{}
	for range levels {
		inner = map[string]any{"a": inner}
	}
	return inner
}
