package main

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/doorward/doorward/plugins/ldap/internal/account"
	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/plugins/ldap/internal/guessing"
	"github.com/doorward/doorward/sdk"
)

// mechanism signs in through one configured directory.
type mechanism struct {
	options   Options // with all defaults
	users     account.Users
	directory *directory.Directory
	delay     *guessing.Delay
	throttle  *guessing.Throttle
	decoy     string
	now       func() time.Time
	logger    *slog.Logger
}

// refreshing is a mechanism that can look up a user again, because it can search without
// them.
type refreshing struct{ *mechanism }

var (
	_ sdk.Mechanism = (*mechanism)(nil)
	_ sdk.Refresher = refreshing{}
	_ sdk.Checker   = (*mechanism)(nil)
)

// open returns a mechanism for one provider. It does not contact the directory.
func open(_ context.Context, env sdk.Env, o Options) (sdk.Mechanism, error) {
	m, err := newMechanism(env, o)
	if err != nil {
		return nil, err
	}
	if m.searchesAsUser() {
		return m, nil
	}
	return refreshing{m}, nil
}

func newMechanism(env sdk.Env, given Options) (*mechanism, error) {
	o, err := given.settle()
	if err != nil {
		return nil, err
	}
	secure, err := o.tlsClient(env, given.ofClient())
	if err != nil {
		return nil, err
	}
	m := &mechanism{
		options: o, users: o.users(), now: env.Now, logger: env.Logger,
		delay: guessing.NewDelay(), throttle: guessing.NewThrottle(o.MaxWrong, o.WrongWindow, env.Now),
		decoy: cmp.Or(o.DecoyDN, "cn=doorward-nobody-has-this-name,"+o.userBases()[0]),
	}
	m.users.Logger = env.Logger
	m.directory, err = directory.New(directory.Settings{
		URLs: o.ClientURL, Plain: o.plainRule(), TLS: secure, Dial: env.Dial,
		Connect: o.ConnectTimeout, Operate: o.OperationTimeout, PoolSize: o.PoolSize,
		BindDN: o.BindDN, BindPassword: o.BindPassword,
		External: o.SASLExternal, NoPolicyControl: !o.PolicyControl,
		DescribeBind: m.describeBind, Bound: m.delay.Expect,
		Now: env.Now, Logger: env.Logger,
	})
	if err != nil {
		return nil, err
	}
	m.warnOfDanger()
	return m, nil
}

// describeBind says what the answer to a bind of the service account means.
func (m *mechanism) describeBind(controls []ldap.Control, err error) string {
	if m.options.SASLExternal {
		return account.DescribeExternalBind(err)
	}
	return account.DescribeServiceBind(controls, err, m.now())
}

// warnOfDanger warns at each start about the protection that the operator has switched off.
func (m *mechanism) warnOfDanger() {
	if m.options.insecure() {
		m.logger.Warn("client__tls_options__reject_unauthorized is off: anyone between Doorward and the directory can read the passwords; set tls_ca to the certificate authority of the directory instead")
	}
	if m.options.AllowInsecurePlaintext {
		m.logger.Warn("allow_insecure_plaintext is on: anyone between Doorward and the directory can read the passwords")
	}
}

// Close ends all connections.
func (m *mechanism) Close() error {
	m.directory.Close()
	return nil
}

// searchesAsUser reports whether only the user who signs in can search.
func (m *mechanism) searchesAsUser() bool {
	return m.options.UserDNTemplate != "" && !m.options.hasServiceAccount()
}

// Begin asks for the user name and the password.
func (m *mechanism) Begin(context.Context, sdk.BeginRequest) (sdk.Step, error) {
	return loginPrompt(""), nil
}

// Continue signs in, or changes the password.
func (m *mechanism) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	var mem memory
	if err := json.Unmarshal(req.Memory, &mem); err != nil || req.Unsolicited {
		return nil, sdk.InvalidResponse(reasonUnsolicited, "the state of the login cannot be read")
	}
	var step sdk.Step
	var err error
	switch mem.Step {
	case stepLogin:
		step, err = m.login(ctx, req.Answers[fieldUsername], req.Answers[fieldPassword])
	case stepChange:
		step, err = m.changePassword(ctx, mem, req.Answers)
	default:
		return nil, sdk.InvalidResponse(reasonUnsolicited, "the state of the login is from another version")
	}
	return step, directory.KindOf(err)
}
