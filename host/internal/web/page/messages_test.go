package page_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/doorward/doorward/host/internal/web/page"
)

var messages = map[string]page.Message{
	"bad credentials": page.MessageBadCredentials, "cancelled": page.MessageCancelled, "account disabled": page.MessageAccountDisabled,
	"account locked": page.MessageAccountLocked, "password expired": page.MessagePasswordExpired, "not allowed": page.MessageNotAllowed,
	"denied": page.MessageDenied, "not registered": page.MessageNotRegistered, "unavailable": page.MessageUnavailable, "busy": page.MessageBusy, "no store": page.MessageNoStore, "overloaded": page.MessageOverloaded,
	"misconfigured": page.MessageMisconfigured, "invalid response": page.MessageInvalidResponse, "attempt expired": page.MessageAttemptExpired,
	"attempt over": page.MessageAttemptOver, "attempt dropped": page.MessageAttemptDropped, "attempt invalid": page.MessageAttemptInvalid,
	"no cookie": page.MessageNoCookie, "unknown provider": page.MessageUnknownProvider, "too many attempts": page.MessageTooManyAttempts,
	"session ended": page.MessageSessionEnded, "access expired": page.MessageAccessExpired,
	"cross site": page.MessageCrossSite, "bad redirect": page.MessageBadRedirect,
	"bad request": page.MessageBadRequest, "not found": page.MessageNotFound, "method not allowed": page.MessageMethodNotAllowed,
	"invitation": page.MessageInvitation, "invited other": page.MessageInvitedOther, "too large": page.MessageTooLarge, "too many changes": page.MessageTooManyChanges, "forbidden field": page.MessageForbiddenField,
	"no data": page.MessageNoData, "no accounts": page.MessageNoAccounts, "no passwords": page.MessageNoPasswords, "no studio": page.MessageNoStudio,
	"internal": page.MessageInternal, "not accepted": page.MessageNotAccepted, "more wanted": page.MessageMoreWanted, "logout message": page.MessageLogoutMessage,
	"link taken": page.MessageLinkTaken, "other session": page.MessageOtherSession, "elsewhere": page.MessageElsewhere, "linking off": page.MessageLinkingOff,
	"too many links": page.MessageTooManyLinks, "last link": page.MessageLastLink, "not seen": page.MessageNotSeen,
	"account expired": page.MessageAccountExpired, "logon not permitted": page.MessageLogonNotPermitted,
	"code wrong": page.MessageCodeWrong, "code expired": page.MessageCodeExpired,
	"password must change": page.MessagePasswordMustChange, "passwords differ": page.MessagePasswordsDiffer, "password rejected": page.MessagePasswordRejected,
}

func TestMessages(t *testing.T) {
	source, err := os.ReadFile("messages.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte(" = Message{\n")); n != len(messages) {
		t.Errorf("this test has %d messages of %d", len(messages), n)
	}
	seen := map[string]string{}
	for name, m := range messages {
		t.Run(name, func(t *testing.T) {
			if m.Title == "" || len(m.Title) > 50 || strings.HasSuffix(m.Title, ".") {
				t.Errorf("title %q is not a few words", m.Title)
			}
			if !strings.HasSuffix(m.What, ".") || strings.Count(m.What, ". ") > 0 {
				t.Errorf("%q is not one sentence", m.What)
			}
			if !strings.HasSuffix(m.Next, ".") {
				t.Errorf("%q does not say what to do next", m.Next)
			}
			for _, jargon := range []string{"invalid", "token", "SAML", "OIDC", "OAuth", "LDAP", "HTTP", "error", "failed", "please", "oops",
				"response", "payload", "protocol", "vouch", "did not hold", "whoever", "meanwhile", "else ask"} {
				if strings.Contains(strings.ToLower(m.Title+m.What+m.Next), strings.ToLower(jargon)) {
					t.Errorf("says %q to people", jargon)
				}
			}
			if other, ok := seen[m.Title]; ok {
				t.Errorf("same title as %q", other)
			}
			seen[m.Title] = name
		})
	}
}

func TestTooManyAttempts(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		0: "Wait 1 second,", time.Second: "Wait 1 second,", 6 * time.Second: "Wait 6 seconds,", time.Minute: "Wait 60 seconds,",
		61 * time.Second: "Wait 2 minutes,", 10 * time.Minute: "Wait 10 minutes,",
	} {
		m := page.TooManyAttempts(wait)
		if !strings.HasPrefix(m.Next, want) || m.What != page.MessageTooManyAttempts.What {
			t.Errorf("%v: %+v", wait, m)
		}
	}
}
