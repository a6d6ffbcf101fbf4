package preset

// Sources: Okta's "OpenID Connect & OAuth 2.0 API", and the provider of next-auth.
var okta = Preset{
	Name: "okta", Title: "Okta", Icon: "business", Dated: gathered,
	Example: "https://example.okta.com",
	Scope:   standardScope,
	Manual: Manual{
		Console: []string{
			"Admin console → Applications → Create App Integration → OIDC, Web Application.",
			"Sign-in redirect URIs: the URL below. Sign-out redirect URIs: the same with `logout` in place of `callback`. Grant type: Authorization Code, and Refresh Token if refreshes should ask Okta.",
			"Assignments: choose who can sign in.",
			"Copy client ID and client secret from General.",
		},
		Settings: []string{
			"AUTH_{X}_ISSUER_URL=https://<org>.okta.com", "AUTH_{X}_CLIENT_ID=…", "AUTH_{X}_CLIENT_SECRET=…",
		},
		Callback:   exactCallback,
		Restricted: "those to whom the application is assigned.",
		Email:      byEmailVerified,
		Groups:     "set a groups claim filter under Sign On, and `AUTH_OKTA_SCOPE=\"openid profile email groups\"`. The issuer of a custom authorization server is `https://<org>.okta.com/oauth2/<its ID>`, and `…/oauth2/default` for the one called default; define claims in these servers in place of that scope.",
		Session:    "a refresh token needs the grant type Refresh Token and the scope `offline_access` (`AUTH_OKTA_OFFLINE_ACCESS=true`). " + signsOutThere,
	},
}

// Sources: Auth0's documentation, and the providers of next-auth and kratos.
var auth0 = Preset{
	Name: "auth0", Title: "Auth0", Icon: "business", Dated: gathered,
	Example: "https://example.eu.auth0.com/",
	Scope:   standardScope,
	Manual: Manual{
		Console: []string{
			"Applications → Create Application → Regular Web Applications.",
			"Settings → Allowed Callback URLs: the URL below. Allowed Logout URLs: the same with `logout` in place of `callback`.",
			"Settings → Advanced → OAuth: JSON Web Token Signature Algorithm RS256. HS256 signs with the client secret, and is refused.",
			"Connections: choose where people can come from.",
		},
		Settings: []string{
			"AUTH_{X}_ISSUER_URL=https://<tenant>.eu.auth0.com/   # with the slash", "AUTH_{X}_CLIENT_ID=…", "AUTH_{X}_CLIENT_SECRET=…",
		},
		Callback:   exactCallback,
		Restricted: "anyone who has, or creates, an account in a connection of the application: switch off sign-ups there to admit nobody new.",
		Email:      byEmailVerified,
		Groups:     "write an Action that adds a claim. Its name must be a URL: `AUTH_AUTH0_GROUP_CLAIM_NAME=https://example.com/groups`.",
		Session:    "a refresh token needs the scope `offline_access` (`AUTH_AUTH0_OFFLINE_ACCESS=true`). " + signsOutThere + " The same person has a different `sub` in each connection.",
	},
}

// Sources: AWS's "User pool endpoints", "The managed login sign-out endpoint" and "Using
// the ID token"; the providers of better-auth and allauth.
var cognito = Preset{
	Name: "cognito", Title: "Amazon Cognito", Icon: "cloud", Dated: gathered,
	Example:      "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Example",
	Scope:        standardScope,
	UnlistedPKCE: true,
	Groups:       "cognito:groups",
	Username:     "cognito:username",
	// In the user info it is a text, in the ID token a boolean.
	TextVerified: true,
	LogoutPath:   "/logout", LogoutReturn: "logout_uri",
	Manual: Manual{
		Console: []string{
			"Cognito → User pools → your pool → App clients → Create app client: Traditional web application, with a client secret.",
			"Login pages → Allowed callback URLs: the URL below. Allowed sign-out URLs: the same with `logout` in place of `callback`. Grant type: Authorization code. Scopes: `openid`, `profile`, `email`.",
			"Branding → Domain: the pool needs one.",
			"Copy the pool ID from the Overview, and client ID and client secret from the app client.",
		},
		Settings: []string{
			"AUTH_{X}_ISSUER_URL=https://cognito-idp.<region>.amazonaws.com/<pool ID>", "AUTH_{X}_CLIENT_ID=…", "AUTH_{X}_CLIENT_SECRET=…",
		},
		Callback:   exactCallback,
		Restricted: "anyone who has, or creates, an account in the pool: switch off self-registration there to admit nobody new.",
		Email:      "verified if `email_verified` is true, or the text `true`, which its user info sends.",
		Groups:     "`cognito:groups` of the ID token.",
		Session:    "Cognito always issues a refresh token. A logout signs out at the pool, with `/logout` and `logout_uri`, which only Cognito has; it does not sign out at a provider behind the pool. User names can pass to somebody else: keep `sub`.",
	},
}
