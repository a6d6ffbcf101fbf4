package upstream

import (
	"crypto/x509"
	"fmt"
	"time"

	"github.com/doorward/doorward/sdk"
)

// Fine makes a finding that all is well.
func Fine(subject, format string, args ...any) sdk.Finding {
	return sdk.Finding{Severity: sdk.SeverityOK, Subject: subject, Text: fmt.Sprintf(format, args...)}
}

// Warning makes a finding that logins work, but something should be changed.
func Warning(subject, format string, args ...any) sdk.Finding {
	return sdk.Finding{Severity: sdk.SeverityWarning, Subject: subject, Text: fmt.Sprintf(format, args...)}
}

// Failed makes a finding that logins do not work.
func Failed(subject string, err error) sdk.Finding {
	return sdk.Finding{Severity: sdk.SeverityError, Subject: subject, Text: err.Error()}
}

// ClockSubject is the Subject of the findings of [Clock].
const ClockSubject = "clock"

// Clock compares the clock of this machine with another one. Without this check, a wrong
// clock shows only as messages that seem to be from another time. Clock warns at half of
// the tolerated difference; consequence says what happens above the tolerated difference.
// A zero theirs means that the server does not tell its time, which is allowed.
func Clock(whose string, ours, theirs time.Time, tolerated time.Duration, consequence string) sdk.Finding {
	const subject = ClockSubject
	if theirs.IsZero() {
		return Fine(subject, "%s does not say what time it is", whose)
	}
	ahead := ours.Sub(theirs).Truncate(time.Second)
	if ahead.Abs() >= tolerated/2 {
		return Warning(subject, "this machine is %v ahead of %s; %s: set both clocks by NTP", ahead, whose, consequence)
	}
	return Fine(subject, "this machine is %v ahead of %s", ahead, whose)
}

// Certificate reports how long a certificate is valid, and warns [sdk.WarnAhead] of its
// expiry. The text says whose certificate it is.
func Certificate(subject, text string, c *x509.Certificate, now time.Time) sdk.Finding {
	left := c.NotAfter.Sub(now)
	f := Fine(subject, "%s, valid until %s", text, c.NotAfter.UTC().Format(time.DateOnly))
	f.ExpiresAt = c.NotAfter
	switch {
	case left <= 0:
		f.Severity, f.Text = sdk.SeverityWarning, f.Text+": it has expired"
	case left < sdk.WarnAhead(c.NotAfter.Sub(c.NotBefore)):
		f.Severity, f.Text = sdk.SeverityWarning, f.Text+fmt.Sprintf(": %d days are left to replace it", int(left.Hours()/24))
	}
	return f
}
