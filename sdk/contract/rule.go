package contract

import (
	"fmt"

	"github.com/doorward/doorward/sdk"
)

// A Rule is the name of a rule, as used in errors, in the log of a plugin and in
// the manual of package sdk.
type Rule string

// The rules of a step.
const (
	RuleStep        Rule = "step"         // one of the four kinds, and not a pointer
	RuleBeginStep   Rule = "begin-step"   // Begin does not return Authenticated
	RuleLogoutStep  Rule = "logout-step"  // the next step of a logout is a Redirect or a FormPost
	RuleState       Rule = "state"        // a step to the provider carries the state
	RuleMemory      Rule = "memory"       // MaxMemory
	RuleRedirectURL Rule = "redirect-url" // ParseURL
	RuleFormURL     Rule = "form-url"     // ParseURL
	RuleFormFields  Rule = "form-fields"  // MaxFormFields, together MaxFormBytes
	RuleFormText    Rule = "form-text"    // UTF-8

	RulePromptFields    Rule = "prompt-fields"     // 1 to MaxPromptFields
	RulePromptFieldName Rule = "prompt-field-name" // form of the name, which is unique
	RulePromptFieldKind Rule = "prompt-field-kind" // a known FieldKind
	RulePromptLabel     Rule = "prompt-label"      // plain text of MaxLabel
	RulePromptReason    Rule = "prompt-reason"     // form of a Reason
)

// The rules of an identity. Values that come from the provider, and that the mechanism
// only passes on, are refused with a reason; see [Broken.Reason].
const (
	RuleSubject       Rule = "subject"        // plain text of 1 to MaxSubject bytes
	RuleSessionID     Rule = "session-id"     // plain text of MaxAttribute
	RuleLogoutSubject Rule = "logout-subject" // plain text of MaxAttribute
	RuleGroups        Rule = "groups"         // MaxGroups, together MaxGroupBytes
	RuleAliases       Rule = "aliases"        // MaxAliases
	RuleAMR           Rule = "amr"            // MaxAMR, together MaxAttribute
	RuleClaims        Rule = "claims"         // MaxClaims, MaxClaimDepth
	RuleGrant         Rule = "grant"          // MaxGrant
	RuleExpiry        Rule = "expiry"         // in the future
	RuleOnceID        Rule = "once-id"        // plain text of MaxAttribute
	RuleOnceUntil     Rule = "once-until"     // in the future, within MaxOnce
)

// The rules of the results of other calls.
const (
	RuleLogout         Rule = "logout"          // names somebody, or says how a logout of the host ended
	RuleLogoutOutcome  Rule = "logout-outcome"  // a known LogoutOutcome
	RuleLogoutSessions Rule = "logout-sessions" // MaxLogoutSessions, each with a name
	RuleMetadataType   Rule = "metadata-type"   // one of MetadataTypes
	RuleMetadataSize   Rule = "metadata-size"   // 1 to MaxMetadata bytes
	RuleFindings       Rule = "findings"        // MaxFindings, each with a severity, a subject and a text; a target of MaxTarget, a known WayStep
)

// Broken says which rule a value breaks, and how. The text contains no secret: at
// most a short name from the value.
type Broken struct {
	Rule Rule
	How  string
}

// Error names the rule.
func (b *Broken) Error() string { return fmt.Sprintf("breaks the rule %s: %s", b.Rule, b.How) }

// reasons are for the rules that a provider can break although the mechanism does
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

// Reason returns the reason for an [sdk.ErrInvalidResponse] if a provider can break the
// rule. Otherwise it is empty, and the plugin is at fault.
func (b *Broken) Reason() sdk.Reason { return reasons[b.Rule] }

func broken(rule Rule, format string, args ...any) error {
	return &Broken{Rule: rule, How: fmt.Sprintf(format, args...)}
}
