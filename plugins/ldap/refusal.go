package main

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/sdk"
)

// errServer is in the tree of an error that is the server's: it cannot be reached,
// breaks off, or answers nonsense.
var errServer = errors.New("no answer from the server")

// isServerFailure reports whether another server may do better.
func isServerFailure(err error) bool {
	return errors.Is(err, errServer) || errors.Is(err, errEnvelope) || errors.Is(err, context.DeadlineExceeded) ||
		ldap.IsErrorAnyOf(err, ldap.LDAPResultBusy, ldap.LDAPResultUnavailable, ldap.LDAPResultOther)
}

// refusal makes an error of the SDK of a result code that no other server would
// change. Other errors stay as they are.
func refusal(err error) error {
	result, ok := errors.AsType[*ldap.Error](err)
	if !ok {
		return err
	}
	if _, ok := errors.AsType[*sdk.Error](err); ok || isServerFailure(err) {
		return err
	}
	switch result.ResultCode {
	case ldap.LDAPResultNoSuchObject:
		return sdk.Misconfigured(reasonSearchRefused, "the base of the search does not exist, or bind_dn may not see it: look at user_dn and group_dn")
	case ldap.LDAPResultReferral:
		return sdk.Misconfigured(reasonSearchRefused, "the directory refers to another server for user_dn or group_dn: name that one in client_url, referrals are not followed")
	case ldap.LDAPResultInsufficientAccessRights, ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultOperationsError:
		return sdk.Misconfigured(reasonSearchRefused, "the directory does not allow it (%s): look at bind_dn and its rights", describe(err))
	case ldap.LDAPResultStrongAuthRequired, ldap.LDAPResultConfidentialityRequired:
		return sdk.Misconfigured(reasonSearchRefused, "the directory wants TLS (%s): write ldaps:// or start_tls", describe(err))
	}
	return sdk.Unavailable(reasonSearchRefused, "the directory refuses: %s", describe(err))
}

// kindOf makes an expected refusal of what is still none: a server that fails.
func kindOf(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if _, ok := errors.AsType[*sdk.Error](err); ok {
		return err
	}
	if isServerFailure(err) {
		return sdk.Unavailable(reasonUnreachable, "%w", err)
	}
	return refusal(err)
}

// describe tells an error of the directory without what it may repeat of the request.
func describe(err error) string {
	result, ok := errors.AsType[*ldap.Error](err)
	if !ok {
		return "no answer"
	}
	text := ldap.LDAPResultCodeMap[result.ResultCode]
	if code := subCode(err); code != "" {
		text += ", data " + code
	}
	return text
}

var dataCode = regexp.MustCompile(`(?i)\bdata ([0-9a-f]{1,8})\b`)

// subCode is the reason that Active Directory gives for a refused bind, in the text of
// its error: "80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error,
// data 52e, v4563".
func subCode(err error) string {
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
