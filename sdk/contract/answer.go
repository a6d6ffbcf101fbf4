package contract

import (
	"slices"
	"time"

	"github.com/doorward/doorward/sdk"
)

// CheckLogout checks what a logout message means. It either names sessions, or
// tells how a logout of ours ended, which begun says is under way in this browser.
func CheckLogout(l sdk.Logout, begun bool, now time.Time) error {
	if err := CheckOutcome(l.Outcome); err != nil {
		return err
	}
	names := l.Subject != "" || len(l.SessionIDs) > 0
	switch {
	case l.Outcome == "" && !names:
		return broken(RuleLogout, "it names nobody")
	case l.Outcome != "" && !begun:
		return broken(RuleLogout, "it is the outcome of one that this browser did not begin")
	case l.Outcome != "" && names:
		return broken(RuleLogout, "it is the outcome of one of ours and another one at once")
	case l.Framed && (l.Outcome != "" || l.Reply != nil):
		return broken(RuleLogout, "it arrives in a frame, and is more than a demand")
	}
	if l.Reply != nil {
		if err := CheckReply(l.Reply); err != nil {
			return err
		}
	}
	if err := checkText(l.Subject, sdk.MaxAttribute); err != nil {
		return broken(RuleLogoutSubject, "it %v", err)
	}
	if slices.Contains(l.SessionIDs, "") {
		return broken(RuleLogoutSessions, "a session without a name")
	}
	if err := checkList(RuleLogoutSessions, l.SessionIDs, sdk.MaxLogoutSessions, sdk.MaxLogoutSessions*sdk.MaxAttribute); err != nil {
		return err
	}
	return checkOnce(l.OnceID, l.OnceUntil, now)
}

// CheckOutcome checks that an outcome is one that both ends know.
func CheckOutcome(outcome sdk.LogoutOutcome) error {
	switch outcome {
	case "", sdk.LogoutDone, sdk.LogoutPartial:
		return nil
	default:
		return broken(RuleLogoutOutcome, "%q", clip(string(outcome)))
	}
}

// CheckDocument checks a document that is served to anybody. A browser shows
// other types than [sdk.MetadataTypes] as a page of ours, with scripts.
func CheckDocument(d sdk.Document) error {
	if !slices.Contains(sdk.MetadataTypes(), d.ContentType) {
		return broken(RuleMetadataType, "%q is none of %q", clip(d.ContentType), sdk.MetadataTypes())
	}
	if size := len(d.Content); size == 0 || size > sdk.MaxMetadata {
		return broken(RuleMetadataSize, "%d bytes, 1 to %d are allowed", size, sdk.MaxMetadata)
	}
	return nil
}

// CheckFindings checks what a check returned. The host shows a finding that
// breaks this, as well as it can: only the suite and the log of the plugin tell.
func CheckFindings(findings []sdk.Finding) error {
	if len(findings) > sdk.MaxFindings {
		return broken(RuleFindings, "%d findings, at most %d are shown", len(findings), sdk.MaxFindings)
	}
	for _, f := range findings {
		switch f.Severity {
		case sdk.SeverityOK, sdk.SeverityWarning, sdk.SeverityError:
		default:
			return broken(RuleFindings, "the severity %q", clip(string(f.Severity)))
		}
		if f.Subject == "" || f.Text == "" {
			return broken(RuleFindings, "a finding without a subject or a text")
		}
		if err := checkText(f.Target, sdk.MaxTarget); err != nil {
			return broken(RuleFindings, "a target %v", err)
		}
		if f.Step != "" && !slices.Contains(sdk.WaySteps(), f.Step) {
			return broken(RuleFindings, "the step %q", clip(string(f.Step)))
		}
	}
	return nil
}
