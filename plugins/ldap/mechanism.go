package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/doorward/doorward/sdk"
)

// mechanism signs in through one configured directory.
type mechanism struct {
	options    Options // settled
	attributes []string
	directory  *directory
	pace       *pace
	throttle   *throttle
	decoy      string
	now        func() time.Time
	logger     *slog.Logger
}

// refreshing is a mechanism that can look an end user up again, because it has
// somebody to search as.
type refreshing struct{ *mechanism }

var (
	_ sdk.Mechanism = (*mechanism)(nil)
	_ sdk.Refresher = refreshing{}
	_ sdk.Checker   = (*mechanism)(nil)
)

// open makes a provider ready. It asks the directory nothing.
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
	config, problem := o.tlsConfig()
	if problem != nil {
		return nil, sdk.Misconfigured("options", "%s %s", problem.option, problem.text)
	}
	m := &mechanism{
		options: o, attributes: attributesToRead(o), now: env.Now, logger: env.Logger,
		pace: newPace(), throttle: newThrottle(o.MaxWrong, o.WrongWindow, env.Now),
		decoy: orDefault(o.DecoyDN, "cn=doorward-nobody-has-this-name,"+o.UserDN),
	}
	m.directory, err = newDirectory(env, o, &dialer{dial: env.Dial, tls: config, connect: o.ConnectTimeout, operate: o.OperationTimeout})
	if err != nil {
		return nil, err
	}
	m.warnOfDanger()
	return m, nil
}

// warnOfDanger says at each start what the operator has switched off.
func (m *mechanism) warnOfDanger() {
	if m.options.insecure() {
		m.logger.Warn("client__tls_options__reject_unauthorized is off: anybody on the way to the directory can read the passwords; give its authority as tls_ca instead")
	}
	if m.options.AllowInsecurePlaintext {
		m.logger.Warn("allow_insecure_plaintext is on: anybody on the way to the directory can read the passwords")
	}
}

// Close ends all connections.
func (m *mechanism) Close() error {
	m.directory.close()
	return nil
}

// searchesAsUser reports whether nobody but the end users themselves can search.
func (m *mechanism) searchesAsUser() bool {
	return m.options.UserDNTemplate != "" && m.options.BindDN == ""
}

// The names of the prompt fields.
const (
	fieldUsername = "username"
	fieldPassword = "password"
	fieldNew      = "new_password"
	fieldAgain    = "new_password_again"
)

// memory travels from a prompt to its answers, sealed by the host. A password is
// never in it.
type memory struct {
	Step      string `json:"step"`
	Attribute string `json:"attribute,omitempty"` // of stepChange: whose password was proved right
	Value     string `json:"value,omitempty"`
	DN        string `json:"dn,omitempty"`
	Tries     int    `json:"tries,omitempty"`
}

const (
	stepLogin  = "login"
	stepChange = "change"
)

// Begin asks for name and password.
func (m *mechanism) Begin(context.Context, sdk.BeginRequest) (sdk.Step, error) {
	return loginPrompt(""), nil
}

func loginPrompt(reason sdk.Reason) sdk.Prompt {
	return sdk.Prompt{
		Reason: reason,
		Memory: []byte(`{"step":"` + stepLogin + `"}`),
		Fields: []sdk.PromptField{
			{Name: fieldUsername, Kind: sdk.FieldUsername},
			{Name: fieldPassword, Kind: sdk.FieldPassword},
		},
	}
}

// Continue signs in, or changes the password.
func (m *mechanism) Continue(ctx context.Context, req sdk.ContinueRequest) (sdk.Step, error) {
	var mem memory
	if err := json.Unmarshal(req.Memory, &mem); err != nil || req.Unsolicited {
		return nil, sdk.InvalidResponse(reasonUnsolicited, "the login has no memory that can be read")
	}
	var step sdk.Step
	var err error
	switch mem.Step {
	case stepLogin:
		step, err = m.login(ctx, req.Answers[fieldUsername], req.Answers[fieldPassword])
	case stepChange:
		step, err = m.changePassword(ctx, mem, req.Answers)
	default:
		return nil, sdk.InvalidResponse(reasonUnsolicited, "the login has a memory of another version")
	}
	return step, kindOf(err)
}

// kindOf makes an expected refusal of what is still none: a server that fails.
func kindOf(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if _, ok := errors.AsType[*sdk.Error](err); ok {
		return err
	}
	if isServerFailure(err) {
		return sdk.Unavailable(reasonUnreachable, "%w", err)
	}
	return refusal(err)
}

// login answers a name and a password. A wrong password, an unknown name and an
// ambiguous one are the same: the prompt again, after the same work.
func (m *mechanism) login(ctx context.Context, username, password string) (sdk.Step, error) {
	if !isPassword(password) {
		return loginPrompt(sdk.ReasonBadCredentials), nil
	}
	start := time.Now()
	if m.options.UserDNTemplate != "" {
		return m.loginByTemplate(ctx, start, username, password)
	}
	e, err := m.findUser(ctx, username)
	if errors.Is(err, errNoEntry) {
		return m.refuseDecoy(ctx, start, password)
	}
	if err != nil {
		return nil, err
	}
	key := m.throttleKey(e)
	if !m.throttle.take(key) {
		m.logger.Info("too many wrong passwords, not sent to the directory", "dn", e.dn)
		return m.refuseDecoy(ctx, start, password)
	}
	v, err := m.verify(ctx, e.dn, password, nil)
	if err != nil {
		m.throttle.giveBack(key)
		return nil, err
	}
	if v.wrong() {
		m.pace.note(time.Since(start))
		m.pace.wait(ctx, start)
		return m.refuse(e.dn)
	}
	m.throttle.forget(key)
	return m.admit(ctx, m.service, e, v.standing, false)
}

// isPassword refuses what no server should see: an empty password authenticates nobody
// and may succeed all the same (RFC 4513 section 5.1.2).
func isPassword(password string) bool { return password != "" && len(password) <= sdk.MaxAnswer }

// throttleKey is the subject. That an entry has none is told only after the password
// was right: who guesses must not learn that it exists.
func (m *mechanism) throttleKey(e entry) string {
	if id, err := m.subjectOf(e); err == nil {
		return id.text
	}
	return e.dn
}

// refuse answers a wrong password.
func (m *mechanism) refuse(dn string) (sdk.Step, error) {
	m.logger.Info("wrong password", "dn", dn)
	return loginPrompt(sdk.ReasonBadCredentials), nil
}

// refuseDecoy answers as if a password had been wrong. The bind of a name that is
// nobody's costs the directory about what a wrong password does, and pace hides the rest.
func (m *mechanism) refuseDecoy(ctx context.Context, start time.Time, password string) (sdk.Step, error) {
	if _, err := m.verify(ctx, m.decoy, password, nil); err != nil {
		return nil, err
	}
	m.pace.wait(ctx, start)
	m.logger.Info("unknown user name")
	return loginPrompt(sdk.ReasonBadCredentials), nil
}

// loginByTemplate binds first, and reads the entry then.
func (m *mechanism) loginByTemplate(ctx context.Context, start time.Time, username, password string) (sdk.Step, error) {
	if len(username) > maxUsername || isBlank(username) {
		return m.refuseDecoy(ctx, start, password)
	}
	dn := fillTemplate(m.options.UserDNTemplate, username)
	// Nothing is known of the entry yet: all spellings of its name are one count.
	account := accountOf(username)
	if !m.throttle.take(account) {
		return m.refuseDecoy(ctx, start, password)
	}
	var step sdk.Step
	proved := false
	then := func(ctx context.Context, c *connection, s standing) error {
		proved = true
		search := m.service
		if m.searchesAsUser() {
			search = func(_ context.Context, operation func(*connection) error) error { return operation(c) }
		}
		e, err := m.readEntry(ctx, search, dn)
		if err == nil {
			step, err = m.admit(ctx, search, e, s, false)
		}
		return err
	}
	v, err := m.verify(ctx, dn, password, then)
	if proved {
		m.throttle.forget(account)
	}
	if err != nil {
		m.throttle.giveBack(account)
		return nil, err
	}
	if v.wrong() {
		return m.refuse(dn)
	}
	if step == nil { // refused with a word about the account, which proves no entry
		return nil, v.standing.denied()
	}
	return step, nil
}

// readEntry reads the entry of a DN whose password was right.
func (m *mechanism) readEntry(ctx context.Context, search searcher, dn string) (entry, error) {
	e, err := m.searchUser(ctx, search, dn, scopeOf("base"), m.accountFilter("(objectClass=*)"))
	if errors.Is(err, errNoEntry) {
		return entry{}, sdk.Denied(sdk.ReasonNotAllowed, "the entry cannot be read, does not match user_filter, or is not under user_dn")
	}
	return e, err
}

// admit decides about somebody whose password is right, and makes the identity.
// changed says that the password was chosen just now: what the entry said about its
// age is past.
func (m *mechanism) admit(ctx context.Context, search searcher, e entry, bound standing, changed bool) (sdk.Step, error) {
	id, err := m.subjectOf(e)
	if err != nil {
		return nil, err
	}
	s := worst(bound, m.standingOf(e))
	if changed && s.changeable {
		s = bound
	}
	if !s.good() {
		return m.turnAway(e, id, s)
	}
	if err := complete(ctx, search, &e); err != nil {
		return nil, err
	}
	groups, err := m.groups(ctx, search, e)
	if err != nil {
		return nil, err
	}
	identity, err := m.identify(e, id, groups)
	if err != nil {
		return nil, err
	}
	identity.AuthTime = m.now()
	identity.AMR = []string{"pwd"} // RFC 8176
	if !changed {
		identity.PasswordExpiresAt = m.warning(s)
	}
	return sdk.Authenticated{Identity: identity}, nil
}

// turnAway asks for a new password where that helps, and refuses otherwise.
func (m *mechanism) turnAway(e entry, id subject, s standing) (sdk.Step, error) {
	if !s.changeable || m.options.PasswordChange == changeOff {
		return nil, s.denied()
	}
	m.logger.Info("a new password is needed", "dn", e.dn, "reason", string(s.reason), "by", s.detail)
	return changePrompt(s.reason, memory{Attribute: id.attribute, Value: id.text, DN: e.dn})
}

func (s standing) denied() error {
	return sdk.Denied(s.reason, "the directory says no: %s", s.detail)
}

// warning is when the password expires, if that is soon.
func (m *mechanism) warning(s standing) time.Time {
	now := m.now()
	if s.passwordExpires.Before(now) || s.passwordExpires.Sub(now) > m.options.PasswordWarn {
		return time.Time{}
	}
	return s.passwordExpires
}

func newDirectory(env sdk.Env, o Options, d *dialer) (*directory, error) {
	dir := &directory{
		dialer: d, poolSize: o.PoolSize, now: env.Now, logger: env.Logger,
		service:   serviceAccount{dn: o.BindDN, password: o.BindPassword.Reveal()},
		lookupSRV: resolver(env.Dial).LookupSRV,
		known:     map[string]*server{}, srv: map[string]srvList{},
	}
	for _, text := range o.ClientURL {
		l, err := locate(text, o.plainRule())
		if err != nil {
			return nil, fmt.Errorf("client_url: %w", err)
		}
		dir.locations = append(dir.locations, l)
	}
	dir.life, dir.end = context.WithCancel(context.Background())
	return dir, nil
}
