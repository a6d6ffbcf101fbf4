package preset

// Sources: the providers of next-auth, supabase, dex and pocketbase.
var bitbucket = Preset{
	Name: "bitbucket", Title: "Bitbucket", Icon: "branches", Dated: factsDate,
	Base: "https://bitbucket.org", API: "https://api.bitbucket.org/2.0",
	AuthorizeURL: "{base}/site/oauth2/authorize",
	AccessURL:    "{base}/site/oauth2/access_token",
	ProfileURL:   "{api}/user",
	Scopes:       []string{"account", "email"},
	Calls:        []Call{{Name: "emails", URL: "{api}/user/emails", Pages: PagesNext + "next", Items: "values"}},
	Identifiers:  []Identifier{{"account_id", Text}, {"uuid", Text}},
	Username:     "username|nickname",
	FullName:     "display_name",
	Email:        "emails[is_primary && is_confirmed].email",
	Verified:     Verified{Path: "emails[is_primary && is_confirmed].is_confirmed"},
	Manual: Manual{
		Console: []string{
			"Workspace settings → OAuth consumers → Add consumer.",
			"Callback URL: the URL below. Permissions: Account – Read and Email. These permissions apply to all logins; `scope` only repeats them.",
			"Key is the client ID, and Secret is the client secret.",
		},
		Callback:   "Bitbucket may accept every path below the registered URL: register the whole path.",
		Restricted: "everybody with an account can sign in. `allowed_email_domains` restricts this to people with a confirmed address in your domain. Doorward does not read workspaces.",
		Email:      "the primary address, if it is confirmed.",
		Session:    "a token lasts 2 hours and comes with a refresh token.",
		Unconfirmed: []string{
			"whether Bitbucket verifies a code challenge: next-auth sends one, pocketbase does not",
			"how Bitbucket compares the callback URL",
		},
	},
}

// Source: Spotify's "Authorization Code with PKCE Flow", and the providers of
// next-auth, better-auth and kratos.
var spotify = Preset{
	Name: "spotify", Title: "Spotify", Icon: "music", Dated: factsDate,
	Base: "https://accounts.spotify.com", API: "https://api.spotify.com/v1",
	AuthorizeURL: "{base}/authorize",
	AccessURL:    "{base}/api/token",
	ProfileURL:   "{api}/me",
	Scopes:       []string{"user-read-email"},
	Identifiers:  []Identifier{{"id", Text}},
	FullName:     "display_name",
	Email:        "email",
	Manual: Manual{
		Console: []string{
			"developer.spotify.com/dashboard → Create app, with the Web API.",
			"Redirect URIs: the URL below. For a test on your own machine, write `127.0.0.1`: Spotify refuses `localhost`.",
			"Settings → Basic Information shows the client ID and the client secret. While the app is in development mode, add everybody who may sign in under User Management.",
		},
		Callback:   "Must be one of the registered URLs exactly.",
		Restricted: "everybody with an account can sign in; in development mode, only the people whom you added.",
		Email:      "never verified, because Spotify does not verify it.",
		Session:    "a token lasts an hour and comes with a refresh token. Spotify cannot revoke tokens.",
		Unconfirmed: []string{
			"whether Spotify verifies a code challenge for a client with a secret",
			"that the profile request of a user who was not added in development mode is refused with status 403",
		},
	},
}

// Sources: the providers of next-auth, kratos, goth and allauth.
var yandex = Preset{
	Name: "yandex", Title: "Yandex", Icon: "people", Dated: factsDate,
	Base: "https://oauth.yandex.com", API: "https://login.yandex.ru",
	AuthorizeURL:  "{base}/authorize",
	AccessURL:     "{base}/token",
	ProfileURL:    "{api}/info?format=json",
	Scopes:        []string{"login:info", "login:email"},
	ProfileScheme: "OAuth",
	Identifiers:   []Identifier{{"id", Text}},
	Username:      "login",
	FullName:      "display_name|real_name|login",
	FirstName:     "first_name",
	LastName:      "last_name",
	Email:         "default_email|emails.0",
	Manual: Manual{
		Console: []string{
			"oauth.yandex.com → Create app → For user authorization, platform Web services.",
			"Redirect URI: the URL below. Permissions: access to the login, first name and last name, and to the e-mail address; they must include every scope that Doorward requests.",
			"Copy the ClientID and the Client secret.",
		},
		Callback:    "Must be one of the registered URLs exactly.",
		Restricted:  "everybody with an account can sign in.",
		Email:       "never verified, because Yandex does not say whether it is.",
		Session:     "the lifetime of a token depends on the app. Doorward uses a refresh token if there is one.",
		Unconfirmed: []string{"whether Yandex verifies a code challenge", "how long tokens last"},
	},
}

// Sources: Atlassian's "OAuth 2.0 (3LO) apps", and the providers of next-auth,
// allauth and better-auth. allauth reads email_verified of the profile; better-auth does
// not. Only the JSON value true counts.
var atlassian = Preset{
	Name: "atlassian", Title: "Atlassian", Icon: "business", Dated: factsDate,
	Base: "https://auth.atlassian.com", API: "https://api.atlassian.com",
	AuthorizeURL: "{base}/authorize",
	AccessURL:    "{base}/oauth/token",
	ProfileURL:   "{api}/me",
	Scopes:       []string{"read:me"},
	Params:       map[string]string{"audience": "api.atlassian.com", "prompt": "consent"},
	Identifiers:  []Identifier{{"account_id", Text}},
	RefuseWhen:   []string{"account_status=inactive", "account_status=closed"},
	Username:     "nickname",
	FullName:     "name",
	Email:        "email",
	Verified:     Verified{Path: "email_verified"},
	Manual: Manual{
		Console: []string{
			"developer.atlassian.com/console → Create → OAuth 2.0 integration.",
			"Authorization → OAuth 2.0 (3LO) → Callback URL: the URL below.",
			"Permissions → User identity API: `read:me`. Settings shows the client ID and the secret.",
			"Distribution: turn sharing on; otherwise only you can sign in.",
		},
		Callback:   "Must be the registered URL exactly.",
		Restricted: "everybody with an account can sign in. `allowed_email_domains` restricts this to people with a verified address in your domain. Doorward does not read sites.",
		Email:      "verified if `email_verified` is true. Sources disagree on whether this field is always present.",
		Session:    "a token lasts an hour. Add `offline_access` to `scope` to get a refresh token, which can be used once.",
		Unconfirmed: []string{
			"when a managed account hides its address",
			"whether Atlassian verifies a code challenge",
		},
	},
}

// Source: Nextcloud's apps/oauth2/lib/Controller/OauthApiController.php, and the
// providers of goth, next-auth and allauth.
var nextcloud = Preset{
	Name: "nextcloud", Title: "Nextcloud", Icon: "cloud", Dated: factsDate,
	API:            "{base}/ocs/v2.php",
	AuthorizeURL:   "{base}/apps/oauth2/authorize",
	AccessURL:      "{base}/apps/oauth2/api/v1/token",
	ProfileURL:     "{api}/cloud/user?format=json",
	ProfileHeaders: map[string]string{"OCS-APIRequest": "true"}, // otherwise the response is XML
	ErrorWhen:      []string{"error", "ocs.meta.statuscode!=200"},
	RefuseWhen:     []string{"ocs.data.enabled=false"},
	// The account name, which the administrator assigns and does not reuse.
	Identifiers: []Identifier{{"ocs.data.id", Text}},
	TokenUser:   "user_id",
	Username:    "ocs.data.id",
	FullName:    "ocs.data.displayname|ocs.data.display-name",
	Email:       "ocs.data.email",
	Groups:      []Groups{{Kind: Group, Path: "ocs.data.groups"}},
	Manual: Manual{
		Console: []string{
			"Administration settings → Security → OAuth 2.0 clients → Add client.",
			"Redirection URI: the URL below.",
			"Copy the client identifier and the secret.",
		},
		Extra:      []string{"AUTH_{X}_BASE_URL=https://cloud.example.com"},
		Callback:   "Must be the registered URL exactly.",
		Restricted: "everybody with an account on your server can sign in. `allowed_groups` restricts this to members of some groups.",
		Email:      "never verified, because users enter it themselves.",
		Session:    "a token lasts an hour. Its refresh token can be used once; this ends the previous token. A token has all rights of the user, because there are no scopes.",
		Unconfirmed: []string{
			"that versions without support for PKCE ignore it: if yours does not, set `pkce=off`",
			"how long your server delays requests after failed logins: it throttles by IP address",
		},
	},
}
