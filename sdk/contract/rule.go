package contract

import (
	"fmt"

	"github.com/doorward/doorward/sdk"
)

// A Rule is the name of a rule, as it stands in errors, in the log of a plugin
// and in the manual of package sdk.
type Rule string

// The rules of a step.
const (
	RuleStep        Rule = "step"         // one of the four kinds, the struct itself
	RuleBeginStep   Rule = "begin-step"   // Begin does not return Authenticated
	RuleLogoutStep  Rule = "logout-step"  // a logout goes on with a Redirect or a FormPost
	RuleState       Rule = "state"        // a step to the provider carries the state
	RuleMemory      Rule = "memory"       // MaxMemory
	RuleRedirectURL Rule = "redirect-url" // ParseURL
	RuleFormURL     Rule = "form-url"     // ParseURL
	RuleFormFields  Rule = "form-fields"  // MaxFormFields of MaxFormBytes together
	RuleFormText    Rule = "form-text"    // UTF-8

	RulePromptFields    Rule = "prompt-fields"     // 1 to MaxPromptFields
	RulePromptFieldName Rule = "prompt-field-name" // form of the name, each once
	RulePromptFieldKind Rule = "prompt-field-kind" // a FieldKind that is known
	RulePromptLabel     Rule = "prompt-label"      // plain text of MaxLabel
	RulePromptReason    Rule = "prompt-reason"     // form of a Reason
)

// The rules of an identity. What a provider says and the mechanism only passes
// on is refused with a reason; see [Broken.Reason].
const (
	RuleSubject       Rule = "subject"        // plain text of 1 to MaxSubject bytes
	RuleSessionID     Rule = "session-id"     // plain text of MaxAttribute
	RuleLogoutSubject Rule = "logout-subject" // plain text of MaxAttribute
	RuleGroups        Rule = "groups"         // MaxGroups of MaxGroupBytes together
	RuleAliases       Rule = "aliases"        // MaxAliases
	RuleAMR           Rule = "amr"            // MaxAMR of MaxAttribute together
	RuleClaims        Rule = "claims"         // MaxClaims, MaxClaimDepth
	RuleGrant         Rule = "grant"          // MaxGrant
	RuleExpiry        Rule = "expiry"         // in the future
	RuleOnceID        Rule = "once-id"        // plain text of MaxAttribute
	RuleOnceUntil     Rule = "once-until"     // in the future, within MaxOnce
)

// The rules of what other calls return.
const (
	RuleLogout         Rule = "logout"          // names somebody, or tells how one of ours ended
	RuleLogoutOutcome  Rule = "logout-outcome"  // a LogoutOutcome that is known
	RuleLogoutSessions Rule = "logout-sessions" // MaxLogoutSessions, each with a name
	RuleMetadataType   Rule = "metadata-type"   // one of MetadataTypes
	RuleMetadataSize   Rule = "metadata-size"   // 1 to MaxMetadata bytes
	RuleFindings       Rule = "findings"        // MaxFindings, each with a severity, a subject and a text; a target of MaxTarget, a WayStep that is known
)

// Broken says which rule a value breaks, and how. The text holds no secret: of
// the value there is at most a short name in it.
type Broken struct {
	Rule Rule
	How  string
}

// Error names the rule.
func (b *Broken) Error() string { return fmt.Sprintf("breaks the rule %s: %s", b.Rule, b.How) }

// reasons of the rules that a provider can break although the mechanism does
// nothing wrong.
var reasons = map[Rule]sdk.Reason{
	RuleSubject:        "subject_invalid",
	RuleSessionID:      "session_id_invalid",
	RuleLogoutSubject:  "logout_subject_invalid",
	RuleOnceID:         "once_id_invalid",
	RuleGroups:         "groups_too_large",
	RuleAMR:            "amr_too_large",
	RuleClaims:         "claims_too_large",
	RuleLogoutSessions: "logout_sessions_invalid",
}

// Reason is that of the [sdk.ErrInvalidResponse] that the broken rule is, if a
// provider can break it; else it is empty, and the plugin is at fault.
func (b *Broken) Reason() sdk.Reason { return reasons[b.Rule] }

func broken(rule Rule, format string, args ...any) error {
	return &Broken{Rule: rule, How: fmt.Sprintf(format, args...)}
}
