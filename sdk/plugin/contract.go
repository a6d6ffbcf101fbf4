package plugin

import (
	"errors"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
)

// check returns the error of a broken rule, unless the server runs unchecked.
func (s *server) check(err error) error {
	if s.unchecked {
		return nil
	}
	return err
}

// refusalOfBroken turns a broken rule into the error that crosses the wire: a refusal of
// the provider's data, or otherwise a fault of this plugin, whose text names the rule. The
// author sees both in the log. Other errors stay as they are.
func (s *server) refusalOfBroken(req any, err error) error {
	broken, ok := errors.AsType[*contract.Broken](err)
	if !ok {
		return err
	}
	s.env.logger().Error("a rule of the contract is broken", "rule", string(broken.Rule), "how", broken.How, "provider", s.providerOf(req))
	if reason := broken.Reason(); reason != "" {
		return sdk.InvalidResponse(reason, "%w", err)
	}
	return err
}

// tidied returns a step with the values that only decorate an identity made fit for the
// host. The log names what was changed.
func (s *server) tidied(req any, step sdk.Step) sdk.Step {
	if done, ok := step.(sdk.Authenticated); ok {
		return sdk.Authenticated{Identity: s.tidiedIdentity(req, done.Identity)}
	}
	return step
}

func (s *server) tidiedIdentity(req any, identity sdk.Identity) sdk.Identity {
	if s.unchecked {
		return identity
	}
	tidied, warnings := contract.Tidy(identity)
	provider := s.providerOf(req)
	for _, what := range append(identity.Warnings, warnings...) {
		if s.repeats.first(provider, what, s.now()) {
			s.env.logger().Warn("identity was tidied", "what", what, "provider", provider)
		}
	}
	return tidied
}

// providerOf returns the name of the provider that a request is for.
func (s *server) providerOf(req any) string {
	on, ok := req.(interface{ GetHandle() uint64 })
	if !ok {
		return ""
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if o, ok := s.opened[on.GetHandle()]; ok {
		return o.provider
	}
	return ""
}

func (s *server) now() time.Time { return s.env.clock()() }
