package main

import (
	"context"
	"errors"
	"time"

	"github.com/doorward/doorward/plugins/ldap/internal/account"
	"github.com/doorward/doorward/plugins/ldap/internal/directory"
	"github.com/doorward/doorward/plugins/ldap/internal/guessing"
	"github.com/doorward/doorward/sdk"
)

// login checks a user name and a password. A wrong password, an unknown name and an ambiguous
// name all lead to the same prompt, after the same work.
func (m *mechanism) login(ctx context.Context, username, password string) (sdk.Step, error) {
	if !isPassword(password) {
		return loginPrompt(sdk.ReasonBadCredentials), nil
	}
	start := time.Now()
	if m.options.UserDNTemplate != "" {
		return m.loginByTemplate(ctx, start, username, password)
	}
	e, err := m.users.ByName(ctx, m.directory.Search, username)
	if errors.Is(err, account.ErrNoEntry) {
		return m.refuseDecoy(ctx, start, password)
	}
	if err != nil {
		return nil, err
	}
	key := m.throttleKey(e)
	if !m.throttle.Take(key) {
		m.logger.Debug("too many wrong passwords, not sent to the directory", "dn", e.DN)
		return m.refuseDecoy(ctx, start, password)
	}
	v, err := m.verify(ctx, e.DN, password, nil)
	if err != nil {
		m.throttle.GiveBack(key)
		return nil, err
	}
	if v.Wrong() {
		m.delay.Note(time.Since(start))
		m.delay.Wait(ctx, start)
		return m.refuse(e.DN)
	}
	if v.Proved() {
		m.throttle.Forget(key)
	}
	return m.admit(ctx, m.directory.Search, e, v.Status, false)
}

// isPassword rejects passwords that must not reach a server: a bind with an empty password
// does not authenticate anyone and can still succeed (RFC 4513 section 5.1.2).
func isPassword(password string) bool { return password != "" && len(password) <= sdk.MaxAnswer }

// throttleKey is the subject. A missing subject is reported only after the password was
// right: people who guess must not learn that the entry exists.
func (m *mechanism) throttleKey(e directory.Entry) string {
	if id, err := account.SubjectOf(e, m.options.IDAttribute); err == nil {
		return id.Text
	}
	return e.DN
}

// refuse answers a wrong password.
func (m *mechanism) refuse(dn string) (sdk.Step, error) {
	m.logger.Debug("wrong password", "dn", dn)
	return loginPrompt(sdk.ReasonBadCredentials), nil
}

// refuseDecoy answers as for a wrong password. The bind with an unknown name costs the
// directory about as much as a wrong password, and the delay hides the difference.
func (m *mechanism) refuseDecoy(ctx context.Context, start time.Time, password string) (sdk.Step, error) {
	v, err := m.verify(ctx, m.decoy, password, nil)
	if err != nil {
		return nil, err
	}
	if v.ForAnyAccount() {
		return nil, v.Status.Denied()
	}
	m.delay.Wait(ctx, start)
	m.logger.Debug("unknown user name")
	return loginPrompt(sdk.ReasonBadCredentials), nil
}

// templateDelayQuarters sets the minimum delay of a wrong password, in quarters of the time
// that a right one takes. Doorward does not know which wrong passwords belong to an existing
// entry, and the directory may record these.
const templateDelayQuarters = 5

// loginByTemplate binds first and then reads the entry.
func (m *mechanism) loginByTemplate(ctx context.Context, start time.Time, username, password string) (sdk.Step, error) {
	if !account.IsUsername(username) {
		return m.refuseDecoy(ctx, start, password)
	}
	dn := account.FillTemplate(m.options.UserDNTemplate, username)
	// Nothing is known about the entry yet: all spellings of its name share one count.
	name := guessing.AccountOf(username)
	if !m.throttle.Take(name) {
		return m.refuseDecoy(ctx, start, password)
	}
	var step sdk.Step
	proved := false
	then := func(ctx context.Context, c *directory.Connection, s account.Status) error {
		proved = true
		m.delay.Note(time.Since(start) * templateDelayQuarters / 4)
		search := directory.Searcher(m.directory.Search)
		if m.searchesAsUser() {
			search = func(_ context.Context, operation func(*directory.Connection) error) error { return operation(c) }
		}
		e, err := m.readEntry(ctx, search, dn)
		if err == nil {
			step, err = m.admit(ctx, search, e, s, false)
		}
		return err
	}
	v, err := m.verify(ctx, dn, password, then)
	if proved {
		m.throttle.Forget(name)
	}
	if err != nil {
		m.throttle.GiveBack(name)
		return nil, err
	}
	if v.Wrong() { // it is not known whether the entry exists
		m.delay.Wait(ctx, start)
		return m.refuse(dn)
	}
	if step == nil { // the account is refused, which does not prove that the entry exists
		return nil, v.Status.Denied()
	}
	return step, nil
}

// readEntry reads the entry of a DN whose password was right.
func (m *mechanism) readEntry(ctx context.Context, search directory.Searcher, dn string) (directory.Entry, error) {
	e, err := m.users.ByDN(ctx, search, dn)
	if errors.Is(err, account.ErrNoEntry) {
		return directory.Entry{}, sdk.Denied(sdk.ReasonNotAllowed, "the entry cannot be read, does not match user_filter, or is not under user_dn")
	}
	return e, err
}

// admit checks the account of a user whose password is right, and returns the identity.
// changed says that the password was just changed: the entry may still hold its old age.
func (m *mechanism) admit(ctx context.Context, search directory.Searcher, e directory.Entry, bound account.Status, changed bool) (sdk.Step, error) {
	id, err := account.SubjectOf(e, m.options.IDAttribute)
	if err != nil {
		return nil, err
	}
	s := account.Worst(bound, m.statusOf(e))
	if changed && s.Changeable {
		s = bound
	}
	if !s.Good() {
		return m.refuseOrChange(e, id, s)
	}
	if err := directory.Complete(ctx, search, &e); err != nil {
		return nil, err
	}
	groups, err := account.GroupsOf(ctx, search, e, m.options.groupRules(), m.logger)
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

// refuseOrChange asks for a new password if that helps, and otherwise refuses.
func (m *mechanism) refuseOrChange(e directory.Entry, id account.Subject, s account.Status) (sdk.Step, error) {
	if !s.Changeable || m.options.PasswordChange == account.ChangeOff {
		return nil, s.Denied()
	}
	m.logger.Info("the user must set a new password", "dn", e.DN, "reason", string(s.Reason), "by", s.Detail)
	return changePrompt(s.Reason, memory{Attribute: id.Attribute, Value: id.Text, DN: e.DN})
}

// warning is when the password expires, if that is within password_warning.
func (m *mechanism) warning(s account.Status) time.Time {
	now := m.now()
	if s.PasswordExpires.Before(now) || s.PasswordExpires.Sub(now) > m.options.PasswordWarn {
		return time.Time{}
	}
	return s.PasswordExpires
}

// verify binds as a user, and hides the states that conceal_lockout conceals.
func (m *mechanism) verify(ctx context.Context, dn, password string, then func(context.Context, *directory.Connection, account.Status) error) (account.Verdict, error) {
	v, err := account.Verify(ctx, m.directory, dn, password, m.now(), then)
	if m.options.ConcealLockout {
		v = v.Concealed()
	}
	return v, err
}

// statusOf is the status of the account according to its entry.
func (m *mechanism) statusOf(e directory.Entry) account.Status {
	return account.StatusOf(e, m.now(), m.options.IgnoreShadow)
}

// changePassword changes the password of the entry whose old password was right, and signs in
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
	e := directory.Entry{DN: mem.DN}
	if !m.searchesAsUser() {
		var err error
		if e, err = m.findSubject(ctx, account.Subject{Attribute: mem.Attribute, Text: mem.Value}, mem.DN); err != nil {
			return nil, err
		}
	}
	if !m.throttle.Take(mem.Value) {
		return nil, sdk.Denied(sdk.ReasonBadCredentials, "too many wrong passwords")
	}
	var step sdk.Step
	change := account.PasswordChange{
		Directory: m.directory, Entry: e, Previous: previous, Chosen: chosen,
		Method: m.options.PasswordChange, IgnoreShadow: m.options.IgnoreShadow, Now: m.now(), Logger: m.logger,
		Then: func(ctx context.Context, c *directory.Connection, s account.Status) (err error) {
			step, err = m.admitChanged(ctx, c, e, s)
			return err
		},
	}
	err := directory.Refusal(m.directory.Try(ctx, change.Run))
	switch {
	case errors.Is(err, account.ErrPreviousWrong):
		return m.previousWrong(mem)
	case err != nil && !errors.Is(err, account.ErrRejected):
		m.throttle.GiveBack(mem.Value)
		return nil, err
	}
	m.throttle.Forget(mem.Value)
	if errors.Is(err, account.ErrRejected) {
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
func (m *mechanism) admitChanged(ctx context.Context, c *directory.Connection, e directory.Entry, s account.Status) (sdk.Step, error) {
	if !m.searchesAsUser() {
		return m.admit(ctx, m.directory.Search, e, s, true)
	}
	search := func(_ context.Context, operation func(*directory.Connection) error) error { return operation(c) }
	e, err := m.readEntry(ctx, search, e.DN)
	if err != nil {
		return nil, err
	}
	return m.admit(ctx, search, e, s, true)
}
