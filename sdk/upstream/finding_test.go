package upstream_test

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/plugintest"
	"github.com/doorward/doorward/sdk/upstream"
)

func TestCertificateFinding(t *testing.T) {
	const day = 24 * time.Hour
	now := plugintest.NewClock().Now()
	for _, test := range []struct {
		left     time.Duration
		lifetime time.Duration
		severity sdk.Severity
		text     string
	}{
		{31 * day, 365 * day, sdk.SeverityOK, "valid until 2026-12-24"},
		{30 * day, 365 * day, sdk.SeverityOK, "valid until"},
		{30*day - time.Second, 365 * day, sdk.SeverityWarning, "29 days are left"},
		{14 * day, 365 * day, sdk.SeverityWarning, "14 days are left"},
		{0, 365 * day, sdk.SeverityWarning, "it has expired"},
		{-day, 365 * day, sdk.SeverityWarning, "it has expired"},
		{29 * day, 120 * day, sdk.SeverityWarning, "29 days are left"},
		{12 * day, 47 * day, sdk.SeverityOK, "valid until"}, // early enough for clients that renew at a third
		{11 * day, 47 * day, sdk.SeverityWarning, "11 days are left"},
		{2 * day, 6 * day, sdk.SeverityOK, "valid until"},
		{day, 6 * day, sdk.SeverityWarning, "1 days are left"},
	} {
		until := now.Add(test.left)
		f := upstream.Certificate("theirs", "certificate of x", &x509.Certificate{NotBefore: until.Add(-test.lifetime), NotAfter: until}, now)
		if f.Severity != test.severity || !strings.Contains(f.Text, test.text) || f.Subject != "theirs" || !f.ExpiresAt.Equal(now.Add(test.left)) {
			t.Errorf("%v left: %+v", test.left, f)
		}
	}
}

func TestClockFinding(t *testing.T) {
	now := plugintest.NewClock().Now()
	for ahead, want := range map[time.Duration]sdk.Severity{
		0: sdk.SeverityOK, 29 * time.Second: sdk.SeverityOK, -29 * time.Second: sdk.SeverityOK,
		30 * time.Second: sdk.SeverityWarning, -time.Hour: sdk.SeverityWarning,
	} {
		f := upstream.Clock("the provider", now, now.Add(-ahead), time.Minute, "from 1m on, logins are refused")
		if f.Severity != want || !strings.Contains(f.Text, ahead.String()) || (want == sdk.SeverityWarning) != strings.Contains(f.Text, "refused: set both clocks by NTP") {
			t.Errorf("%v ahead: %+v", ahead, f)
		}
	}
	if f := upstream.Clock("the provider", now, time.Time{}, time.Minute, ""); f.Severity != sdk.SeverityOK {
		t.Errorf("%+v", f)
	}
}
