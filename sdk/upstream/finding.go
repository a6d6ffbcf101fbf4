package upstream

import (
	"crypto/x509"
	"fmt"
	"time"

	"github.com/doorward/doorward/sdk"
)

// Fine is a finding that all is well.
func Fine(subject, format string, args ...any) sdk.Finding {
	return sdk.Finding{Severity: sdk.SeverityOK, Subject: subject, Text: fmt.Sprintf(format, args...)}
}

// Warning is a finding that logins work, and that something should be changed.
func Warning(subject, format string, args ...any) sdk.Finding {
	return sdk.Finding{Severity: sdk.SeverityWarning, Subject: subject, Text: fmt.Sprintf(format, args...)}
}

// Failed is a finding that logins do not work.
func Failed(subject string, err error) sdk.Finding {
	return sdk.Finding{Severity: sdk.SeverityError, Subject: subject, Text: err.Error()}
}

// ClockSubject is that of [Clock].
const ClockSubject = "clock"

// Clock compares our clock with that of somebody else, because a wrong clock shows
// otherwise only as messages that seem to be of another time. It warns at half of
// what is tolerated; consequence is what happens beyond. A zero theirs is a server
// that does not tell the time, which is its right.
func Clock(whose string, ours, theirs time.Time, tolerated time.Duration, consequence string) sdk.Finding {
	const subject = ClockSubject
	if theirs.IsZero() {
		return Fine(subject, "%s does not say what time it is", whose)
	}
	ahead := ours.Sub(theirs).Truncate(time.Second)
	if ahead.Abs() >= tolerated/2 {
		return Warning(subject, "ours is %v ahead of that of %s; %s: set both by NTP", ahead, whose, consequence)
	}
	return Fine(subject, "ours is %v ahead of that of %s", ahead, whose)
}

// Certificate tells how long a certificate is good, and warns
// [sdk.WarnAhead] of that. The text says whose it is.
func Certificate(subject, text string, c *x509.Certificate, now time.Time) sdk.Finding {
	left := c.NotAfter.Sub(now)
	f := Fine(subject, "%s, good until %s", text, c.NotAfter.UTC().Format(time.DateOnly))
	f.ExpiresAt = c.NotAfter
	switch {
	case left <= 0:
		f.Severity, f.Text = sdk.SeverityWarning, f.Text+", which is over"
	case left < sdk.WarnAhead(c.NotAfter.Sub(c.NotBefore)):
		f.Severity, f.Text = sdk.SeverityWarning, f.Text+fmt.Sprintf(": %d days are left to replace it", int(left.Hours()/24))
	}
	return f
}
