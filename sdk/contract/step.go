package contract

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/doorward/doorward/sdk"
)

// CheckBegin checks what Begin returned.
func CheckBegin(step sdk.Step) error {
	if _, ok := step.(sdk.Authenticated); ok {
		return broken(RuleBeginStep, "signed in without asking anybody")
	}
	return checkAsking(step)
}

// CheckContinue checks what Continue returned. Apply [Tidy] to an identity first.
func CheckContinue(step sdk.Step, now time.Time) error {
	if done, ok := step.(sdk.Authenticated); ok {
		return CheckIdentity(done.Identity, now)
	}
	return checkAsking(step)
}

// CheckReply checks the next step of a logout.
func CheckReply(step sdk.Step) error {
	switch step.(type) {
	case sdk.Redirect, sdk.FormPost:
		return checkAsking(step)
	default:
		return broken(RuleLogoutStep, "the next step of a logout is a %T, not a Redirect or a FormPost", step)
	}
}

// MemoryOf returns the memory that a step carries.
func MemoryOf(step sdk.Step) []byte {
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

func checkAsking(step sdk.Step) error {
	if size := len(MemoryOf(step)); size > sdk.MaxMemory {
		return broken(RuleMemory, "%d bytes, at most %d are allowed", size, sdk.MaxMemory)
	}
	switch s := step.(type) {
	case sdk.Redirect:
		return checkURL(RuleRedirectURL, s.URL)
	case sdk.FormPost:
		return checkFormPost(s)
	case sdk.Prompt:
		return checkPrompt(s)
	default:
		return broken(RuleStep, "a step of type %T", step)
	}
}

func checkURL(rule Rule, text string) error {
	if _, err := ParseURL(text); err != nil {
		return broken(rule, "the URL %v", err)
	}
	return nil
}

func checkFormPost(post sdk.FormPost) error {
	if err := checkURL(RuleFormURL, post.URL); err != nil {
		return err
	}
	if len(post.Fields) > sdk.MaxFormFields {
		return broken(RuleFormFields, "%d fields, at most %d are allowed", len(post.Fields), sdk.MaxFormFields)
	}
	size := 0
	for _, f := range post.Fields {
		size += len(f.Name) + len(f.Value)
		if !utf8.ValidString(f.Name) || !utf8.ValidString(f.Value) {
			return broken(RuleFormText, "field %q is not UTF-8", clip(f.Name))
		}
	}
	if size > sdk.MaxFormBytes {
		return broken(RuleFormFields, "%d bytes, at most %d are allowed", size, sdk.MaxFormBytes)
	}
	return nil
}

var fieldName = regexp.MustCompile(`^[a-z0-9_]{1,` + strconv.Itoa(sdk.MaxFieldName) + `}$`)

// stateField is the host's own field of each prompt.
const stateField = "state"

func checkPrompt(p sdk.Prompt) error {
	if len(p.Fields) == 0 || len(p.Fields) > sdk.MaxPromptFields {
		return broken(RulePromptFields, "%d fields, 1 to %d are allowed", len(p.Fields), sdk.MaxPromptFields)
	}
	if p.Reason != "" && !IsReason(p.Reason) {
		return broken(RulePromptReason, "%q is not a snake_case word of at most %d bytes", clip(string(p.Reason)), sdk.MaxReason)
	}
	seen := map[string]bool{stateField: true}
	for _, f := range p.Fields {
		if !fieldName.MatchString(f.Name) || seen[f.Name] {
			return broken(RulePromptFieldName, "%q is already used, or does not consist of at most %d lower-case letters, digits and underscores",
				clip(f.Name), sdk.MaxFieldName)
		}
		seen[f.Name] = true
		if err := checkPromptField(f); err != nil {
			return err
		}
	}
	return nil
}

func checkPromptField(f sdk.PromptField) error {
	if !slices.Contains(sdk.FieldKinds(), f.Kind) {
		return broken(RulePromptFieldKind, "field %s has the kind %q", f.Name, clip(string(f.Kind)))
	}
	if err := checkText(f.Label, sdk.MaxLabel); err != nil {
		return broken(RulePromptLabel, "the label of field %s %v", f.Name, err)
	}
	return nil
}

var reasonForm = regexp.MustCompile(`^[a-z0-9_]{1,` + strconv.Itoa(sdk.MaxReason) + `}$`)

// IsReason reports whether a reason has the form of one.
func IsReason(reason sdk.Reason) bool { return reasonForm.MatchString(string(reason)) }

// CarriesState checks that a step to the provider carries the state, which must come
// back, in its URL or in a field. Only the conformance suite checks this, because the
// host cannot know in which encoding a protocol carries the state.
func CarriesState(step sdk.Step, state string) error {
	switch s := step.(type) {
	case sdk.Redirect:
		if !strings.Contains(s.URL, state) {
			return broken(RuleState, "a redirect without the state")
		}
	case sdk.FormPost:
		if strings.Contains(s.URL, state) {
			return nil
		}
		for _, f := range s.Fields {
			if strings.Contains(f.Value, state) {
				return nil
			}
		}
		return broken(RuleState, "a form without the state")
	}
	return nil
}
