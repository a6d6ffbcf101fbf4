package preset

// Sources: Keycloak's Server Administration Guide, and opensearch-project/security 3877
// for the claim with the roles.
var keycloak = Preset{
	Name: "keycloak", Title: "Keycloak", Icon: "key", Dated: facts,
	Example: "https://keycloak.example.com/realms/example",
	Scope:   standard,
	Groups:  "realm_access.roles",
	Manual: Manual{
		Console: []string{
			"Your realm → Clients → Create client: OpenID Connect. Client authentication on, Standard flow on, everything else off.",
			"Valid redirect URIs: the URL below, without a star. Valid post logout redirect URIs: the same with `logout` in place of `callback`.",
			"Credentials shows the client secret.",
			"For roles: Client scopes → roles → Mappers → realm roles → Add to ID token (or to userinfo). Without it they are in the access token only, which nobody reads here.",
		},
		Settings: []string{
			"AUTH_{X}_ISSUER_URL=https://keycloak.example.com/realms/<realm>", "AUTH_{X}_CLIENT_ID=…", "AUTH_{X}_CLIENT_SECRET=…",
		},
		Callback:   "Must be one of the registered URLs exactly, unless one ends in a star.",
		Restricted: "whoever has an account in the realm.",
		Email:      byVerified,
		Groups:     "the roles of the realm (`realm_access.roles`). For groups, add a Group Membership mapper called `groups`, and set `AUTH_KEYCLOAK_GROUP_CLAIM_NAME=groups`; for roles of a client, `resource_access.<client>.roles`.",
		Session:    "a refresh token always comes, and lasts as long as the session there. " + endsThere + " For logouts that begin there, set Backchannel logout URL to what `doorward check` prints. Before Keycloak 17 the URL has `/auth` before `/realms`.",
	},
}

// Sources: Zitadel's "Claims in ZITADEL", "Scopes in ZITADEL" and "Retrieve User Roles",
// and BookStackApp/BookStack 4147 for the form of the roles.
var zitadel = Preset{
	Name: "zitadel", Title: "Zitadel", Icon: "key", Dated: facts,
	Example: "https://example.zitadel.cloud",
	Scope:   standard,
	Groups:  "urn:zitadel:iam:org:project:roles",
	Manual: Manual{
		Console: []string{
			"Your project → Applications → New → Web, authentication method Code or Basic.",
			"Redirect URIs: the URL below. Post logout URIs: the same with `logout` in place of `callback`.",
			"For roles: the project's settings → Assert Roles on Authentication. Copy the project ID, too.",
		},
		Settings: []string{
			"AUTH_{X}_ISSUER_URL=https://<instance>", "AUTH_{X}_CLIENT_ID=…", "AUTH_{X}_CLIENT_SECRET=…",
			"AUTH_{X}_TRUSTED_AUDIENCES=<project ID>",
		},
		Callback:   exactly,
		Restricted: "whoever has an account on the instance; the project's setting Check authorization on Authentication lets in those with a role in it.",
		Email:      byVerified,
		Groups:     "the roles of the project: the keys of the object `urn:zitadel:iam:org:project:roles`.",
		Session:    "a refresh token comes with the grant type Refresh Token and the scope `offline_access` (`AUTH_ZITADEL_OFFLINE_ACCESS=true`). " + endsThere,
	},
}

// Sources: authentik's "OAuth2 provider" and "Create an OAuth2 provider", and the provider of next-auth.
var authentik = Preset{
	Name: "authentik", Title: "authentik", Icon: "key", Dated: facts,
	Example: "https://authentik.example.com/application/o/doorward/",
	Scope:   standard,
	Manual: Manual{
		Console: []string{
			"Applications → Providers → Create → OAuth2/OpenID Provider, client type Confidential.",
			"Redirect URIs: the URL below, Strict.",
			"Signing Key: choose one. Without it authentik signs with the client secret, which is refused.",
			"Subject mode: leave the hashed user ID. User names and addresses are given to somebody else.",
			"Make an application with this provider; its slug is part of the issuer.",
		},
		Settings: []string{
			"AUTH_{X}_DRIVER=openid   # the ldap plugin has a preset of this name, too",
			"AUTH_{X}_ISSUER_URL=https://authentik.example.com/application/o/<slug>/   # with the slash", "AUTH_{X}_CLIENT_ID=…", "AUTH_{X}_CLIENT_SECRET=…",
		},
		Callback:   "Must be one of the registered URLs exactly, if they are Strict.",
		Restricted: yourOwn,
		Email:      byVerified,
		Groups:     "the names of the groups, with the scope `profile`.",
		Session:    "a refresh token comes with the scope `offline_access` only (`AUTH_AUTHENTIK_OFFLINE_ACCESS=true`, and the scope mapping of that name in the provider). " + endsThere,
		Unconfirmed: []string{
			"that older versions called every address verified",
		},
	},
}
