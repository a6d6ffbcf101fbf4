package main

import (
	"context"
	"errors"
	"time"

	"github.com/doorward/doorward/sdk"
)

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
	e, err := m.users.byName(ctx, m.directory.search, username)
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
	return m.admit(ctx, m.directory.search, e, v.standing, false)
}

// isPassword refuses what no server should see: an empty password authenticates nobody
// and may succeed all the same (RFC 4513 section 5.1.2).
func isPassword(password string) bool { return password != "" && len(password) <= sdk.MaxAnswer }

// throttleKey is the subject. That an entry has none is told only after the password
// was right: who guesses must not learn that it exists.
func (m *mechanism) throttleKey(e entry) string {
	if id, err := subjectOf(e, m.options.IDAttribute); err == nil {
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
	if !isUsername(username) {
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
		search := searcher(m.directory.search)
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
	e, err := m.users.byDN(ctx, search, dn)
	if errors.Is(err, errNoEntry) {
		return entry{}, sdk.Denied(sdk.ReasonNotAllowed, "the entry cannot be read, does not match user_filter, or is not under user_dn")
	}
	return e, err
}

// admit decides about somebody whose password is right, and makes the identity.
// changed says that the password was chosen just now: what the entry said about its
// age is past.
func (m *mechanism) admit(ctx context.Context, search searcher, e entry, bound standing, changed bool) (sdk.Step, error) {
	id, err := subjectOf(e, m.options.IDAttribute)
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
	groups, err := groupsOf(ctx, search, e, m.options.groupRules(), m.logger)
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

// warning is when the password expires, if that is soon.
func (m *mechanism) warning(s standing) time.Time {
	now := m.now()
	if s.passwordExpires.Before(now) || s.passwordExpires.Sub(now) > m.options.PasswordWarn {
		return time.Time{}
	}
	return s.passwordExpires
}

// verify binds as somebody, and hides what the operator wants hidden.
func (m *mechanism) verify(ctx context.Context, dn, password string, then func(context.Context, *connection, standing) error) (verdict, error) {
	v, err := verify(ctx, m.directory, dn, password, m.now(), then)
	if m.options.ConcealLockout {
		v = v.concealed()
	}
	return v, err
}

// standingOf is what the entry says of the account.
func (m *mechanism) standingOf(e entry) standing {
	return standingOf(e, m.now(), m.options.IgnoreShadow)
}

// changePassword changes the password of the entry whose old one was right, and signs in
// with the new one.
func (m *mechanism) changePassword(ctx context.Context, mem memory, answers map[string]string) (sdk.Step, error) {
	previous, chosen := answers[fieldPassword], answers[fieldNew]
	switch {
	case chosen != answers[fieldAgain]:
		return changePrompt(sdk.ReasonPasswordsDiffer, mem)
	case !isPassword(chosen) || chosen == previous:
		return changePrompt(sdk.ReasonPasswordRejected, mem)
	case !isPassword(previous):
		return changePrompt(sdk.ReasonBadCredentials, mem)
	}
	e := entry{dn: mem.DN}
	if !m.searchesAsUser() {
		var err error
		if e, err = m.findSubject(ctx, subject{attribute: mem.Attribute, text: mem.Value}, mem.DN); err != nil {
			return nil, err
		}
	}
	if !m.throttle.take(mem.Value) {
		return nil, sdk.Denied(sdk.ReasonBadCredentials, "too many wrong passwords")
	}
	var step sdk.Step
	change := passwordChange{
		directory: m.directory, entry: e, previous: previous, chosen: chosen,
		method: m.options.PasswordChange, ignoreShadow: m.options.IgnoreShadow, now: m.now(), logger: m.logger,
		then: func(ctx context.Context, c *connection, s standing) (err error) {
			step, err = m.admitChanged(ctx, c, e, s)
			return err
		},
	}
	err := refusal(m.directory.try(ctx, change.run))
	switch {
	case errors.Is(err, errPreviousWrong):
		return m.previousWrong(mem)
	case err != nil && !errors.Is(err, errRejected):
		m.throttle.giveBack(mem.Value)
		return nil, err
	}
	m.throttle.forget(mem.Value)
	if errors.Is(err, errRejected) {
		return changePrompt(sdk.ReasonPasswordRejected, mem)
	}
	return step, nil
}

func (m *mechanism) previousWrong(mem memory) (sdk.Step, error) {
	mem.Tries++
	if mem.Tries >= maxChangeTries {
		return nil, sdk.Denied(sdk.ReasonBadCredentials, "the old password was wrong %d times", mem.Tries)
	}
	return changePrompt(sdk.ReasonBadCredentials, mem)
}

// admitChanged signs in on a connection that was bound with the new password.
func (m *mechanism) admitChanged(ctx context.Context, c *connection, e entry, s standing) (sdk.Step, error) {
	if !m.searchesAsUser() {
		return m.admit(ctx, m.directory.search, e, s, true)
	}
	search := func(_ context.Context, operation func(*connection) error) error { return operation(c) }
	e, err := m.readEntry(ctx, search, e.dn)
	if err != nil {
		return nil, err
	}
	return m.admit(ctx, search, e, s, true)
}
