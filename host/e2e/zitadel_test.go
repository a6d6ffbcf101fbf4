package e2e

import (
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

// zitadelPeople are the users of the example provider.
type zitadelPeople struct {
	mu   sync.Mutex
	list map[string]storage.User
}

func (p *zitadelPeople) GetUserByID(id string) *storage.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	user, ok := p.list[id]
	if !ok {
		return nil
	}
	return &user
}

func (p *zitadelPeople) GetUserByUsername(name string) *storage.User { return p.GetUserByID(name) }
func (p *zitadelPeople) ExampleClientID() string                     { return storage.ServiceUserID }

// call changes the first name of a user.
func (p *zitadelPeople) call(login, first string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.list[login] = storage.User{
		ID: login, Username: login, Password: anyPassword, FirstName: first, LastName: "of Zitadel", Email: login + "@example.com", EmailVerified: true,
	}
}

// startZitadel runs the example provider of github.com/zitadel/oidc in this process.
// Zitadel itself is made with that library.
func startZitadel(t *testing.T, secret, callback string) (issuer string, people *zitadelPeople, kept *storage.Storage) {
	t.Helper()
	// It logs with the logger of the process.
	before, writer, flags := slog.Default(), log.Writer(), log.Flags()
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(writer)
		log.SetFlags(flags)
	})
	people = &zitadelPeople{list: map[string]storage.User{}}
	people.call("alice", "Alice")
	clients := map[string]*storage.Client{"doorward": storage.WebClient("doorward", secret, callback)}
	kept = storage.NewStorageWithClients(people, clients)
	server := httptest.NewUnstartedServer(nil)
	issuer = "http://" + server.Listener.Addr().String()
	server.Config.Handler = http.Handler(exampleop.SetupServer(issuer, kept, slog.New(slog.DiscardHandler), true))
	server.Start()
	t.Cleanup(server.Close)
	return issuer, people, kept
}

// TestZitadel signs in, refreshes with tokens that can be used once, follows changes at the
// provider, and ends the session when the provider does.
func TestZitadel(t *testing.T) {
	port, release := holdPort(t)
	secret := newClientSecret()
	issuer, people, kept := startZitadel(t, secret, localURL("localhost", port)+"/auth/login/zitadel/callback")
	env := map[string]string{"AUTH_PROVIDERS": "zitadel"}
	provider(env, "ZITADEL", map[string]string{
		"DRIVER": "openid", "ISSUER_URL": issuer, "CLIENT_ID": "doorward", "CLIENT_SECRET": secret,
		"ALLOW_PUBLIC_REGISTRATION": "true", "SYNC_USER_INFO": "true", "OFFLINE_ACCESS": "true",
	})
	release()
	host := startHost(t, HostConfig{Port: port, Env: env})
	host.secrets.add("client secret", secret)
	alice := newAgent(t, host, "alice")
	token := alice.followsNames("zitadel", person{subject: "alice", email: "alice@example.com", first: "Alice", last: "of Zitadel"}, func() { people.call("alice", "Alicia") })
	if err := kept.TerminateSession(t.Context(), "alice", "doorward"); err != nil {
		t.Fatal(err)
	}
	if got := alice.refresh(token); got.status != http.StatusUnauthorized {
		t.Errorf("A06 after the provider ended the session: %d %s", got.status, got.body)
	}
}

// followsNames signs in, has the provider change the name to Alicia, and returns a refresh
// token of the session, which must have the new name.
func (a *agent) followsNames(name string, want person, rename func()) (token string) {
	a.t.Helper()
	got := a.signIn(a.host.URL + "/auth/login/" + name + "?mode=json")
	if got.status != http.StatusOK {
		a.t.Fatalf("signing in: %d %s", got.status, got.body)
	}
	who := func(access string) person {
		me := a.call(http.MethodGet, "/users/me", nil, bearer(access)).json(a.t).Data
		return person{me.ExternalIdentifier, me.Email, me.FirstName, me.LastName, me.Role}
	}
	tokens := got.json(a.t).Data
	if is := who(tokens.AccessToken); is != want {
		a.t.Errorf("signed in as %+v, want %+v", is, want)
	}
	token = a.mustRefresh(tokens.RefreshToken)
	rename()
	refreshed := a.refresh(token)
	if refreshed.status != http.StatusOK {
		a.t.Fatalf("the second refresh: %d %s", refreshed.status, refreshed.body)
	}
	tokens = refreshed.json(a.t).Data
	want.first = "Alicia"
	if is := who(tokens.AccessToken); is != want {
		a.t.Errorf("D13 refreshed as %+v, want %+v", is, want)
	}
	return tokens.RefreshToken
}
