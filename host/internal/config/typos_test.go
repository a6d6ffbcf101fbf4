package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSlipsInNames(t *testing.T) {
	for _, tt := range []struct{ given, want string }{
		{"SESION_COOKIE_TTL=1d", "SESSION_COOKIE_TTL"},
		{"SESSION_COKIE_TTL=1d", "SESSION_COOKIE_TTL"},
		{"SESSION_COOKIE_TLL=1d", "SESSION_COOKIE_TTL"},
		{"SESSION_COOKIES_TTL=1d", "SESSION_COOKIE_TTL"},
		{"SESSIONCOOKIETTL=1d", "SESSION_COOKIE_TTL"},
		{"session_cookie_ttl=1d", "SESSION_COOKIE_TTL"},
		{"PUBLIC_URI=https://a.example", "PUBLIC_URL"},
		{"REFRESH_TOKEN_COOKIE_SAMESITE=lax", "REFRESH_TOKEN_COOKIE_SAME_SITE"},
		{"SECRET_PREVOIUS_FILE=x", "SECRET_PREVIOUS_FILE"},
		{"AUTH_PROVIDER=corp", "AUTH_PROVIDERS"},
		{"AUTH_PROVIDRES=corp", "AUTH_PROVIDERS"},
	} {
		name, _, _ := strings.Cut(tt.given, "=")
		want := name + " is not a setting and has no effect; did you mean " + tt.want + "?"
		if diff := cmp.Diff([]string{want}, newSetup(t, tt.given).mustLoad(t).Warnings); diff != "" {
			t.Errorf("%s in the environment (-want +got):\n%s", tt.given, diff)
		}
		want = name + " (.env:1) is not a setting and has no effect; did you mean " + tt.want + "?"
		if diff := cmp.Diff([]string{want}, newSetup(t).file(t, ".env", tt.given).mustLoad(t).Warnings); diff != "" {
			t.Errorf("%s in .env (-want +got):\n%s", tt.given, diff)
		}
	}
}

// In a file, which is written for one program, shorter names are reported, too.
func TestSlipsInShortNames(t *testing.T) {
	for _, given := range []string{"PORTS=1", "DB_HOSTS=x", "LOG_LEVL=info", "SECRTE=x"} {
		if warnings := newSetup(t, given).mustLoad(t).Warnings; len(warnings) > 0 {
			t.Errorf("%s in the environment: %q", given, warnings)
		}
		if warnings := newSetup(t).file(t, ".env", given).mustLoad(t).Warnings; len(warnings) != 1 || !strings.Contains(warnings[0], "did you mean") {
			t.Errorf("%s in .env: %q", given, warnings)
		}
	}
}

// A misspelled name can be the reason that something is missing.
func TestSlipsAreToldBesideProblems(t *testing.T) {
	s := setup{t.TempDir(), []string{"SECRET_PREVOIUS=x"}}.file(t, ".env", "SECRTE="+strings.TrimPrefix(goodSecret, "SECRET="))
	_, err := s.load()
	for _, want := range []string{"SECRET: is required", "note: SECRTE (.env:1) is not a setting and has no effect; did you mean SECRET?", "note: SECRET_PREVOIUS is not a setting"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

// othersEnvironment contains variables of other programs, from machines, containers, pods,
// services of systemd, and builds.
const othersEnvironment = `
PATH=/usr/bin HOME=/root HOSTNAME=login-7d9f USER=doorward LOGNAME=doorward SHELL=/bin/sh PWD=/ OLDPWD=/ TERM=xterm LANG=C.UTF-8 LC_ALL=C TZ=UTC SHLVL=1 _=/usr/bin/env
MAIL=/var/mail/root EDITOR=vi PAGER=less DISPLAY=:0 XDG_RUNTIME_DIR=/run/user/1000 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/bus SSH_AUTH_SOCK=/tmp/agent SSH_CONNECTION=x
INVOCATION_ID=3f JOURNAL_STREAM=8:1 NOTIFY_SOCKET=/run/systemd/notify LISTEN_FDS=1 LISTEN_PID=7 WATCHDOG_USEC=1 MAINPID=7 SYSTEMD_EXEC_PID=7 CREDENTIALS_DIRECTORY=/run/c RUNTIME_DIRECTORY=/run/d STATE_DIRECTORY=/var/lib/d LOGS_DIRECTORY=/var/log/d CACHE_DIRECTORY=/var/cache/d CONFIGURATION_DIRECTORY=/etc/d MEMORY_PRESSURE_WATCH=/sys/x
KUBERNETES_SERVICE_HOST=10.96.0.1 KUBERNETES_SERVICE_PORT=443 KUBERNETES_SERVICE_PORT_HTTPS=443 KUBERNETES_PORT=tcp://10.96.0.1:443 KUBERNETES_PORT_443_TCP=tcp://10.96.0.1:443 KUBERNETES_PORT_443_TCP_ADDR=10.96.0.1
REDIS_SERVICE_HOST=10.96.0.2 REDIS_SERVICE_PORT=6379 REDIS_PORT=tcp://10.96.0.2:6379 REDIS_PORT_6379_TCP=tcp://10.96.0.2:6379 REDIS_PORT_6379_TCP_PROTO=tcp REDIS_PORT_6379_TCP_PORT=6379 CACHE_SERVICE_HOST=10.96.0.3 CACHE_PORT_11211_TCP=tcp://x
STORAGE_SERVICE_PORT_HTTP=80 EMAIL_PORT=tcp://10.96.0.4:25 DB_SERVICE_HOST=10.96.0.5 SECRET_SERVICE_HOST=10.96.0.6 PUBLIC_SERVICE_PORT=80 SESSION_COOKIE_SERVICE_HOST=x ADMIN_ADDRES_SERVICE_HOST=x
container=podman IMAGE=doorward NAME=login VERSION=1 NODE_ENV=production NODE_VERSION=22 NODE_OPTIONS=--x YARN_VERSION=1 NPM_CONFIG_CACHE=/x npm_config_cache=/x PYTHONUNBUFFERED=1 JAVA_HOME=/x GOPATH=/go GODEBUG=x RUST_BACKTRACE=1
SSL_CERT_FILE=/x SSL_CERT_DIR=/x CURL_CA_BUNDLE=/x REQUESTS_CA_BUNDLE=/x AWS_CA_BUNDLE=/x GIT_SSL_CAINFO=/x GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=/x PIP_CERT=/x
AWS_REGION=x AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_SESSION_TOKEN=x AWS_WEB_IDENTITY_TOKEN_FILE=/x AWS_ROLE_ARN=x AZURE_CLIENT_ID=x AZURE_CLIENT_SECRET=x GOOGLE_APPLICATION_CREDENTIALS=/x VAULT_ADDR=x VAULT_TOKEN=x CONSUL_HTTP_ADDR=x
DATABASE_URL=x DB_NAME=x DB_USERNAME=x DB_PASS=x DB_URL=x DB_SCHEMA=x DB_TYPE=x MYSQL_HOST=x POSTGRES_USER=x POSTGRES_PASSWORD=x POSTGRES_DB=x PGHOST=x PGUSER=x PGPASSWORD=x PGSSLMODE=x
LOG_FILE=/x LOG_DIR=/x LOG_FORMAT=json LOGLEVEL=info LOG_PATH=/x RUST_LOG=info SENTRY_DSN=x OTEL_EXPORTER_OTLP_ENDPOINT=x OTEL_SERVICE_NAME=x DD_AGENT_HOST=x PROMETHEUS_MULTIPROC_DIR=x
CI=true GITHUB_ACTIONS=true GITHUB_TOKEN=x GITHUB_REF=x GITLAB_CI=x CI_COMMIT_SHA=x RUNNER_OS=x BUILD_NUMBER=1 JOB_NAME=x WORKSPACE=/x
SECRET_KEY=x SECRET_KEY_BASE=x SECRETS_DIR=/x APP_SECRET=x API_KEY=x JWT_SECRET=x ACCESS_TOKEN=x REFRESH_TOKEN=x SESSION_SECRET=x SESSION_TOKEN=x COOKIE_SECRET=x PUBLIC_KEY=x PUBLIC_HOST=x PUBLIC_PORT=1 BASE_URL=x SERVER_PORT=1 HTTP_PORT=1 HTTPS_PORT=1 ADMIN_USER=x ADMIN_PORT=1 PLUGINS=x PLUGIN_PATH=x PROXY=x FTP_PROXY=x RSYNC_PROXY=x ftp_proxy=x SOCKS_PROXY=x MAX_CONNECTIONS=1
`

func TestVariablesOfOthersAreLeftAlone(t *testing.T) {
	s := newSetup(t, strings.Fields(othersEnvironment)...)
	if warnings := s.mustLoad(t).Warnings; len(warnings) > 0 {
		t.Errorf("warnings: %q", warnings)
	}
}

// A whole .env of Directus causes few warnings. Each of its names is in one of them, or
// works.
func TestWholeEnvironmentOfDirectus(t *testing.T) {
	s := setup{dir: t.TempDir()}.file(t, ".env", wholeDotenv)
	c := s.mustLoad(t)
	want := []string{
		"AUTH_DISABLE_DEFAULT (.env:49) has no effect: there are no local passwords to sign in with",
		"ADMIN_EMAIL, ADMIN_PASSWORD have no effect: the environment does not create an administrator; use the command doorward, or a key from doorward key add",
		"ASSETS_CACHE_TTL, CACHE_… (3), EXTENSIONS_… (2), FLOWS_ENV_ALLOW_LIST, KEY, MAX_PAYLOAD_SIZE, PM2_INSTANCES, QUERY_LIMIT_DEFAULT, ROBOTS_TXT, STORAGE_… (3), WEBSOCKETS_ENABLED have no effect: content, files and the like stay with Directus",
		"EMAIL_… (4) have no effect: Doorward sends no mail; doorward user invite prints the link of an invitation",
		"HASH_… (3), LOGIN_STALL_TIME, PASSWORD_RESET_URL_ALLOW_LIST, REGISTER_STALL_TIME, USER_INVITE_URL_ALLOW_LIST have no effect: there are no local passwords and no registration; " +
			"users are created at their first login (AUTH_<PROVIDER>_ALLOW_PUBLIC_REGISTRATION), by doorward user invite or by doorward user import",
		"REDIS_HOST, REDIS_PORT have no effect: hosts synchronize through the database (DB_CLIENT=pg)",
		"ROOT_REDIRECT has no effect: GET / shows who is signed in; link to the sign-in page with /login?redirect=, or let the proxy in front redirect /",
	}
	if diff := cmp.Diff(want, c.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

const wholeDotenv = `HOST="0.0.0.0"
PORT=8055
PUBLIC_URL="https://login.example.org"
LOG_LEVEL="info"
LOG_STYLE="pretty"
MAX_PAYLOAD_SIZE="1mb"
ROOT_REDIRECT="./admin"
ROBOTS_TXT="User-agent: *\nDisallow: /"
SERVE_APP=false
QUERY_LIMIT_DEFAULT=100
DB_CLIENT="sqlite3"
DB_FILENAME="./logins.db"
RATE_LIMITER_STORE=memory
CACHE_ENABLED=false
CACHE_TTL="30m"
CACHE_NAMESPACE="directus-cache"
CACHE_STORE=memory
REDIS_HOST=cache
REDIS_PORT=6379
STORAGE_LOCATIONS="local"
STORAGE_LOCAL_DRIVER="local"
STORAGE_LOCAL_ROOT="./uploads"
KEY="255d861b-5ea1-5996-9aa3-922530ec40b1"
SECRET="Zm9yIHRoZSB0ZXN0cyBvZiB0aGlzIHBhY2thZ2U="
ACCESS_TOKEN_TTL="15m"
REFRESH_TOKEN_TTL="7d"
REFRESH_TOKEN_COOKIE_SECURE=true
REFRESH_TOKEN_COOKIE_SAME_SITE="lax"
REFRESH_TOKEN_COOKIE_NAME="directus_refresh_token"
SESSION_COOKIE_SAME_SITE="None"
SESSION_COOKIE_SECURE=true
LOGIN_STALL_TIME=500
REGISTER_STALL_TIME=750
HASH_MEMORY_COST=65536
HASH_TIME_COST=3
HASH_PARALLELISM=4
PASSWORD_RESET_URL_ALLOW_LIST="https://app.example.org"
USER_INVITE_URL_ALLOW_LIST="https://app.example.org"
IP_CUSTOM_HEADER=false
EXTENSIONS_PATH="./extensions"
EXTENSIONS_AUTO_RELOAD=false
EMAIL_FROM="no-reply@example.org"
EMAIL_TRANSPORT="smtp"
EMAIL_SMTP_HOST=mail
EMAIL_SMTP_PASSWORD=secret
ADMIN_EMAIL="admin@example.org"
ADMIN_PASSWORD="d1r3ctu5"
TELEMETRY=false
AUTH_DISABLE_DEFAULT=false
AUTH_PROVIDERS="corp"
AUTH_CORP_DRIVER="openid"
AUTH_CORP_CLIENT_ID=doorward
AUTH_CORP_COOKIE_SECURE=true
WEBSOCKETS_ENABLED=true
ASSETS_CACHE_TTL="30d"
PM2_INSTANCES=2
FLOWS_ENV_ALLOW_LIST="A"
`
