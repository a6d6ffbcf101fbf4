package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/doorward/doorward/plugins/saml/internal/saml2"
	"github.com/doorward/doorward/plugins/saml/internal/validation"
	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/upstream"
)

// demandedFormat is the format that a NameID must have; it is empty if any is accepted. The
// identity provider must use the requested format, unless that is unspecified or encrypted
// (core section 3.4.1.1).
func (m *mechanism) demandedFormat() string {
	if m.nameIDFormat == saml2.FormatUnspecified || m.nameIDFormat == saml2.FormatEncrypted {
		return ""
	}
	return m.nameIDFormat
}

// checkFormat refuses a NameID of another format than the requested one: it would be another
// identifier, and so another account. Requests can be unsigned, and then the person who signs
// in can edit the format.
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
			from = " (from sp_metadata)"
		}
		return sdk.InvalidResponse(reasonNameIDFormat, "the NameID has the format %s, but name_id_format%s requests %s: configure the identity provider to send that format, or if it sends the other format for all users, set name_id_format to that",
			upstream.Shown(shortFormat(format)), from, shortFormat(demanded))
	}
	return nil
}

// checkQualifier refuses a persistent NameID for another service provider or affiliation than
// the requested one (core section 8.3.7). As with the format, the person who signs in can
// edit the request, and some identity providers return a separate identifier for any name in
// it.
func (m *mechanism) checkQualifier(n validation.NameID) error {
	wanted, got := firstOf(m.options.SPNameQualifier, m.entityID), firstOf(n.SPNameQualifier, m.entityID)
	switch {
	case n.Format != saml2.FormatPersistent || got == wanted:
		return nil
	case m.options.SPNameQualifier == "" && m.demandedFormat() == "":
		m.logger.Warn("a persistent NameID is for another service provider or affiliation, and the person who signs in can choose which one by editing the request: if it is the same for all users, set sp_name_qualifier to it", "sp_name_qualifier", upstream.Shown(got))
		return nil
	}
	return sdk.InvalidResponse(reasonSPNameQualifier, "the persistent NameID is for %q, but Doorward requested one for %q: if the identity provider sends the former for all users, set sp_name_qualifier to it",
		upstream.Shown(got), upstream.Shown(wanted))
}

const anyFormatWarning = "people who sign in can choose the format of their NameID by editing the request, and another format makes them another user: "

// adviceOnFormat says what to change. Unspecified is the only format that cannot be required:
// it lets the identity provider send any.
func adviceOnFormat(inUse []string) string {
	if slices.Contains(inUse, saml2.FormatUnspecified) {
		return "configure the identity provider to send the same identifier with a specific format, such as persistent, and set name_id_format to that; or set sp_private_key, and configure the identity provider to accept signed requests only"
	}
	return "set name_id_format to the one in use, so that all others are refused"
}

// checkNameID reports whether people can choose who they are.
func (m *mechanism) checkNameID() sdk.Finding {
	const subject = "NameID format"
	if m.options.IdentifierKey != "" {
		return upstream.Fine(subject, "any, because identifier_key identifies the user")
	}
	if demanded := m.demandedFormat(); demanded != "" {
		return upstream.Fine(subject, "%s; a NameID of another format is refused", shortFormat(demanded))
	}
	inUse, shown := m.formats.list(), "none yet since the plugin was started"
	if len(inUse) > 0 {
		shown = shownFormats(inUse)
	}
	return upstream.Warning(subject, "%s%s (in use: %s)", anyFormatWarning, adviceOnFormat(inUse), shown)
}

// formats remembers the formats of received NameIDs, if any format is accepted.
type formats struct {
	mu   sync.Mutex
	seen []string
}

// maxFormats is more than the number of formats in SAML.
const maxFormats = 8

// add reports whether the format is new.
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

// shownFormats formats the list as options name the formats.
func shownFormats(list []string) string {
	var shown []string
	for _, format := range list {
		shown = append(shown, upstream.Shown(shortFormat(format)))
	}
	return strings.Join(shown, " and ")
}

// formatWords are the words that name_id_format accepts instead of a URN.
var formatWords = map[string]string{
	"persistent": saml2.FormatPersistent, "transient": saml2.FormatTransient, "email": saml2.FormatEmail, "unspecified": saml2.FormatUnspecified,
}

// longFormat writes the words of name_id_format out, in whatever case they are.
func longFormat(option string) string {
	if strings.EqualFold(option, "emailAddress") { // the end of its URN
		return saml2.FormatEmail
	}
	if urn, ok := formatWords[strings.ToLower(option)]; ok {
		return urn
	}
	return option
}

// checkFormat refuses what no provider can send: a format is a URI (SAML core, section 8.3).
func checkFormat(option string) error {
	if format, err := url.Parse(longFormat(option)); option != "" && (err != nil || !format.IsAbs()) {
		return fmt.Errorf("must be persistent, email, transient, unspecified, or the URI of another format, not %q", upstream.Shown(option))
	}
	return nil
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
