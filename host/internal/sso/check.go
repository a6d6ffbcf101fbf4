package sso

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/doorward/doorward/sdk"
)

// What a mechanism returns is untrusted: these checks stand between the wire
// and everything else. A failed one is an ErrPluginFault.

// maxOnce is the longest that a mechanism may ask a once-ID to be kept.
const maxOnce = 7 * 24 * time.Hour

func fault(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrPluginFault, fmt.Errorf(format, args...))
}

func checkMemory(memory []byte) error {
	if len(memory) > sdk.MaxMemory {
		return fault("%d bytes of memory, at most %d are allowed", len(memory), sdk.MaxMemory)
	}
	return nil
}

// checkTarget allows https, and http to loopback; nothing that a browser could
// read as script (javascript:, data:) or as another host (user:password@).
func checkTarget(target string) error {
	if len(target) > sdk.MaxURL {
		return fault("a URL of %d bytes, at most %d are allowed", len(target), sdk.MaxURL)
	}
	for i := range len(target) {
		if target[i] <= ' ' || target[i] >= 0x7f || target[i] == '\\' {
			return fault("a URL with the byte %#02x in it", target[i])
		}
	}
	u, err := url.Parse(target)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return fault("a URL that is not absolute and plain")
	}
	if u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()) {
		return nil
	}
	return fault("a URL with scheme %q to host %q: it must be https, or http to loopback", u.Scheme, u.Hostname())
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func checkFormPost(post sdk.FormPost) error {
	if err := checkTarget(post.URL); err != nil {
		return err
	}
	if len(post.Fields) > sdk.MaxFormFields {
		return fault("a form of %d fields, at most %d are allowed", len(post.Fields), sdk.MaxFormFields)
	}
	size := 0
	for _, f := range post.Fields {
		size += len(f.Name) + len(f.Value)
		if !utf8.ValidString(f.Name) || !utf8.ValidString(f.Value) {
			return fault("a form field that is not UTF-8")
		}
	}
	if size > sdk.MaxFormBytes {
		return fault("a form of %d bytes, at most %d are allowed", size, sdk.MaxFormBytes)
	}
	return nil
}

var (
	fieldName  = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)
	reasonForm = regexp.MustCompile(`^[a-z0-9_]{0,64}$`)
)

func checkPrompt(p sdk.Prompt) error {
	if len(p.Fields) == 0 || len(p.Fields) > sdk.MaxPromptFields {
		return fault("a prompt of %d fields, 1 to %d are allowed", len(p.Fields), sdk.MaxPromptFields)
	}
	if !reasonForm.MatchString(string(p.Reason)) {
		return fault("a prompt with the reason %q", bounded(string(p.Reason)))
	}
	seen := map[string]bool{}
	for _, f := range p.Fields {
		if !fieldName.MatchString(f.Name) || seen[f.Name] || f.Name == "state" {
			return fault("a prompt field named %q", bounded(f.Name))
		}
		seen[f.Name] = true
		if err := checkPromptField(f); err != nil {
			return err
		}
	}
	return nil
}

func checkPromptField(f sdk.PromptField) error {
	switch f.Kind {
	case sdk.FieldText, sdk.FieldUsername, sdk.FieldPassword, sdk.FieldNewPassword, sdk.FieldOneTimeCode:
	default:
		return fault("a prompt field of kind %q", bounded(string(f.Kind)))
	}
	return checkText("a label", f.Label, sdk.MaxLabel)
}

// checkIdentity lets no identity through that a header, a log line or a page
// could not carry safely (D05, D12).
func checkIdentity(i sdk.Identity, now time.Time) error {
	if i.Subject == "" {
		return fault("an identity without a subject")
	}
	if err := checkText("a subject", i.Subject, sdk.MaxSubject); err != nil {
		return err
	}
	for _, a := range []struct{ what, text string }{
		{"a username", i.Username}, {"an e-mail address", i.Email}, {"a given name", i.GivenName},
		{"a family name", i.FamilyName}, {"a name", i.Name}, {"an acr", i.ACR},
		{"a session ID of the provider", i.SessionID}, {"a logout subject", i.LogoutSubject},
	} {
		if err := checkText(a.what, a.text, sdk.MaxAttribute); err != nil {
			return err
		}
	}
	if err := checkList("a group", i.Groups, sdk.MaxGroups, sdk.MaxGroupBytes); err != nil {
		return err
	}
	if err := checkList("an amr", i.AMR, 64, sdk.MaxAttribute); err != nil {
		return err
	}
	if len(i.Grant) > sdk.MaxGrant {
		return fault("a grant of %d bytes, at most %d are allowed", len(i.Grant), sdk.MaxGrant)
	}
	return checkTimes(i, now)
}

func checkTimes(i sdk.Identity, now time.Time) error {
	if !i.ExpiresAt.IsZero() && !i.ExpiresAt.After(now) {
		return fault("an identity that expired at %s", i.ExpiresAt.UTC().Format(time.RFC3339))
	}
	return checkOnce(i.OnceID, i.OnceUntil, now)
}

func checkOnce(id string, until, now time.Time) error {
	if id == "" {
		return nil
	}
	if err := checkText("a once-ID", id, sdk.MaxAttribute); err != nil {
		return err
	}
	if !until.After(now) || until.After(now.Add(maxOnce)) {
		return fault("a once-ID kept until %s: it must be kept until later than now and at most %s",
			until.UTC().Format(time.RFC3339), maxOnce)
	}
	return nil
}

func checkList(what string, list []string, maxCount, maxBytes int) error {
	if len(list) > maxCount {
		return fault("%d times %s, at most %d are allowed", len(list), what, maxCount)
	}
	size := 0
	for _, text := range list {
		size += len(text)
		if err := checkText(what, text, sdk.MaxAttribute); err != nil {
			return err
		}
	}
	if size > maxBytes {
		return fault("%d bytes of %s, at most %d are allowed", size, what, maxBytes)
	}
	return nil
}

func checkText(what, text string, maxBytes int) error {
	if len(text) > maxBytes {
		return fault("%s of %d bytes, at most %d are allowed", what, len(text), maxBytes)
	}
	if !utf8.ValidString(text) {
		return fault("%s that is not UTF-8", what)
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return fault("%s with a control character in it", what)
	}
	return nil
}

func bounded(text string) string {
	if len(text) > 64 {
		text = text[:64] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
