package web

import (
	"strings"
	"testing"
)

// Real user agents, and those of whoever would rather have something else shown.
func TestDeviceOf(t *testing.T) {
	const gecko, webkit = "Mozilla/5.0 ", "AppleWebKit/537.36 (KHTML, like Gecko) "
	for agent, want := range map[string]string{
		gecko + "(Windows NT 10.0; Win64; x64) " + webkit + "Chrome/140.0.0.0 Safari/537.36":                                   "Chrome on Windows",
		gecko + "(Windows NT 10.0; Win64; x64) " + webkit + "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":                     "Edge on Windows",
		gecko + "(X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0":                                                   "Firefox on Linux",
		gecko + "(Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15":    "Safari on macOS",
		gecko + "(iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Safari/604.1": "Chrome on iPhone",
		gecko + "(Linux; Android 15; Pixel 9) " + webkit + "Chrome/140.0.0.0 Mobile Safari/537.36":                             "Chrome on Android",
		gecko + "(X11; CrOS x86_64 14541.0.0) " + webkit + "Chrome/140.0.0.0 Safari/537.36":                                    "Chrome on ChromeOS",
		"curl/8.14.1":                              "curl",
		"Go-http-client/1.1":                       "Go-http-client",
		"backup tool/2 (+https://x.example)":       "backup",
		"":                                         "Unknown browser or app",
		"<<<>>>":                                   "Unknown browser or app",
		"\u202egnp.exe\u200b\x00 \"'>":             "gnp.exe",
		"This browser, call +49 30 123456 now!":    "This",
		"<script>alert(1)</script>":                "scriptalert1",
		strings.Repeat("a", 300):                   strings.Repeat("a", 40),
		"\xff\xfe" + strings.Repeat("\u00e9", 200): "Unknown browser or app",
	} {
		if got := deviceName(agent); got != want {
			t.Errorf("%q is %q, want %q", agent, got, want)
		}
	}
}
