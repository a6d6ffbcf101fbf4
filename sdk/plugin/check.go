package plugin

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
	"github.com/doorward/doorward/sdk/outbound"
	"github.com/doorward/doorward/sdk/outbound/way"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
	"github.com/doorward/doorward/sdk/upstream"
)

// Check tells the ways to the servers that the mechanism connects to, and then what it
// finds itself.
func (s *server) Check(ctx context.Context, req *doorwardv1.CheckRequest) (*doorwardv1.CheckResponse, error) {
	c, err := capability[sdk.Checker](s, req.GetHandle(), sdk.CapabilityCheck)
	if err != nil {
		return nil, err
	}
	if req.GetUnattended() {
		ctx = sdk.Unattended(ctx)
	}
	trace := &outbound.Trace{}
	own, err := s.runCheck(outbound.WithTrace(ctx, trace), req, c)
	connections := trace.Connections()
	switch {
	case err != nil && len(connections) == 0:
		return nil, err
	case err != nil:
		own = []sdk.Finding{upstream.Failed("check", err)} // behind the way, which may say why
	}
	_ = s.held(req, s.check(contract.CheckFindings(own))) // logged: the host shows them as well as it can
	judgesClock := slices.ContainsFunc(own, func(f sdk.Finding) bool { return f.Subject == upstream.ClockSubject })
	steps := way.Findings(connections, s.now(), !judgesClock)
	findings := slices.Concat(steps[:min(len(steps), max(0, sdk.MaxFindings-len(own)))], own)
	return &doorwardv1.CheckResponse{Findings: findingsToWire(findings, &s.secrets.set)}, nil
}

// errCheckHangs: the steps show where, if it is at a server.
var errCheckHangs = errors.New("the check has not come to an end in time; what hangs is the last step, if it says so, or else the plugin")

// runCheck runs a check to its end, or leaves it behind shortly before the deadline: the
// answer must get to the host in time, and a mechanism may look at no context.
func (s *server) runCheck(ctx context.Context, req *doorwardv1.CheckRequest, c sdk.Checker) ([]sdk.Finding, error) {
	inner, cancel, left := forCheck(ctx)
	defer cancel()
	type result struct {
		findings []sdk.Finding
		err      error
	}
	ended := make(chan result, 1)
	leave := s.enter(req)
	go func() { // ends with the check; the mechanism is not closed before
		defer leave()
		var r result
		defer func() {
			if fault := recover(); fault != nil {
				r = result{err: s.panicked("Check", fault)}
			}
			ended <- r
		}()
		r.findings, r.err = c.Check(inner)
	}()
	select {
	case r := <-ended:
		return r.findings, r.err
	case <-left.Done():
		return nil, errCheckHangs
	}
}

// forCheck takes a tenth off the deadline for a mechanism that looks at its context, and
// half of that for one that does not.
func forCheck(ctx context.Context) (inner context.Context, cancel func(), left context.Context) {
	deadline, ok := ctx.Deadline()
	if !ok {
		inner, cancel = context.WithCancel(ctx)
		return inner, cancel, ctx
	}
	spare := time.Until(deadline) / 10
	left, cancelLeft := context.WithDeadline(ctx, deadline.Add(-spare/2))
	inner, cancelInner := context.WithDeadline(left, deadline.Add(-spare))
	return inner, func() { cancelInner(); cancelLeft() }, left
}
