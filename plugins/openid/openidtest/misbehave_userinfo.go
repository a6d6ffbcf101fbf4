package openidtest

import "net/http"

// Misbehaviours of the UserInfo response.
const (
	UserInfoSubjectOther     Misbehaviour = "userinfo-sub-other"
	UserInfoSubjectOtherCase Misbehaviour = "userinfo-sub-other-case"
	UserInfoSubjectMissing   Misbehaviour = "userinfo-sub-missing"
	UserInfoSubjectEmpty     Misbehaviour = "userinfo-sub-empty"
	UserInfoSubjectTwice     Misbehaviour = "userinfo-sub-twice"

	UserInfoSignedIssuerOther   Misbehaviour = "userinfo-signed-issuer-other"
	UserInfoSignedAudienceOther Misbehaviour = "userinfo-signed-aud-other"
	UserInfoSignedAlgNone       Misbehaviour = "userinfo-signed-alg-none"
	UserInfoSignedBadly         Misbehaviour = "userinfo-signed-badly"

	UserInfoUnauthorized Misbehaviour = "userinfo-unauthorized"
	UserInfoDown         Misbehaviour = "userinfo-down"
	UserInfoHTML         Misbehaviour = "userinfo-html"
	UserInfoOversized    Misbehaviour = "userinfo-oversized"
	UserInfoFloods       Misbehaviour = "userinfo-floods"
	UserInfoHangs        Misbehaviour = "userinfo-hangs"
	UserInfoTrickles     Misbehaviour = "userinfo-trickles"
	UserInfoRedirect     Misbehaviour = "userinfo-redirect"
	UserInfoCloses       Misbehaviour = "userinfo-closes"
)

func userInfoBehaviours() []behaviour {
	return []behaviour{
		{name: UserInfoSubjectOther, rows: "F16", text: "sub is another end user's", userInfo: set("sub", "mallory")},
		{name: UserInfoSubjectOtherCase, rows: "F16 F31", text: "sub is missing, but there is SUB with the right value",
			userInfo: func(l *login, c map[string]any) {
				delete(c, "sub")
				c["SUB"] = l.subject
			}},
		{name: UserInfoSubjectMissing, rows: "F16", text: "sub is left out", userInfo: drop("sub")},
		{name: UserInfoSubjectEmpty, rows: "F16", text: "sub is empty", userInfo: set("sub", "")},

		{name: UserInfoSignedIssuerOther, rows: "F17", text: "the response is a good JWT of another issuer",
			userInfo: set("iss", "https://other.example"), userInfoJWS: asItIs},
		{name: UserInfoSignedAudienceOther, rows: "F17", text: "the response is a good JWT for another client",
			userInfo: set("aud", "another-client"), userInfoJWS: asItIs},
		{name: UserInfoSignedAlgNone, rows: "F17", text: "the response is a JWT with alg none", userInfoJWS: unsigned("none")},
		{name: UserInfoSignedBadly, rows: "F17", text: "the response is a JWT with a bad signature", userInfoJWS: signByStranger},
	}
}

func userInfoReplies() []behaviour {
	return []behaviour{
		{name: UserInfoSubjectTwice, rows: "F16 F31", text: "sub is there twice: another end user's, then the right one",
			reply: preceded(`"sub":"mallory"`)},
		{name: UserInfoUnauthorized, rows: "F16", text: "status 401 with error=invalid_token",
			reply: becomes(http.StatusUnauthorized, "application/json", `{"error":"invalid_token"}`)},
		{name: UserInfoDown, rows: "F16", text: "status 500 with the right claims",
			reply: func(_ *Provider, rep *reply) { rep.status = http.StatusInternalServerError }},
		{name: UserInfoHTML, rows: "F16", text: "status 200 with an HTML page",
			reply: becomes(http.StatusOK, "text/html", htmlPage)},
		{name: UserInfoOversized, rows: "F16", text: "2 MiB of white space before the right claims",
			reply: inflated(2 * mebibyte)},
		{name: UserInfoFloods, rows: "F16", text: "white space without end", reply: flooding},
		{name: UserInfoHangs, rows: "F16 E21", text: "no answer", reply: hanging},
		{name: UserInfoTrickles, rows: "F16 E21", text: "white space, a byte at a time and without end", reply: trickling},
		{name: UserInfoRedirect, rows: "F16 E09", text: "a redirect to the right claims (counted as Trap)",
			reply: redirecting(http.StatusTemporaryRedirect, "userinfo")},
		{name: UserInfoCloses, rows: "F16", text: "the connection closes without an answer", reply: closing},
	}
}

func asItIs(*signing) error { return nil }
