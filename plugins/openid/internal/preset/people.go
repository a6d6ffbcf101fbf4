package preset

// Sources: Google's "OpenID Connect", and the providers of next-auth, better-auth, dex
// and allauth.
var google = Preset{
	Name: "google", Title: "Google", Icon: "account_circle", Dated: facts,
	Issuer: "https://accounts.google.com",
	Scope:  standard,
	// Without both, only the very first login brings a refresh token.
	Params: map[string]string{"access_type": "offline", "prompt": "consent"},
	Manual: Manual{
		Console: []string{
			"console.cloud.google.com → APIs & Services → OAuth consent screen: user type Internal lets in your Workspace only, External anybody.",
			"Credentials → Create credentials → OAuth client ID → Web application.",
			"Authorized redirect URIs: the URL below. Copy client ID and client secret.",
		},
		Callback:   exactly,
		Restricted: anybody + " `AUTH_GOOGLE_PARAMS__HD=example.com` lets in your Workspace domain: the claim `hd` of the ID token is checked, because the parameter alone is a hint.",
		Email:      byVerified,
		Groups:     "Google tells none.",
		Session: "`prompt=consent` has people agree at each login, because Google gives a refresh token only then. Without that (`AUTH_GOOGLE_PARAMS__PROMPT=select_account`) a session outlives a person who is removed at Google. " +
			"Google has no logout of its own.",
		Unconfirmed: []string{"that Google is the authority for addresses at `gmail.com` and those of accounts with `hd` alone", "how many refresh tokens one person may have for a client before the oldest ends"},
	},
}

// Sources: Microsoft's "OpenID Connect on the Microsoft identity platform", "Optional
// claims reference" and "Migrate off email claim authorization", and the providers of
// better-auth, kratos, pocketbase and oauth2-proxy.
var microsoft = Preset{
	Name: "microsoft", Title: "Microsoft", Icon: "business", Dated: facts,
	Example:       "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0",
	Scope:         standard + " offline_access",
	UnlistedPKCE:  true,
	NeverVerified: true,
	Manual: Manual{
		Console: []string{
			"entra.microsoft.com → App registrations → New registration. Supported account types: this organizational directory only, unless you mean others.",
			"Redirect URI: platform Web, the URL below.",
			"Certificates & secrets → New client secret: copy its value (not its ID) at once, and note the day on which it expires.",
			"Token configuration: add the optional claim `email`, and a groups claim if you map roles.",
			"Overview shows the application ID, which is the client ID, and the directory (tenant) ID.",
		},
		Settings: []string{
			"AUTH_{X}_ISSUER_URL=https://login.microsoftonline.com/<tenant ID>/v2.0",
			"AUTH_{X}_CLIENT_ID=<application ID>", "AUTH_{X}_CLIENT_SECRET=…",
		},
		Callback: exactly,
		Restricted: "with the ID of your tenant in the URL (not its domain name), its members and guests. `…/common/v2.0` and `…/organizations/v2.0` let in every tenant of the world unless `AUTH_MICROSOFT_ALLOWED_TENANTS=<tenant ID>,<tenant ID>` says which: the tenant of the token (`tid`) is checked, its issuer must be that of this tenant, and it must be signed with a key that Microsoft uses for it. `…/consumers/v2.0` is for personal accounts. " +
			"To let in some people of your tenant, set *Assignment required* of the enterprise application.",
		Email:   "never as verified: Entra ID does not say. With the optional claim `xms_edov` in the token, `AUTH_MICROSOFT_EMAIL_VERIFIED_KEY=xms_edov` has it count. Addresses and user names change hands; keep `sub` as the identifier.",
		Groups:  "object IDs in `groups`. Above 200 Entra ID sends a reference in place of them: have it send the groups that are assigned to the application only, or let Graph be asked, see below. App roles come with `AUTH_MICROSOFT_GROUP_CLAIM_NAME=roles`.",
		Session: "a refresh token comes with `offline_access`. " + endsThere,
		Unconfirmed: []string{
			"whether the claim `xms_edov` is a JSON boolean in every tenant; a text counts with `email_verified_text`",
		},
	},
}

// Sources: Apple's "Configuring your environment for Sign in with Apple", "Creating a
// client secret" and "Incorporating Sign in with Apple into other platforms", and the
// providers of next-auth, better-auth, kratos, supabase, pocketbase and allauth.
var apple = Preset{
	Name: "apple", Title: "Apple", Icon: "account_circle", Dated: facts,
	Issuer: "https://appleid.apple.com",
	Scope:  "openid name email",
	// Apple refuses name and email in any other mode.
	Params:         map[string]string{"response_mode": "form_post"},
	Auth:           "client_secret_post",
	UnlistedPKCE:   true,
	TextVerified:   true,
	NameInResponse: true,
	SecretAudience: "https://appleid.apple.com",
	Manual: Manual{
		Console: []string{
			"developer.apple.com → Certificates, Identifiers & Profiles → Identifiers → + → App IDs → App: enable the capability Sign in with Apple, as a primary App ID. An existing one will do.",
			"Identifiers → + → Services IDs: its identifier is the client ID.",
			"Open the Services ID → Sign in with Apple → Configure: choose the App ID, enter the domain of your server, and the URL below under Return URLs.",
			"Keys → + → Sign in with Apple → Configure: choose the App ID. Download the key (`AuthKey_….p8`): Apple offers it only once. Its ID is shown beside it.",
			"The team ID stands at the top right, under your name.",
		},
		Settings: []string{
			"AUTH_{X}_CLIENT_ID=<Services ID>", "AUTH_{X}_CLIENT_SECRET_TEAM_ID=<team ID>", "AUTH_{X}_CLIENT_SECRET_KEY_ID=<key ID>",
			"AUTH_{X}_CLIENT_SECRET_KEY_FILE=/run/secrets/AuthKey.p8",
		},
		Callback:   "Must be one of the return URLs exactly, on https.",
		Restricted: anybody,
		Email:      "verified if `email_verified` is true, or the text `true`, as Apple writes it at times. It may be one at `privaterelay.appleid.com`, which forwards until the person switches it off.",
		Groups:     "Apple tells none.",
		Session:    "the client secret is signed with the key when it is needed, and lasts five minutes. Apple gives the name once, at the first login of a person, unsigned and by way of their browser: it is shown, and nothing hangs on it. An address that comes beside it is not read. Apple has no logout of its own.",
		Unconfirmed: []string{
			"whether Apple compares a code challenge: the nonce protects the login",
			"how often a refresh token may be used",
			"that a callback URL on localhost or with an IP address is refused",
		},
	},
}
