package openidtest_test

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/doorward/doorward/plugins/openid/openidtest"
)

func discoveryChecks() map[openidtest.Misbehaviour]check {
	at := (*flow).discovery
	return map[openidtest.Misbehaviour]check{
		openidtest.DiscoveryIssuerOther:   metadataIs("issuer", otherIssuer),
		openidtest.DiscoveryIssuerSlash:   func(f *flow) bool { return metadataIs("issuer", f.op.Issuer()+"/")(f) },
		openidtest.DiscoveryIssuerMissing: metadataLacks("issuer"),
		openidtest.DiscoveryIssuerTwice: func(f *flow) bool {
			return strings.Count(string(at(f).body), `"issuer":`) == 2 && metadataIs("issuer", f.op.Issuer())(f)
		},

		openidtest.DiscoveryAuthorizationEndpointMissing:    metadataLacks("authorization_endpoint"),
		openidtest.DiscoveryAuthorizationEndpointHTTP:       metadataIs("authorization_endpoint", "http://other.example/authorize"),
		openidtest.DiscoveryAuthorizationEndpointJavaScript: metadataStarts("authorization_endpoint", "javascript:"),
		openidtest.DiscoveryTokenEndpointMissing:            metadataLacks("token_endpoint"),
		openidtest.DiscoveryTokenEndpointHTTP:               metadataIs("token_endpoint", "http://other.example/token"),
		openidtest.DiscoveryTokenEndpointJavaScript:         metadataStarts("token_endpoint", "javascript:"),
		openidtest.DiscoveryTokenEndpointCredentials:        metadataStarts("token_endpoint", "http://user:password@127.0.0.1:"),
		openidtest.DiscoveryTokenEndpointRelative:           metadataIs("token_endpoint", "/token"),
		openidtest.DiscoveryTokenEndpointNumber:             metadataIs("token_endpoint", 42.0),
		openidtest.DiscoveryKeySetMissing:                   metadataLacks("jwks_uri"),
		openidtest.DiscoveryKeySetHTTP:                      metadataIs("jwks_uri", "http://other.example/jwks"),
		openidtest.DiscoveryKeySetFile:                      metadataStarts("jwks_uri", "file:"),
		openidtest.DiscoveryUserInfoHTTP:                    metadataIs("userinfo_endpoint", "http://other.example/userinfo"),

		openidtest.DiscoveryWithoutS256:        metadataIs("code_challenge_methods_supported", []any{"plain"}),
		openidtest.DiscoveryWithoutPKCE:        metadataLacks("code_challenge_methods_supported"),
		openidtest.DiscoveryWithoutCode:        metadataIs("response_types_supported", []any{"id_token"}),
		openidtest.DiscoveryUnsafeAlgorithms:   metadataIs("id_token_signing_alg_values_supported", []any{"none", "HS256"}),
		openidtest.DiscoveryWithoutIssResponse: all(metadataLacks("authorization_response_iss_parameter_supported"), func(f *flow) bool { return f.response().Has("code") && !f.response().Has("iss") }),
		openidtest.DiscoveryWithoutUserInfo:    metadataLacks("userinfo_endpoint"),
		openidtest.DiscoveryWithoutAuthMethods: metadataLacks("token_endpoint_auth_methods_supported"),

		openidtest.DiscoveryHTML:      isHTML(at),
		openidtest.DiscoveryArray:     func(f *flow) bool { return strings.HasPrefix(string(at(f).body), "[{") && json.Valid(at(f).body) },
		openidtest.DiscoveryOversized: isLargerThan(at, 50<<20),
		openidtest.DiscoveryRedirect:  lures(at, http.StatusFound, followGet),
		openidtest.DiscoveryNotFound:  hasStatus(at, http.StatusNotFound),
		openidtest.DiscoveryDown:      isDownWith(at, http.StatusServiceUnavailable, "issuer"),
		openidtest.DiscoveryHangs:     neverEnds(at),
		openidtest.DiscoveryTrickles:  neverEnds(at),
	}
}

func metadataStarts(name, prefix string) check {
	return func(f *flow) bool { return strings.HasPrefix(describe(f.discovery().object()[name]), prefix) }
}

func responseChecks() map[openidtest.Misbehaviour]check {
	const markup = `<script>alert(1)</script>"'&`
	return map[openidtest.Misbehaviour]check{
		openidtest.ResponseIssOther:   all(responseIs("iss", otherIssuer), goodCode),
		openidtest.ResponseIssSlash:   func(f *flow) bool { return responseIs("iss", f.op.Issuer()+"/")(f) && goodCode(f) },
		openidtest.ResponseIssMissing: func(f *flow) bool { return !f.response().Has("iss") && goodCode(f) },
		openidtest.ResponseIssEmpty:   all(responseIs("iss", ""), goodCode),
		openidtest.ResponseIssTwice:   all(startsTwice("iss", issuer), goodCode),

		openidtest.StateOther:         all(responseDiffers("state", state), goodCode),
		openidtest.StateOfAnotherFlow: all(responseDiffers("state", state), goodCode),
		openidtest.StateMissing:       all(responseLacks("state"), goodCode),
		openidtest.StateEmpty:         all(responseIs("state", ""), goodCode),
		openidtest.StateTwice:         all(startsTwice("state", state), goodCode),
		openidtest.StateHuge:          func(f *flow) bool { return len(f.response().Get("state")) > 10<<10 && goodCode(f) },

		openidtest.AccessDenied:           all(responseIs("error", "access_denied"), responseLacks("code"), rightState),
		openidtest.TemporarilyUnavailable: all(responseIs("error", "temporarily_unavailable"), responseLacks("code"), rightState),
		openidtest.ErrorWithCode:          all(responseIs("error", "access_denied"), rightState, goodCode),
		openidtest.ErrorWithoutState:      all(responseIs("error", "access_denied"), responseLacks("state")),
		openidtest.ErrorWithMarkup:        all(responseIs("error", markup), responseIs("error_description", markup), responseLacks("code"), rightState),

		openidtest.CodeMissing:     all(responseLacks("code"), responseLacks("error"), rightState),
		openidtest.CodeEmpty:       all(responseIs("code", ""), rightState),
		openidtest.CodeTwice:       func(f *flow) bool { return len(f.response()["code"]) == 2 && goodCode(f) },
		openidtest.CodeForged:      all(rightState, not(goodCode)),
		openidtest.CodeHuge:        func(f *flow) bool { return len(f.response().Get("code")) > 64<<10 && goodCode(f) },
		openidtest.CodeControl:     func(f *flow) bool { return strings.Contains(f.response().Get("code"), "\x00\r\n") && goodCode(f) },
		openidtest.CodeInvalidUTF8: func(f *flow) bool { return strings.HasSuffix(f.response().Get("code"), "\xff\xfe") && goodCode(f) },

		openidtest.ResponseInFragment: func(f *flow) bool { return f.callback() != nil && len(f.response()) == 0 },
		openidtest.ResponseByPost:     func(f *flow) bool { return f.callback().Method == http.MethodPost && rightState(f) && goodCode(f) },
		openidtest.ResponseByGet:      func(f *flow) bool { return f.callback().Method == http.MethodGet && rightState(f) && goodCode(f) },
		openidtest.ResponseNever:      func(f *flow) bool { return f.callback() == nil },
	}
}

func rightState(f *flow) bool { return responseIs("state", f.state)(f) }

func tokenChecks() map[openidtest.Misbehaviour]check {
	at := (*flow).token
	return map[openidtest.Misbehaviour]check{
		openidtest.TokenTypeOther:     all(tokenIs("token_type", "mac"), good),
		openidtest.TokenTypeMissing:   all(tokenLacks("token_type"), good),
		openidtest.TokenTypeLowerCase: all(tokenIs("token_type", "bearer"), good),

		openidtest.ExpiresInNegative: all(tokenIs("expires_in", -1.0), good),
		openidtest.ExpiresInHuge:     func(f *flow) bool { return strings.Contains(string(at(f).body), `"expires_in":1e400`) },
		openidtest.ExpiresInString:   all(tokenIs("expires_in", "3600"), good),
		openidtest.ExpiresInMissing:  all(tokenLacks("expires_in"), good),

		openidtest.AccessTokenMissing:   all(tokenLacks("access_token"), good),
		openidtest.AccessTokenInjection: func(f *flow) bool { return strings.Contains(f.accessToken(), "\r\nX-Injected:") && good(f) },
		openidtest.IDTokenMissing:       tokenLacks("id_token"),
		openidtest.IDTokenEmpty:         tokenIs("id_token", ""),
		openidtest.IDTokenNull:          tokenIs("id_token", nil),
		openidtest.IDTokenNumber:        tokenIs("id_token", 42.0),
		openidtest.ScopeWithoutOpenID:   all(tokenIs("scope", "profile"), good),
		openidtest.ScopeWider:           func(f *flow) bool { return strings.HasSuffix(describe(at(f).object()["scope"]), " admin") && good(f) },
		openidtest.ScopeMissing:         all(tokenLacks("scope"), good),

		openidtest.TokenErrorWith200:  all(tokenIs("error", "invalid_grant"), good),
		openidtest.TokenInvalidClient: all(hasStatus(at, http.StatusUnauthorized), tokenIs("error", "invalid_client")),
		openidtest.TokenInvalidGrant:  all(hasStatus(at, http.StatusBadRequest), tokenIs("error", "invalid_grant")),
		openidtest.TokenMemberTwice:   func(f *flow) bool { return strings.Count(string(at(f).body), `"access_token":`) == 2 && good(f) },
		openidtest.TokenHTML:          isHTML(at),
		openidtest.TokenOversized:     all(isLargerThan(at, 2<<20), good),
		openidtest.TokenFloods:        isLargerThan(at, 50<<20),
		openidtest.TokenBomb:          isLargerThan(at, 8<<20),
		openidtest.TokenHangs:         neverEnds(at),
		openidtest.TokenTrickles:      neverEnds(at),
		openidtest.TokenRedirect302:   lures(at, http.StatusFound, followPost),
		openidtest.TokenRedirect307:   lures(at, http.StatusTemporaryRedirect, followPost),
		openidtest.TokenRedirect308:   lures(at, http.StatusPermanentRedirect, followPost),
		openidtest.TokenDown:          isDownWith(at, http.StatusInternalServerError, "id_token"),
		openidtest.TokenCloses:        isCut(at),
	}
}

func userInfoChecks() map[openidtest.Misbehaviour]check {
	at := (*flow).userInfo
	return map[openidtest.Misbehaviour]check{
		openidtest.UserInfoSubjectOther:     userInfoIs("sub", "mallory"),
		openidtest.UserInfoSubjectOtherCase: all(userInfoLacks("sub"), userInfoIs("SUB", "alice")),
		openidtest.UserInfoSubjectMissing:   all(userInfoLacks("sub"), userInfoLacks("SUB")),
		openidtest.UserInfoSubjectEmpty:     userInfoIs("sub", ""),
		openidtest.UserInfoSubjectTwice:     func(f *flow) bool { return strings.Count(string(at(f).body), `"sub":`) == 2 },

		openidtest.UserInfoSignedIssuerOther:   signedUserInfo(func(c map[string]any) bool { return c["iss"] == otherIssuer }),
		openidtest.UserInfoSignedAudienceOther: signedUserInfo(func(c map[string]any) bool { return c["aud"] == "another-client" }),
		openidtest.UserInfoSignedAlgNone:       func(f *flow) bool { return members(part(string(at(f).body), 0))["alg"] == "none" },
		openidtest.UserInfoSignedBadly: func(f *flow) bool {
			_, err := f.verify(string(at(f).body))
			return err != nil && members(part(string(at(f).body), 1))["sub"] == "alice"
		},

		openidtest.UserInfoUnauthorized: hasStatus(at, http.StatusUnauthorized),
		openidtest.UserInfoDown:         isDownWith(at, http.StatusInternalServerError, "sub"),
		openidtest.UserInfoHTML:         isHTML(at),
		openidtest.UserInfoOversized:    all(isLargerThan(at, 2<<20), userInfoIs("sub", "alice")),
		openidtest.UserInfoFloods:       isLargerThan(at, 50<<20),
		openidtest.UserInfoHangs:        neverEnds(at),
		openidtest.UserInfoTrickles:     neverEnds(at),
		openidtest.UserInfoRedirect:     lures(at, http.StatusTemporaryRedirect, followGet),
		openidtest.UserInfoCloses:       isCut(at),
	}
}

func signedUserInfo(right func(map[string]any) bool) check {
	return func(f *flow) bool {
		claims, err := f.verify(string(f.userInfo().body))
		return err == nil && right(claims)
	}
}

func refreshChecks() map[openidtest.Misbehaviour]check {
	at := (*flow).refresh
	refreshedIs := func(name string, want any) check {
		return func(f *flow) bool {
			claims, err := f.verify(f.refreshedIDToken())
			return err == nil && claims[name] == want && good(f)
		}
	}
	return map[openidtest.Misbehaviour]check{
		openidtest.RefreshSubjectOther:  refreshedIs("sub", "mallory"),
		openidtest.RefreshIssuerOther:   refreshedIs("iss", otherIssuer),
		openidtest.RefreshAudienceOther: refreshedIs("aud", "another-client"),
		openidtest.RefreshNonceOther: func(f *flow) bool {
			nonce := members(part(f.refreshedIDToken(), 1))["nonce"]
			return nonce != nil && nonce != f.nonce
		},
		openidtest.RefreshInvalidGrant:   all(good, hasStatus(at, http.StatusBadRequest)),
		openidtest.RefreshDown:           all(good, hasStatus(at, http.StatusServiceUnavailable)),
		openidtest.RefreshIDTokenMissing: func(f *flow) bool { return good(f) && at(f).status == http.StatusOK && f.refreshedIDToken() == "" },
		openidtest.RefreshNotRotated: func(f *flow) bool {
			if has(at(f).object(), "refresh_token") {
				return false
			}
			delete(f.memory, "refresh")
			return at(f).status == http.StatusOK
		},
	}
}
