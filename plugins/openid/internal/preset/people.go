package preset

// Sources: Google's "OpenID Connect", and the providers of next-auth, better-auth, dex
// and allauth.
var google = Preset{
	Name: "google", Title: "Google", Icon: "account_circle", Dated: gathered,
	Issuer: "https://accounts.google.com",
	Scope:  standardScope,
	// Without both, only the very first login brings a refresh token.
	Params: map[string]string{"access_type": "offline", "prompt": "consent"},
	Manual: Manual{
		Console: []string{
			"console.cloud.google.com → APIs & Services → OAuth consent screen: user type Internal admits only your Workspace, External anybody.",
			"Credentials → Create credentials → OAuth client ID → Web application.",
			"Authorized redirect URIs: the URL below. Copy client ID and client secret.",
		},
		Callback:   exactCallback,
		Restricted: anybody + " `AUTH_GOOGLE_PARAMS__HD=example.com` admits only your Workspace domain: the claim `hd` of the ID token is checked, because the parameter alone is only a hint.",
		Email:      byEmailVerified,
		Groups:     "Google sends none.",
		Session: "with `prompt=consent`, people agree at each login, because Google issues a refresh token only then. Without it (`AUTH_GOOGLE_PARAMS__PROMPT=select_account`), somebody who is removed at Google keeps their session. " +
			"Google has no logout for applications.",
		Unconfirmed: []string{"that Google is the authority only for addresses at `gmail.com` and those of accounts with `hd`", "how many refresh tokens one person can have for a client before the oldest becomes invalid"},
	},
}

// Sources: Microsoft's "OpenID Connect on the Microsoft identity platform", "Optional
// claims reference" and "Migrate off email claim authorization", and the providers of
// better-auth, kratos, pocketbase and oauth2-proxy.
var microsoft = Preset{
	Name: "microsoft", Title: "Microsoft", Icon: "business", Dated: gathered,
	Example:       "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000/v2.0",
	Scope:         standardScope + " offline_access",
	UnlistedPKCE:  true,
	NeverVerified: true,
	Manual: Manual{
		Console: []string{
			"entra.microsoft.com → App registrations → New registration. Supported account types: this organizational directory only, unless you want to admit others.",
			"Redirect URI: platform Web, the URL below.",
			"Certificates & secrets → New client secret: copy its value (not its ID) at once, and note the date on which it expires.",
			"Token configuration: add the optional claim `email`, and a groups claim if you map roles.",
			"Copy the application ID, which is the client ID, and the directory (tenant) ID from the Overview.",
		},
		Settings: []string{
			"AUTH_{X}_ISSUER_URL=https://login.microsoftonline.com/<tenant ID>/v2.0",
			"AUTH_{X}_CLIENT_ID=<application ID>", "AUTH_{X}_CLIENT_SECRET=…",
		},
		Callback: exactCallback,
		Restricted: "members and guests of your tenant, if the URL contains its ID (not its domain name). `…/common/v2.0` and `…/organizations/v2.0` admit every tenant in the world, unless you set `AUTH_MICROSOFT_ALLOWED_TENANTS=<tenant ID>,<tenant ID>`: the tenant of the token (`tid`) is checked, its issuer must be that of this tenant, and it must be signed with a key that Microsoft uses for it. `…/consumers/v2.0` is for personal accounts. " +
			"To admit only some people of your tenant, set *Assignment required* in the enterprise application.",
		Email:   "never verified: Entra ID does not say. If the token has the optional claim `xms_edov`, set `AUTH_MICROSOFT_EMAIL_VERIFIED_KEY=xms_edov` to use it. Addresses and user names can pass to other people; keep `sub` as the identifier.",
		Groups:  "object IDs in `groups`. Above 200 groups, Entra ID sends a reference in their place: configure it to send only the groups that are assigned to the application, or have Doorward ask Graph, see below. For app roles, set `AUTH_MICROSOFT_GROUP_CLAIM_NAME=roles`.",
		Session: "`offline_access` brings a refresh token. " + signsOutThere,
		Unconfirmed: []string{
			"whether the claim `xms_edov` is a JSON boolean in every tenant; a text counts only with `email_verified_text`",
		},
	},
}

// Sources: Apple's "Configuring your environment for Sign in with Apple", "Creating a
// client secret" and "Incorporating Sign in with Apple into other platforms", and the
// providers of next-auth, better-auth, kratos, supabase, pocketbase and allauth.
var apple = Preset{
	Name: "apple", Title: "Apple", Icon: "account_circle", Dated: gathered,
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
			"developer.apple.com → Certificates, Identifiers & Profiles → Identifiers → + → App IDs → App: enable the capability Sign in with Apple, as a primary App ID. You can use an existing one.",
			"Identifiers → + → Services IDs: its identifier is the client ID.",
			"Open the Services ID → Sign in with Apple → Configure: choose the App ID, enter the domain of your server, and the URL below under Return URLs.",
			"Keys → + → Sign in with Apple → Configure: choose the App ID. Download the key (`AuthKey_….p8`): Apple offers it only once. Its ID is shown next to it.",
			"Copy the team ID at the top right, under your name.",
		},
		Settings: []string{
			"AUTH_{X}_CLIENT_ID=<Services ID>", "AUTH_{X}_CLIENT_SECRET_TEAM_ID=<team ID>", "AUTH_{X}_CLIENT_SECRET_KEY_ID=<key ID>",
			"AUTH_{X}_CLIENT_SECRET_KEY_FILE=/run/secrets/AuthKey.p8",
		},
		Callback:   "Must be exactly one of the return URLs, with https.",
		Restricted: anybody,
		Email:      "verified if `email_verified` is true, or the text `true`, which Apple sometimes sends. The address can be one at `privaterelay.appleid.com`, which forwards mail until the person switches it off.",
		Groups:     "Apple sends none.",
		Session:    "the client secret is signed with the key when it is needed, and is valid for five minutes. Apple sends the name only once, at a person's first login, unsigned and through their browser: Doorward shows it, but decides nothing by it, and ignores the address next to it. Apple has no logout for applications.",
		Unconfirmed: []string{
			"whether Apple compares a code challenge: the nonce protects the login",
			"how often a refresh token can be used",
			"that a callback URL on localhost or with an IP address is refused",
		},
	},
}
