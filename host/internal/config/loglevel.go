package config

import (
	"fmt"
	"strings"
)

// readLogLevel reads two levels of Directus that Doorward does not have. Errors are always
// logged, because nothing else tells the operator why somebody cannot sign in.
func (l *loader) readLogLevel(values map[string]given) {
	found, ok := values["log_level"]
	level := strings.ToLower(strings.TrimSpace(fmt.Sprint(found.value)))
	if !ok || found.broken || level != "fatal" && level != "silent" {
		return
	}
	l.warnOfDoubt("%s is %s and counts as error, the quietest level here; write error", found.origin, level)
	found.value = "error"
	values["log_level"] = found
}
