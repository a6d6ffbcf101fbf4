package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/validation"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// demandedFormat is the format that a NameID must have, empty for any. The provider must
// keep to the one that it is asked for, unless that is unspecified or encrypted (core
// section 3.4.1.1).
func (m *mechanism) demandedFormat() string {
	if m.nameIDFormat == saml2.FormatUnspecified || m.nameIDFormat == saml2.FormatEncrypted {
		return ""
	}
	return m.nameIDFormat
}

// checkFormat refuses a NameID of another format than the one that was asked for: it
// would be another identifier, and so another account. Requests may be unsigned, and
// whoever signs in can edit the format in theirs.
func (m *mechanism) checkFormat(format string) error {
	demanded := m.demandedFormat()
	switch {
	case demanded == "":
		if m.formats.add(format) {
			m.logger.Warn(anyFormatWarning+adviceOnFormat([]string{format}), "name_id_format_in_use", shortFormat(format))
		}
		return nil
	case format != demanded:
		from := ""
		if m.options.NameIDFormat == "" {
			from = ", which is taken from sp_metadata,"
		}
		return sdk.InvalidResponse(reasonNameIDFormat, "the NameID has the format %s, and name_id_format%s asks for %s: have the provider send that, or if it sends the other one to everybody, set name_id_format to it",
			upstream.Shown(shortFormat(format)), from, shortFormat(demanded))
	}
	return nil
}

// checkQualifier refuses a persistent NameID that is for another service provider, or
// another affiliation, than the one that was asked for (core section 8.3.7). As with the
// format, whoever signs in can edit the request, and some providers answer with an
// identifier of its own for whatever it names.
func (m *mechanism) checkQualifier(n validation.NameID) error {
	wanted, got := firstOf(m.options.SPNameQualifier, m.entityID), firstOf(n.SPNameQualifier, m.entityID)
	switch {
	case n.Format != saml2.FormatPersistent || got == wanted:
		return nil
	case m.options.SPNameQualifier == "" && m.demandedFormat() == "":
		m.logger.Warn("a persistent NameID is for another service provider or affiliation than us, and whoever signs in can choose which by editing the request: set sp_name_qualifier to it if it is the same for everybody", "sp_name_qualifier", upstream.Shown(got))
		return nil
	}
	return sdk.InvalidResponse(reasonSPNameQualifier, "the persistent NameID is for %q, and was asked for %q: if the provider sends the former to everybody, set sp_name_qualifier to it",
		upstream.Shown(got), upstream.Shown(wanted))
}

const anyFormatWarning = "whoever signs in can choose the format of their NameID by editing the request, and with another format they are somebody else here: "

// adviceOnFormat says what to do about it. Unspecified is the one format that cannot be
// demanded: it lets the provider send any.
func adviceOnFormat(inUse []string) string {
	if slices.Contains(inUse, saml2.FormatUnspecified) {
		return "have the provider send the same identifier with a format of its own, such as persistent, and set name_id_format to that; or set sp_private_key, and have the provider take signed requests only"
	}
	return "set name_id_format to the one in use, and every other is refused"
}

// checkNameID tells whether a person can choose who they are.
func (m *mechanism) checkNameID() sdk.Finding {
	const subject = "NameID format"
	if m.options.IdentifierKey != "" {
		return upstream.Fine(subject, "any, since identifier_key says who the end user is")
	}
	if demanded := m.demandedFormat(); demanded != "" {
		return upstream.Fine(subject, "%s; a NameID of another one is refused", shortFormat(demanded))
	}
	inUse, shown := m.formats.list(), "none yet since the plugin was started"
	if len(inUse) > 0 {
		shown = shownFormats(inUse)
	}
	return upstream.Warning(subject, "%s%s (in use: %s)", anyFormatWarning, adviceOnFormat(inUse), shown)
}

// formats remembers in which formats NameIDs came, where any may come.
type formats struct {
	mu   sync.Mutex
	seen []string
}

// maxFormats is more than SAML has.
const maxFormats = 8

// add reports whether the format is a new one.
func (f *formats) add(format string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.seen) == maxFormats || slices.Contains(f.seen, format) {
		return false
	}
	f.seen = append(f.seen, format)
	return true
}

func (f *formats) list() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

// shownFormats writes the formats as options name them.
func shownFormats(list []string) string {
	var shown []string
	for _, format := range list {
		shown = append(shown, upstream.Shown(shortFormat(format)))
	}
	return strings.Join(shown, " and ")
}

// formatWords are what name_id_format may hold in place of a URN.
var formatWords = map[string]string{
	"persistent": saml2.FormatPersistent, "transient": saml2.FormatTransient, "email": saml2.FormatEmail, "unspecified": saml2.FormatUnspecified,
}

// longFormat writes the words of name_id_format out.
func longFormat(option string) string {
	if option == "emailAddress" { // the end of its URN
		return saml2.FormatEmail
	}
	if urn, ok := formatWords[option]; ok {
		return urn
	}
	return option
}

// shortFormat is the word for a format, or the format itself.
func shortFormat(format string) string {
	for word, urn := range formatWords {
		if urn == format {
			return word
		}
	}
	return fmt.Sprintf("%q", format)
}
