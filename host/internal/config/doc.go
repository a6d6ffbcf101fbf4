// Package config reads the environment, the file .env and one more file into one
// checked [Config].
//
// Call [Load]. If several sources contain a setting, the environment takes precedence over
// .env, and .env over the other file. An [Error] reports everything that is wrong at once:
// the name that the operator wrote, what is wrong, and what to write instead. It never
// contains the value of a secret.
//
// # Environment
//
// Names and meaning are those of Directus. Its environments work unchanged, including cast
// prefixes such as "string:". An empty variable counts as not given. For every setting and
// every option of a provider, NAME_FILE names a file that contains the value of NAME; one
// newline at its end is removed.
//
// # Providers
//
// AUTH_PROVIDERS lists them. AUTH_<PROVIDER>_<OPTION> sets an option: the name in
// capitals, with _ for -. The host reads the options of [ProviderSchema]. All others are
// passed to the mechanism unread; only its schema knows which are numbers or lists.
//
// # Files
//
// The file that CONFIG_PATH names has one of three forms: that of .env, that of Directus
// (JSON or YAML with the names of variables at the top level), or Doorward's own YAML. Its
// keys are the names of settings in lower case, and providers:, a mapping by name. Any value
// can be {file: path}, which is read like NAME_FILE, or {env: NAME}. Relative paths in the
// file start at its folder; those in the environment and in .env start at the working
// directory, which contains .env.
//
//	public_url: https://login.example.org
//	secret: {file: /run/secrets/doorward}
//	providers:
//	  keycloak:
//	    driver: openid
//	    issuer_url: https://id.example.org/realms/main
//	    client_id: doorward
//	    client_secret: {env: KEYCLOAK_SECRET}
package config
