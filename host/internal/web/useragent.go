package web

import "strings"

// deviceName reads of a user agent what people recognize their browser by. The text is the
// client's own, so it is only compared with words of ours; of a client that has none of
// them a part is shown that can be nothing but a name.
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

// A mark is what a user agent has in it, and what that means.
type mark struct{ mark, name string }

// Most browsers name those that they descend from, so the more particular ones come
// first.
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

// plainName is the first product of a user agent (RFC 9110 section 10.1.5), without what
// could be read as anything else.
func plainName(agent string) string {
	const most = 40
	product, _, _ := strings.Cut(agent, "/")
	product, _, _ = strings.Cut(product, " ") // a token; more words could say something
	kept := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r) {
			return r
		}
		return -1
	}, product)
	return kept[:min(len(kept), most)]
}
