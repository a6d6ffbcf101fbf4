package plugintest

import (
	"errors"
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

// checkStep holds a step that asks for something against the limits of the
// host. A step to the provider must carry the state.
func checkStep(step sdk.Step, state string) error {
	if size := len(memoryOf(step)); size > sdk.MaxMemory {
		return fmt.Errorf("%T with %d bytes of memory, at most %d are allowed", step, size, sdk.MaxMemory)
	}
	switch s := step.(type) {
	case sdk.Redirect:
		if !strings.Contains(s.URL, state) {
			return fmt.Errorf("redirect without the state: %s", s.URL)
		}
		return checkTarget(s.URL)
	case sdk.FormPost:
		return checkFormPost(s, state)
	case sdk.Prompt:
		return checkPrompt(s)
	default:
		return fmt.Errorf("step of type %T", step)
	}
}

func memoryOf(step sdk.Step) []byte {
	switch s := step.(type) {
	case sdk.Redirect:
		return s.Memory
	case sdk.FormPost:
		return s.Memory
	case sdk.Prompt:
		return s.Memory
	default:
		return nil
	}
}

func checkTarget(target string) error {
	if len(target) > sdk.MaxURL {
		return fmt.Errorf("URL of %d bytes, at most %d are allowed", len(target), sdk.MaxURL)
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.User != nil {
		return fmt.Errorf("URL %q is not absolute and plain", target)
	}
	if u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("URL %q is neither https nor http to loopback", target)
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func checkFormPost(post sdk.FormPost, state string) error {
	size, hasState := 0, false
	for _, f := range post.Fields {
		size += len(f.Name) + len(f.Value)
		hasState = hasState || strings.Contains(f.Value, state)
	}
	if len(post.Fields) > sdk.MaxFormFields || size > sdk.MaxFormBytes {
		return fmt.Errorf("form of %d fields and %d bytes, at most %d and %d are allowed",
			len(post.Fields), size, sdk.MaxFormFields, sdk.MaxFormBytes)
	}
	if !hasState {
		return errors.New("form without the state")
	}
	return checkTarget(post.URL)
}

var fieldName = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)

func checkPrompt(p sdk.Prompt) error {
	if len(p.Fields) == 0 || len(p.Fields) > sdk.MaxPromptFields {
		return fmt.Errorf("prompt of %d fields, 1 to %d are allowed", len(p.Fields), sdk.MaxPromptFields)
	}
	seen := map[string]bool{"state": true} // the host's own
	for _, f := range p.Fields {
		if !fieldName.MatchString(f.Name) || seen[f.Name] {
			return fmt.Errorf("prompt field %q has an odd name, or one that is taken", f.Name)
		}
		seen[f.Name] = true
		switch f.Kind {
		case sdk.FieldText, sdk.FieldUsername, sdk.FieldPassword, sdk.FieldNewPassword, sdk.FieldOneTimeCode:
		default:
			return fmt.Errorf("prompt field %s has the unknown kind %q", f.Name, f.Kind)
		}
		if err := checkText("label of "+f.Name, f.Label, sdk.MaxLabel); err != nil {
			return err
		}
	}
	return nil
}

func checkIdentity(i sdk.Identity, now time.Time) error {
	if i.Subject == "" {
		return errors.New("identity without a subject")
	}
	if len(i.Groups) > sdk.MaxGroups || len(i.Grant) > sdk.MaxGrant {
		return fmt.Errorf("identity with %d groups and a grant of %d bytes, at most %d and %d are allowed",
			len(i.Groups), len(i.Grant), sdk.MaxGroups, sdk.MaxGrant)
	}
	if !i.ExpiresAt.IsZero() && !i.ExpiresAt.After(now) {
		return fmt.Errorf("identity that expired at %s", i.ExpiresAt)
	}
	if i.OnceID != "" && !i.OnceUntil.After(now) {
		return errors.New("identity with a OnceID that need not be kept")
	}
	err := checkText("subject", i.Subject, sdk.MaxSubject)
	for what, text := range map[string]string{
		"username": i.Username, "e-mail": i.Email, "given name": i.GivenName, "family name": i.FamilyName,
		"name": i.Name, "acr": i.ACR, "OnceID": i.OnceID,
	} {
		err = errors.Join(err, checkText(what, text, sdk.MaxAttribute))
	}
	for _, group := range i.Groups {
		err = errors.Join(err, checkText("group", group, sdk.MaxAttribute))
	}
	return err
}

func checkText(what, text string, size int) error {
	if len(text) > size || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf("%s %.40q is not plain text of at most %d bytes", what, text, size)
	}
	return nil
}
