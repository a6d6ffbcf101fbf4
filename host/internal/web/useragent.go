package web

import "strings"

// deviceName makes a name from a user agent by which people recognize their browser. The
// client chooses that text, so it is only compared with known words. If it has none of
// them, the part that is shown can only be read as a name.
func deviceName(agent string) string {
	browser, system := firstOf(agent, browsers), firstOf(agent, systems)
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser != "" || system != "":
		return browser + system
	}
	if name := plainName(agent); name != "" {
		return name
	}
	return "Unknown browser or app"
}

// A mark is a text in a user agent and its meaning.
type mark struct{ mark, name string }

// Most browsers also name the ones they descend from, so the more specific ones come first.
var (
	browsers = []mark{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Vivaldi/", "Vivaldi"},
		{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"HeadlessChrome/", "Chrome"}, {"Chrome/", "Chrome"},
		{"Version/", "Safari"}, {"Safari/", "Safari"},
	}
	systems = []mark{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"},
		{"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
	}
)

func firstOf(agent string, marks []mark) string {
	for _, m := range marks {
		if strings.Contains(agent, m.mark) {
			return m.name
		}
	}
	return ""
}

// plainName is the first product of a user agent (RFC 9110 section 10.1.5), without
// characters that could make it read as anything but a name.
func plainName(agent string) string {
	const most = 40
	product, _, _ := strings.Cut(agent, "/")
	product, _, _ = strings.Cut(product, " ") // one token only; several words could form a message
	kept := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r) {
			return r
		}
		return -1
	}, product)
	return kept[:min(len(kept), most)]
}
