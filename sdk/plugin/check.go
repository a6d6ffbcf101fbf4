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

// Check returns the steps to the servers that the mechanism connected to, and then the
// mechanism's own findings.
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
		own = []sdk.Finding{upstream.Failed("check", err)} // after the steps, which may say why
	}
	_ = s.refusalOfBroken(req, s.check(contract.CheckFindings(own))) // only logged: the host shows them as well as it can
	judgesClock := slices.ContainsFunc(own, func(f sdk.Finding) bool { return f.Subject == upstream.ClockSubject })
	steps := way.Findings(connections, s.now(), !judgesClock)
	findings := slices.Concat(steps[:min(len(steps), max(0, sdk.MaxFindings-len(own)))], own)
	return &doorwardv1.CheckResponse{Findings: findingsToWire(findings, &s.secrets.set)}, nil
}

// errCheckHangs: if the check hangs at a server, the steps show where.
var errCheckHangs = errors.New("the check did not end in time: if the last step does not say that it hangs, the plugin does")

// runCheck runs a check to its end, or abandons it shortly before the deadline: the result
// must reach the host in time, even if a mechanism ignores its context.
func (s *server) runCheck(ctx context.Context, req *doorwardv1.CheckRequest, c sdk.Checker) ([]sdk.Finding, error) {
	inner, cancel, left := forCheck(ctx)
	defer cancel()
	type result struct {
		findings []sdk.Finding
		err      error
	}
	ended := make(chan result, 1)
	leave := s.enter(req)
	go func() { // ends with the check; the mechanism is not closed before that
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

// forCheck shortens the deadline by a tenth for the mechanism's context, and by half of
// that for abandoning a mechanism that ignores its context.
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
