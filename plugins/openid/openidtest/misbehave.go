package openidtest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// Misbehaviour names one rule that the provider breaks, or one legal oddity. A login
// hint can contain the name.
type Misbehaviour string

// Details says what a misbehaviour is.
type Details struct {
	// Text says what the provider does, and how a relying party should react.
	Text string

	// Rows are the codes of the attacks, in docs/attacks.md, that it carries out.
	Rows []string

	// Stage is the answer that misbehaves. A relying party that never asks for
	// it, such as for UserInfo, does not notice.
	Stage Stage

	// Verdict is what a correct relying party does with the login.
	Verdict Verdict

	// Needs is the configuration of the relying party in which it has an effect.
	Needs Needs

	// PerLogin reports whether a login hint can contain it. Discovery documents and
	// key sets do not belong to a login.
	PerLogin bool
}

// Needs is the configuration in which a misbehaviour has an effect. The zero value is
// a client with the defaults.
type Needs struct {
	Alg          string // the client is registered for ID tokens with this algorithm
	ResponseMode string // the request asks for this response mode
	MaxAge       bool   // the request has max_age
}

// Stage is one of the provider's answers during a login.
type Stage string

// The stages, in the order of a login.
const (
	AtDiscovery     Stage = "discovery"
	AtAuthorization Stage = "authorization response"
	AtToken         Stage = "token response"
	AtKeySet        Stage = "key set"
	InIDToken       Stage = "ID token"
	AtUserInfo      Stage = "UserInfo response"
	AtRefresh       Stage = "refresh"
)

// Verdict is what a correct relying party does.
type Verdict string

// The verdicts. Refuse also stands for "the end user said no".
const (
	Refuse Verdict = "refuse"
	Accept Verdict = "accept"
)

// Misbehaviours lists all, in the order of a login.
func Misbehaviours() []Misbehaviour {
	var names []Misbehaviour
	for _, b := range allBehaviours() {
		names = append(names, b.name)
	}
	return names
}

// Details describes m. It is the zero value for an unknown name.
func (m Misbehaviour) Details() Details {
	b, ok := catalogue()[m]
	if !ok {
		return Details{}
	}
	return b.details()
}

// Misbehave makes the provider misbehave in all logins, including those under way. It
// replaces earlier misbehaviours; without arguments the provider is good again. It
// panics on an unknown name.
func (p *Provider) Misbehave(m ...Misbehaviour) {
	for _, name := range m {
		if _, ok := p.behaviours[name]; !ok {
			panic(fmt.Sprintf("openidtest: no misbehaviour %q", name))
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.misbehaving = slices.Clone(m)
}

// behaviour is a misbehaviour with the hooks that change what the good provider made.
// Only the hooks that are set have an effect.
type behaviour struct {
	name  Misbehaviour
	text  string
	rows  string // separated by spaces
	stage Stage
	legal bool
	needs Needs

	metadata    func(*Provider, map[string]any)       // the discovery document
	jwks        func(*Provider, []jwk) ([]jwk, error) // the key set
	login       func(*login)                          // person and code, before the code is stored
	response    func(*response)                       // the authorization response
	token       func(*login, map[string]any)          // the token response
	accessToken func(string) string                   // the access token, before it is stored
	claims      func(*login, map[string]any)          // of the ID token
	payload     func([]byte) []byte                   // the ID token's encoded claims
	jws         func(*signing) error                  // the ID token's header, signature and serialisation
	userInfo    func(*login, map[string]any)          // the claims of the UserInfo response
	userInfoJWS func(*signing) error                  // makes the UserInfo response a JWT, and changes it
	reply       func(*Provider, *reply)               // the final HTTP answer of the stage
}

func (b behaviour) details() Details {
	verdict := Refuse
	if b.legal {
		verdict = Accept
	}
	return Details{
		Text:     b.text,
		Rows:     strings.Fields(b.rows),
		Stage:    b.stage,
		Verdict:  verdict,
		Needs:    b.needs,
		PerLogin: b.perLogin(),
	}
}

func (b behaviour) perLogin() bool {
	return b.metadata == nil && b.jwks == nil && b.stage != AtDiscovery && b.stage != AtKeySet
}

// catalogue is what a new Provider gets. The hooks must not call it, because they
// would wait for themselves.
var catalogue = sync.OnceValue(func() map[Misbehaviour]behaviour {
	index := map[Misbehaviour]behaviour{}
	for _, b := range allBehaviours() {
		index[b.name] = b
	}
	return index
})

func allBehaviours() []behaviour {
	return slices.Concat(
		at(AtDiscovery, metadataBehaviours()),
		at(AtDiscovery, discoveryReplies()),
		at(AtAuthorization, responseBehaviours()),
		at(AtToken, tokenBehaviours()),
		at(AtToken, tokenReplies()),
		at(AtKeySet, keySetBehaviours()),
		at(AtKeySet, keySetReplies()),
		at(InIDToken, claimBehaviours()),
		at(InIDToken, timeBehaviours()),
		at(InIDToken, subjectBehaviours()),
		at(InIDToken, payloadBehaviours()),
		at(InIDToken, signatureBehaviours()),
		at(InIDToken, headerBehaviours()),
		at(InIDToken, serialisationBehaviours()),
		at(AtUserInfo, userInfoBehaviours()),
		at(AtUserInfo, userInfoReplies()),
		at(AtRefresh, refreshBehaviours()),
	)
}

func at(stage Stage, list []behaviour) []behaviour {
	for i := range list {
		list[i].stage = stage
	}
	return list
}

// active are the misbehaviours for all logins and for this login, which may be nil.
func (p *Provider) active(l *login) []behaviour {
	p.mu.Lock()
	names := slices.Clone(p.misbehaving)
	p.mu.Unlock()
	if l != nil {
		names = append(names, l.misbehaviours...)
	}
	list := []behaviour{p.config.Quirk.behaviour()}
	for _, name := range names {
		b := p.behaviours[name]
		if b.stage == AtRefresh && (l == nil || !l.refreshed) {
			continue
		}
		list = append(list, b)
	}
	return list
}

func (p *Provider) misbehaveReply(rep *reply) {
	p.config.Quirk.answer(rep)
	for _, b := range p.active(rep.login) {
		// A token endpoint that misbehaves does so on a refresh, too.
		ofStage := b.stage == rep.stage || (b.stage == AtToken && rep.stage == AtRefresh)
		if b.reply != nil && ofStage {
			b.reply(p, rep)
		}
	}
}

// parseHint splits a login hint, "alice+issuer-other+exp-past", into subject and
// misbehaviours. A plus sign in a URL that nobody escaped arrives as a space.
func (p *Provider) parseHint(hint string) (string, []Misbehaviour, error) {
	if _, ok := p.person(hint); ok || !strings.ContainsAny(hint, "+ ") {
		return hint, nil, nil
	}
	parts := strings.Split(strings.ReplaceAll(hint, " ", "+"), "+")
	var list []Misbehaviour
	for _, part := range parts[1:] {
		b, ok := p.behaviours[Misbehaviour(part)]
		switch {
		case !ok:
			return "", nil, badRequest("invalid_request", fmt.Sprintf("login_hint: no misbehaviour %q", part))
		case !b.perLogin():
			return "", nil, badRequest("invalid_request", fmt.Sprintf("login_hint: %s affects all logins: set it with Misbehave", part))
		}
		list = append(list, b.name)
	}
	return parts[0], list, nil
}
