package preset

// Sources: Okta's "OpenID Connect & OAuth 2.0 API", and the provider of next-auth.
var okta = Preset{
	Name: "okta", Title: "Okta", Icon: "business", Dated: facts,
	Example: "https://example.okta.com",
	Scope:   standard,
	Manual: Manual{
		Console: []string{
			"Admin console → Applications → Create App Integration → OIDC, Web Application.",
			"Sign-in redirect URIs: the URL below. Sign-out redirect URIs: the same with `logout` in place of `callback`. Grant type: Authorization Code, and Refresh Token if sessions should ask Okta.",
			"Assignments: who may sign in.",
			"General shows client ID and client secret.",
		},
		Settings: []string{
			"AUTH_{X}_ISSUER_URL=https://<org>.okta.com", "AUTH_{X}_CLIENT_ID=…", "AUTH_{X}_CLIENT_SECRET=…",
		},
		Callback:   exactly,
		Restricted: "whoever the application is assigned to.",
		Email:      byVerified,
		Groups:     "set a groups claim filter under Sign On, and `AUTH_OKTA_SCOPE=\"openid profile email groups\"`. The issuer of a custom authorization server is `https://<org>.okta.com/oauth2/<its ID>`, the one called default `…/oauth2/default`; they have claims of their own in place of that scope.",
		Session:    "a refresh token comes with the grant type Refresh Token and the scope `offline_access` (`AUTH_OKTA_OFFLINE_ACCESS=true`). " + endsThere,
	},
}

// Sources: Auth0's documentation, and the providers of next-auth and kratos.
var auth0 = Preset{
	Name: "auth0", Title: "Auth0", Icon: "business", Dated: facts,
	Example: "https://example.eu.auth0.com/",
	Scope:   standard,
	Manual: Manual{
		Console: []string{
			"Applications → Create Application → Regular Web Applications.",
			"Settings → Allowed Callback URLs: the URL below. Allowed Logout URLs: the same with `logout` in place of `callback`.",
			"Settings → Advanced → OAuth: JSON Web Token Signature Algorithm RS256. HS256 signs with the client secret, and is refused.",
			"Connections: where people may come from.",
		},
		Settings: []string{
			"AUTH_{X}_ISSUER_URL=https://<tenant>.eu.auth0.com/   # with the slash", "AUTH_{X}_CLIENT_ID=…", "AUTH_{X}_CLIENT_SECRET=…",
		},
		Callback:   exactly,
		Restricted: "whoever has, or makes, an account in a connection of the application: switch off sign-ups there if nobody new should get in.",
		Email:      byVerified,
		Groups:     "an Action of yours adds a claim; its name must be a URL, which is fine: `AUTH_AUTH0_GROUP_CLAIM_NAME=https://example.com/groups`.",
		Session:    "a refresh token comes with the scope `offline_access` (`AUTH_AUTH0_OFFLINE_ACCESS=true`). " + endsThere + " The same person has another `sub` in each connection.",
	},
}

// Sources: AWS's "User pool endpoints", "The managed login sign-out endpoint" and "Using
// the ID token"; the providers of better-auth and allauth.
var cognito = Preset{
	Name: "cognito", Title: "Amazon Cognito", Icon: "cloud", Dated: facts,
	Example:      "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Example",
	Scope:        standard,
	UnlistedPKCE: true,
	Groups:       "cognito:groups",
	Username:     "cognito:username",
	// The user info has it as a text, the ID token as a boolean.
	TextVerified: true,
	LogoutPath:   "/logout", LogoutReturn: "logout_uri",
	Manual: Manual{
		Console: []string{
			"Cognito → User pools → your pool → App clients → Create app client: Traditional web application, with a client secret.",
			"Login pages → Allowed callback URLs: the URL below. Allowed sign-out URLs: the same with `logout` in place of `callback`. Grant type: Authorization code. Scopes: `openid`, `profile`, `email`.",
			"Branding → Domain: the pool needs one.",
			"Overview shows the pool ID; the app client shows client ID and client secret.",
		},
		Settings: []string{
			"AUTH_{X}_ISSUER_URL=https://cognito-idp.<region>.amazonaws.com/<pool ID>", "AUTH_{X}_CLIENT_ID=…", "AUTH_{X}_CLIENT_SECRET=…",
		},
		Callback:   exactly,
		Restricted: "whoever has, or makes, an account in the pool: switch off self-registration there if nobody new should get in.",
		Email:      "verified if `email_verified` is true, or the text `true`, as its user info writes it.",
		Groups:     "`cognito:groups` of the ID token.",
		Session:    "a refresh token always comes. A logout signs out at the pool, by `/logout` with `logout_uri`, which is Cognito's own way; it does not sign out at a provider behind the pool. User names can be given to somebody else: keep `sub`.",
	},
}
