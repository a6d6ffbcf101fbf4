package openidtest_test

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/doorward/doorward/plugins/openid/openidtest"
	"github.com/go-jose/go-jose/v4"
)

func claimChecks() map[openidtest.Misbehaviour]check {
	audience := func(more ...any) check {
		return func(f *flow) bool { return claimIs("aud", append([]any{f.client.ID}, more...))(f) && good(f) }
	}
	isText := func(name string) check {
		return func(f *flow) bool {
			text, ok := f.claims()[name].(string)
			return ok && len(text) > 5 && good(f)
		}
	}
	differs := func(name string, from func(*flow) string) check {
		return func(f *flow) bool {
			text, ok := f.claims()[name].(string)
			return ok && text != "" && text != from(f) && good(f)
		}
	}
	nonce := func(f *flow) string { return f.nonce }
	hash := func(f *flow) string { return wantHash(jose.RS256, f.accessToken()) }
	list := map[openidtest.Misbehaviour]check{
		openidtest.IssuerOther:       all(claimIs("iss", otherIssuer), good),
		openidtest.IssuerSlash:       func(f *flow) bool { return claimIs("iss", f.op.Issuer()+"/")(f) && good(f) },
		openidtest.IssuerUpperCase:   func(f *flow) bool { return claimIs("iss", strings.ToUpper(f.op.Issuer()))(f) && good(f) },
		openidtest.IssuerOtherScheme: func(f *flow) bool { return claimIs("iss", "https"+f.op.Issuer()[4:])(f) && good(f) },
		openidtest.IssuerMissing:     all(claimLacks("iss"), good),

		openidtest.AudienceOther:         all(claimIs("aud", "another-client"), good),
		openidtest.AudienceMissing:       all(claimLacks("aud"), good),
		openidtest.AudienceEmpty:         all(claimIs("aud", []any{}), good),
		openidtest.AudienceNumber:        audience(json.Number("42")),
		openidtest.AudienceExtra:         all(audience("another-client"), claimLacks("azp")),
		openidtest.AudienceExtraWithAZP:  all(audience("another-client"), claimIs("azp", "RS256")),
		openidtest.AudienceList:          audience(),
		openidtest.AuthorizedPartyOther:  all(claimIs("azp", "another-client"), good),
		openidtest.AuthorizedPartyNumber: all(claimIs("azp", json.Number("42")), good),
		openidtest.AuthorizedParty:       all(claimIs("azp", "RS256"), claimIs("aud", "RS256"), good),

		openidtest.NonceMissing:       all(claimLacks("nonce"), claimLacks("events"), headerIs("typ", "JWT"), good),
		openidtest.NonceOther:         differs("nonce", nonce),
		openidtest.NonceOfAnotherFlow: differs("nonce", nonce),
		openidtest.NonceList:          func(f *flow) bool { return claimIs("nonce", []any{f.nonce})(f) && good(f) },

		openidtest.AccessTokenHashOther:          differs("at_hash", hash),
		openidtest.AccessTokenHashOfAnotherToken: differs("at_hash", hash),
		openidtest.AccessTokenHashNumber:         all(claimIs("at_hash", json.Number("42")), good),
		openidtest.AccessTokenHashMissing:        claimLacks("at_hash"),

		openidtest.EventsClaim: func(f *flow) bool { return has(f.claims(), "events") && f.claims()["nonce"] == f.nonce && good(f) },
		openidtest.DistributedClaims: func(f *flow) bool {
			return has(f.claims(), "_claim_sources") && has(f.userInfo().object(), "_claim_sources")
		},
		openidtest.PrototypeClaim:      func(f *flow) bool { return has(f.claims(), "__proto__") },
		openidtest.EmailVerifiedFalse:  userInfoIs("email_verified", false),
		openidtest.EmailVerifiedAbsent: all(userInfoIs("email", "alice@example.com"), userInfoLacks("email_verified")),
		openidtest.EmailVerifiedString: userInfoIs("email_verified", "true"),
		openidtest.EmailVerifiedNumber: userInfoIs("email_verified", 1.0),
		openidtest.EmailVerifiedList:   userInfoIs("email_verified", []any{"true"}),

		openidtest.IssuedAtMissing: all(claimLacks("iat"), good),
		openidtest.IssuedAtFuture:  all(claimAway("iat", 3*time.Minute), good),
		openidtest.IssuedAtOld:     all(claimAway("iat", -time.Hour), claimAway("exp", openidtest.IDTokenLifetime), good),
		openidtest.IssuedAtString:  isText("iat"),

		openidtest.ExpiryPast:     all(claimAway("exp", -3*time.Minute), good),
		openidtest.ExpiryMissing:  all(claimLacks("exp"), good),
		openidtest.ExpiryString:   isText("exp"),
		openidtest.ExpiryInfinite: all(claimIs("exp", json.Number("1e400")), good),
		openidtest.ExpiryNegative: all(claimIs("exp", json.Number("-1")), good),
		openidtest.ExpiryList: func(f *flow) bool {
			times, ok := f.claims()["exp"].([]any)
			return ok && len(times) == 1 && good(f)
		},
		openidtest.ExpiryFraction: func(f *flow) bool {
			return strings.HasSuffix(describe(f.claims()["exp"]), ".5") && claimAway("exp", openidtest.IDTokenLifetime)(f)
		},

		openidtest.NotBeforeFuture: all(claimAway("nbf", 3*time.Minute), good),
		openidtest.NotBeforePast:   all(claimAway("nbf", 0), good),
		openidtest.AuthTimeMissing: all(claimLacks("auth_time"), good),
		openidtest.AuthTimeOld:     all(claimAway("auth_time", -24*time.Hour), good),
	}
	addSubjectChecks(list)
	return list
}

func addSubjectChecks(list map[openidtest.Misbehaviour]check) {
	both := func(want string) check { return all(claimIs("sub", want), userInfoIs("sub", want), good) }
	list[openidtest.SubjectMissing] = all(claimLacks("sub"), userInfoIs("sub", "alice"), good)
	list[openidtest.SubjectEmpty] = both("")
	list[openidtest.SubjectTooLong] = both(strings.Repeat("a", 256))
	list[openidtest.SubjectControl] = both("alice\x00\r\nadmin")
	list[openidtest.SubjectNumber] = all(claimIs("sub", json.Number("1001")), userInfoIs("sub", 1001.0), good)
	list[openidtest.SubjectNull] = all(claimIs("sub", nil), userInfoIs("sub", nil), good)
	list[openidtest.SubjectList] = all(claimIs("sub", []any{"alice"}), userInfoIs("sub", []any{"alice"}), good)
	list[openidtest.SubjectLongest] = both(strings.Repeat("a", 255))
	list[openidtest.SubjectSpaces] = both(" Alice ")
	list[openidtest.SubjectUnicode] = both("ａｌｉｃｅ\u200b")

	verified := func(f *flow) bool {
		parsed, err := jose.ParseSignedCompact(f.idToken(), algorithms)
		if err != nil {
			return false
		}
		var set jose.JSONWebKeySet
		if err := json.Unmarshal(f.keySet().body, &set); err != nil {
			return false
		}
		_, err = parsed.Verify(set.Key(parsed.Signatures[0].Header.KeyID)[0].Key)
		return err == nil
	}
	list[openidtest.ClaimTwice] = all(payloadContains(`,"sub":"root"}`), payloadContains(`"sub":"alice"`), verified)
	list[openidtest.ClaimOtherCase] = all(claimIs("SUB", "root"), claimIs("sub", "alice"), verified)
	list[openidtest.ClaimTwiceNested] = all(payloadContains(`{"country":"A","country":"B"}`), verified)
	list[openidtest.ClaimsDeep] = all(payloadContains(strings.Repeat("[", 9000)), verified)
	list[openidtest.ClaimsLarge] = all(payloadLargerThan(700<<10), not(isLargerThan((*flow).token, 1<<20)), verified)
	list[openidtest.ClaimsHuge] = all(payloadLargerThan(1<<20), verified)
	list[openidtest.ClaimInvalidUTF8] = all(payloadInvalid, verified)
	list[openidtest.ClaimLoneSurrogate] = all(payloadContains(`"\ud800"`), verified)
	list[openidtest.ClaimsArray] = all(payloadContains(`[{"`), verified)
	list[openidtest.ClaimsNull] = func(f *flow) bool { return string(part(f.idToken(), 1)) == "null" && verified(f) }
	list[openidtest.ClaimsTrailing] = all(payloadContains(`}{"sub":"root"}`), verified)
}
