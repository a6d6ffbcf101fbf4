package contract

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/doorward/doorward/sdk"
)

// CheckIdentity checks the values that identify somebody or limit a session. Call [Tidy]
// first for the values that only decorate; their rules are not checked here.
func CheckIdentity(i sdk.Identity, now time.Time) error {
	if err := checkNames(i); err != nil {
		return err
	}
	if err := CheckLists(i); err != nil {
		return err
	}
	if err := CheckClaims(i.Claims, nil); err != nil {
		return err
	}
	if len(i.Grant) > sdk.MaxGrant {
		return broken(RuleGrant, "%d bytes, at most %d are allowed", len(i.Grant), sdk.MaxGrant)
	}
	if !i.ExpiresAt.IsZero() && !i.ExpiresAt.After(now) {
		return broken(RuleExpiry, "it expired at %s", i.ExpiresAt.UTC().Format(time.RFC3339))
	}
	return checkOnce(i.OnceID, i.OnceUntil, now)
}

// checkNames checks the names that identify a person or a session. They are never cut or
// cleaned, because they could then be those of somebody else.
func checkNames(i sdk.Identity) error {
	if i.Subject == "" {
		return broken(RuleSubject, "it is empty")
	}
	for _, n := range []struct {
		rule Rule
		text string
		most int
	}{
		{RuleSubject, i.Subject, sdk.MaxSubject},
		{RuleSessionID, i.SessionID, sdk.MaxAttribute},
		{RuleLogoutSubject, i.LogoutSubject, sdk.MaxAttribute},
	} {
		if err := checkText(n.text, n.most); err != nil {
			return broken(n.rule, "it %v", err)
		}
	}
	return nil
}

// CheckLists checks the lists of an identity. A list that is too long is never cut.
func CheckLists(i sdk.Identity) error {
	if err := checkList(RuleGroups, i.Groups, sdk.MaxGroups, sdk.MaxGroupBytes); err != nil {
		return err
	}
	if err := checkList(RuleAliases, i.Aliases, sdk.MaxAliases, sdk.MaxAliases*sdk.MaxSubject); err != nil {
		return err
	}
	return checkList(RuleAMR, i.AMR, sdk.MaxAMR, sdk.MaxAttribute)
}

func checkOnce(id string, until, now time.Time) error {
	if id == "" {
		return nil
	}
	if err := checkText(id, sdk.MaxAttribute); err != nil {
		return broken(RuleOnceID, "it %v", err)
	}
	if !until.After(now) || until.After(now.Add(sdk.MaxOnce)) {
		return broken(RuleOnceUntil, "%s: it must be later than now and at most %s away", until.UTC().Format(time.RFC3339), sdk.MaxOnce)
	}
	return nil
}

func checkList(rule Rule, list []string, maxCount, maxBytes int) error {
	if len(list) > maxCount {
		return broken(rule, "%d values, at most %d are allowed", len(list), maxCount)
	}
	size := 0
	for _, text := range list {
		size += len(text)
		if err := checkText(text, sdk.MaxAttribute); err != nil {
			return broken(rule, "a value %v", err)
		}
	}
	if size > maxBytes {
		return broken(rule, "%d bytes, at most %d are allowed", size, maxBytes)
	}
	return nil
}

// CheckClaims checks the claims of an identity, and their JSON that crosses the wire.
func CheckClaims(claims map[string]any, encoded []byte) error {
	if len(encoded) > sdk.MaxClaims {
		return broken(RuleClaims, "%d bytes, at most %d are allowed", len(encoded), sdk.MaxClaims)
	}
	if deeper(claims, sdk.MaxClaimDepth) {
		return broken(RuleClaims, "nested deeper than %d levels", sdk.MaxClaimDepth)
	}
	return nil
}

// deeper reports whether lists and objects are nested in more than that many levels.
func deeper(value any, levels int) bool {
	var members iter.Seq[any]
	switch v := value.(type) {
	case map[string]any:
		members = maps.Values(v)
	case []any:
		members = slices.Values(v)
	default:
		return false
	}
	if levels == 0 {
		return true
	}
	for member := range members {
		if deeper(member, levels-1) {
			return true
		}
	}
	return false
}
