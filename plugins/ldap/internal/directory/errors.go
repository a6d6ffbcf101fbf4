package directory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

// errServer wraps errors of a server that is unreachable, ends the connection or sends
// malformed messages.
var errServer = errors.New("no answer from the server")

// errSilent wraps the error for a pooled connection on which no answer came.
var errSilent = errors.New("no answer on a pooled connection")

// IsServerFailure reports whether another server might succeed.
func IsServerFailure(err error) bool {
	return errors.Is(err, errServer) || errors.Is(err, errEnvelope) || errors.Is(err, context.DeadlineExceeded) ||
		ldap.IsErrorAnyOf(err, ldap.LDAPResultBusy, ldap.LDAPResultUnavailable, ldap.LDAPResultOther)
}

// retryableBindError turns the limits of a server (result codes 3 and 11) into a server
// failure: the server did not judge the password, and the next one may.
func retryableBindError(err error) error {
	if ldap.IsErrorAnyOf(err, ldap.LDAPResultTimeLimitExceeded, ldap.LDAPResultAdminLimitExceeded) {
		return fmt.Errorf("%w: %w", errServer, err)
	}
	return err
}

// ResultCode returns the result code (RFC 4511 section 4.1.9) in an error, if a server sent
// one.
func ResultCode(err error) (uint16, bool) {
	result, ok := errors.AsType[*ldap.Error](err)
	if !ok || IsServerFailure(err) {
		return 0, false
	}
	return result.ResultCode, true
}

// Refusal converts a result code that no other server would change into an error of the SDK.
// Other errors are returned unchanged.
func Refusal(err error) error {
	result, ok := errors.AsType[*ldap.Error](err)
	if !ok {
		return err
	}
	if _, ok := errors.AsType[*sdk.Error](err); ok || IsServerFailure(err) {
		return err
	}
	switch result.ResultCode {
	case ldap.LDAPResultNoSuchObject:
		return sdk.Misconfigured(ReasonSearchRefused, "the base of the search does not exist, or bind_dn has no right to read it: check user_dn and group_dn")
	case ldap.LDAPResultReferral:
		return sdk.Misconfigured(ReasonSearchRefused, "the directory refers to another server for user_dn or group_dn: set client_url to that server, because referrals are not followed")
	case ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultOperationsError:
		return sdk.Misconfigured(ReasonSearchRefused, "the directory does not allow the operation (%s): check bind_dn and its rights", Describe(err))
	case ldap.LDAPResultStrongAuthRequired, ldap.LDAPResultConfidentialityRequired:
		return sdk.Misconfigured(ReasonSearchRefused, "the directory requires TLS (%s): use ldaps:// or start_tls", Describe(err))
	}
	return sdk.Unavailable(ReasonSearchRefused, "the directory refuses the operation: %s", Describe(err))
}

// KindOf converts remaining server failures and result codes into errors of the SDK.
func KindOf(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if _, ok := errors.AsType[*sdk.Error](err); ok {
		return err
	}
	if IsServerFailure(err) {
		return unreachable(err)
	}
	return Refusal(err)
}

// unreachable is an error of the configuration if each failure is one, such as a denied
// address or a proxy that refuses.
func unreachable(failures ...error) error {
	passing := func(err error) bool { return !errors.Is(err, sdk.ErrMisconfigured) }
	if slices.ContainsFunc(failures, passing) {
		return sdk.Unavailable(ReasonUnreachable, "%w", errors.Join(failures...))
	}
	return sdk.Misconfigured(ReasonUnreachable, "%w", errors.Join(failures...))
}

// Describe describes an error of the directory without text that could repeat parts of the
// request.
func Describe(err error) string {
	result, ok := errors.AsType[*ldap.Error](err)
	if !ok {
		return "no answer"
	}
	text := cmp.Or(ldap.LDAPResultCodeMap[result.ResultCode], fmt.Sprintf("result code %d", result.ResultCode))
	if code := SubCode(err); code != "" {
		text += ", data " + code
	}
	return text
}

var dataCode = regexp.MustCompile(`(?i)\bdata ([0-9a-f]{1,8})\b`)

// SubCode returns the reason that Active Directory gives for a refused bind in the text of
// its error: "80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error, data
// 52e, v4563".
func SubCode(err error) string {
	result, ok := errors.AsType[*ldap.Error](err)
	if !ok || result.Err == nil {
		return ""
	}
	match := dataCode.FindStringSubmatch(result.Err.Error())
	if match == nil {
		return ""
	}
	return strings.ToLower(match[1])
}
