package contract

import (
	"slices"
	"time"

	"github.com/doorward/doorward/sdk"
)

// CheckLogout checks the result of ReceiveLogout. It either names sessions, or says how
// a logout that the host began has ended. begun says whether such a logout is under way
// in this browser.
func CheckLogout(l sdk.Logout, begun bool, now time.Time) error {
	if err := CheckOutcome(l.Outcome); err != nil {
		return err
	}
	names := l.Subject != "" || len(l.SessionIDs) > 0
	switch {
	case l.Outcome == "" && !names:
		return broken(RuleLogout, "it names nobody")
	case l.Outcome != "" && !begun:
		return broken(RuleLogout, "it has an outcome, but this browser did not begin a logout")
	case l.Outcome != "" && names:
		return broken(RuleLogout, "it has an outcome, but also names a subject or sessions")
	case l.Framed && (l.Outcome != "" || l.Reply != nil):
		return broken(RuleLogout, "it is framed, but has an outcome or a reply")
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

// CheckOutcome checks that the outcome is known.
func CheckOutcome(outcome sdk.LogoutOutcome) error {
	switch outcome {
	case "", sdk.LogoutDone, sdk.LogoutPartial:
		return nil
	default:
		return broken(RuleLogoutOutcome, "%q", clip(string(outcome)))
	}
}

// CheckDocument checks a document that is served without authentication. A browser would
// show some types other than [sdk.MetadataTypes] as a page of the host, with scripts.
func CheckDocument(d sdk.Document) error {
	if !slices.Contains(sdk.MetadataTypes(), d.ContentType) {
		return broken(RuleMetadataType, "%q is not one of %q", clip(d.ContentType), sdk.MetadataTypes())
	}
	if size := len(d.Content); size == 0 || size > sdk.MaxMetadata {
		return broken(RuleMetadataSize, "%d bytes, 1 to %d are allowed", size, sdk.MaxMetadata)
	}
	return nil
}

// CheckFindings checks the findings of a check. The host shows findings that break the
// rule as well as it can; only the conformance suite and the log of the plugin report it.
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
