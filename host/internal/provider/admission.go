package provider

import (
	"errors"
	"fmt"

	"github.com/doorward/doorward/sdk"
)

// admission bounds the calls in flight, so that one provider that is slow cannot
// hold all the requests of the host.
type admission struct {
	what  string
	slots chan struct{}
}

func newAdmission(what string, limit int) *admission {
	return &admission{what: what, slots: make(chan struct{}, limit)}
}

// enter admits a call, or refuses it at once: whoever waited would only find a
// provider that is as slow as before.
func (a *admission) enter() error {
	select {
	case a.slots <- struct{}{}:
		return nil
	default:
		return sdk.Unavailable("too_many_calls", "%w: %s has %d calls in flight, which is the limit", errBusy, a.what, cap(a.slots))
	}
}

func (a *admission) leave() { <-a.slots }

var errBusy = errors.New("too many calls")

// admitAll admits a call everywhere, or nowhere.
func admitAll(all ...*admission) (leave func(), err error) {
	for i, a := range all {
		if err := a.enter(); err != nil {
			for _, entered := range all[:i] {
				entered.leave()
			}
			return nil, fmt.Errorf("admitting a call: %w", err)
		}
	}
	return func() {
		for _, a := range all {
			a.leave()
		}
	}, nil
}
