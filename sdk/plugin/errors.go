package plugin

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/options"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
)

var (
	// ErrFault: the plugin is at fault. It panicked, returned an error of no
	// kind, or answered with something that cannot be read.
	ErrFault = errors.New("plugin fault")

	// ErrTransport: the plugin process did not answer, because it died, hung
	// until the deadline or was never reached.
	ErrTransport = errors.New("plugin not reachable")
)

// kinds is the one table by which refusals cross the wire.
var kinds = []struct {
	err  error
	kind doorwardv1.ErrorKind
	code codes.Code
}{
	{sdk.ErrDenied, doorwardv1.ErrorKind_ERROR_KIND_DENIED, codes.PermissionDenied},
	{sdk.ErrInvalidResponse, doorwardv1.ErrorKind_ERROR_KIND_INVALID_RESPONSE, codes.InvalidArgument},
	{sdk.ErrUnavailable, doorwardv1.ErrorKind_ERROR_KIND_UNAVAILABLE, codes.Unavailable},
	{sdk.ErrMisconfigured, doorwardv1.ErrorKind_ERROR_KIND_MISCONFIGURED, codes.FailedPrecondition},
	{ErrFault, doorwardv1.ErrorKind_ERROR_KIND_FAULT, codes.Internal},
}

// errUnimplemented answers a call for a capability that was not announced.
var errUnimplemented = status.Error(codes.Unimplemented, "capability not announced")

// Limits of the texts in an error, in bytes.
const (
	maxDetail   = 2 << 10
	maxProblems = 100
)

var reasonForm = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// statusOf makes the status that stands for err on the wire.
func statusOf(err error) error {
	if _, ok := status.FromError(err); ok {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) && !isRefusal(err) {
		return status.FromContextError(context.DeadlineExceeded).Err()
	}
	wire := &doorwardv1.Error{Kind: doorwardv1.ErrorKind_ERROR_KIND_FAULT, Detail: bounded(err.Error())}
	code := codes.Internal
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			wire.Kind, code = k.kind, k.code
			break
		}
	}
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		wire.Reason, wire.Detail = string(e.Reason), bounded(e.Detail)
	}
	if problems, ok := errors.AsType[options.Problems](err); ok {
		wire.Kind, code = doorwardv1.ErrorKind_ERROR_KIND_MISCONFIGURED, codes.FailedPrecondition
		wire.Reason, wire.Problems = "options", problemsToWire(problems)
	}
	s, detailErr := status.New(code, wire.GetKind().String()).WithDetails(wire)
	if detailErr != nil {
		return status.Error(codes.Internal, "error cannot be encoded")
	}
	return s.Err()
}

func isRefusal(err error) bool {
	_, ok := errors.AsType[*sdk.Error](err)
	return ok
}

// errorOf is the inverse of statusOf. What the plugin wrote is hostile: texts
// are bounded and a reason of odd form is dropped.
func errorOf(err error) error {
	if err == nil {
		return nil
	}
	s, ok := status.FromError(err)
	if !ok {
		return fmt.Errorf("%w: %w", ErrTransport, err)
	}
	for _, detail := range s.Details() {
		if wire, ok := detail.(*doorwardv1.Error); ok {
			return refusal(wire)
		}
	}
	switch s.Code() {
	case codes.Unimplemented:
		return fmt.Errorf("%w: %w", errors.ErrUnsupported, ErrFault)
	case codes.DeadlineExceeded:
		return fmt.Errorf("%w: %w", ErrTransport, context.DeadlineExceeded)
	case codes.Canceled:
		return fmt.Errorf("%w: %w", ErrTransport, context.Canceled)
	case codes.ResourceExhausted:
		return fmt.Errorf("%w: message larger than %d bytes", ErrFault, MaxMessage)
	default:
		return fmt.Errorf("%w: %s: %s", ErrTransport, s.Code(), bounded(s.Message()))
	}
}

func refusal(wire *doorwardv1.Error) error {
	kind := ErrFault
	for _, k := range kinds {
		if k.kind == wire.GetKind() {
			kind = k.err
		}
	}
	e := &sdk.Error{Kind: kind, Detail: bounded(wire.GetDetail())}
	if reasonForm.MatchString(wire.GetReason()) {
		e.Reason = sdk.Reason(wire.GetReason())
	}
	if len(wire.GetProblems()) == 0 {
		return e
	}
	return fmt.Errorf("%w: %w", sdk.ErrMisconfigured, problemsFromWire(wire.GetProblems()))
}

func problemsToWire(problems options.Problems) []*doorwardv1.OptionProblem {
	var list []*doorwardv1.OptionProblem
	for _, p := range problems[:min(len(problems), maxProblems)] {
		list = append(list, &doorwardv1.OptionProblem{Option: bounded(p.Option), Text: bounded(p.Text)})
	}
	return list
}

func problemsFromWire(wire []*doorwardv1.OptionProblem) options.Problems {
	var problems options.Problems
	for _, p := range wire[:min(len(wire), maxProblems)] {
		problems = append(problems, options.Problem{Option: bounded(p.GetOption()), Text: bounded(p.GetText())})
	}
	return problems
}

// bounded cuts a text to what a log line bears, as valid UTF-8: gRPC refuses a
// string that is not.
func bounded(text string) string {
	if len(text) > maxDetail {
		text = text[:maxDetail] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
