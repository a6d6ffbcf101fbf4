package e2e

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// djangoPython is the Python with Debian's packages.
const djangoPython = "/usr/bin/python3"

// djangoOP is django-oauth-toolkit from Debian.
type djangoOP struct {
	*peer

	t      *testing.T
	Issuer string
}

func startDjango(t *testing.T, secret, callback string) *djangoOP {
	t.Helper()
	if err := exec.CommandContext(t.Context(), djangoPython, "-c", "import oauth2_provider, jwcrypto").Run(); err != nil {
		missing(t, "django-oauth-toolkit: install with apt-get install python3-django-oauth-toolkit")
	}
	cmd := exec.Command(djangoPython, "op.py")
	cmd.Dir = filepath.Join(repository(t), "host", "e2e", "django")
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "DJANGO_OP_CLIENT_SECRET="+secret, "DJANGO_OP_REDIRECT_URI="+callback)
	op := &djangoOP{t: t, peer: startPeer(t, "django-oauth-toolkit", cmd)}
	op.Issuer = op.URL
	return op
}

func (op *djangoOP) tell(word, rest string) {
	op.t.Helper()
	if _, err := io.WriteString(op.input, word+" "+rest+"\n"); err != nil {
		op.t.Fatal(err)
	}
	op.waitFor(op.t, "done "+word)
}

// TestDjangoOAuthToolkit: the URL of the discovery document ends with a slash, and the document
// lists neither PKCE methods nor scopes.
func TestDjangoOAuthToolkit(t *testing.T) {
	port, release := holdPort(t)
	secret := newClientSecret()
	op := startDjango(t, secret, localURL("localhost", port)+"/auth/login/django/callback")
	env := map[string]string{"AUTH_PROVIDERS": "django"}
	provider(env, "DJANGO", map[string]string{
		"DRIVER": "openid", "ISSUER_URL": op.Issuer + "/.well-known/openid-configuration/", "CLIENT_ID": "doorward", "CLIENT_SECRET": secret,
		"ALLOW_UNLISTED_PKCE": "true", "ALLOW_PUBLIC_REGISTRATION": "true", "SYNC_USER_INFO": "true",
	})
	release()
	host := startHost(t, HostConfig{Port: port, Env: env})
	host.secrets.add("client secret", secret)
	alice := newAgent(t, host, "alice")
	want := person{subject: "1", email: "alice@example.com", first: "Alice", last: "of Django"}
	token := alice.followsNames("django", want, func() { op.tell("name", "Alicia") })
	op.tell("revoke", "")
	if got := alice.refresh(token); got.status != http.StatusUnauthorized {
		t.Errorf("A06 after the provider took the tokens away: %d %s", got.status, got.body)
	}
}
