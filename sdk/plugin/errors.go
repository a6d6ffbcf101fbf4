package plugin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/doorward/doorward/sdk"
	"github.com/doorward/doorward/sdk/contract"
	"github.com/doorward/doorward/sdk/options"
	doorwardv1 "github.com/doorward/doorward/sdk/proto/doorward/v1"
	"github.com/doorward/doorward/sdk/redact"
)

var (
	// ErrFault: the plugin is at fault. It panicked, returned an error of no
	// kind, or sent a response that cannot be read.
	ErrFault = errors.New("plugin fault")

	// ErrTransport: the plugin process did not respond, because it died, hung
	// until the deadline or was never reached.
	ErrTransport = errors.New("plugin not reachable")
)

// kinds maps the kinds of refusals to the wire. Any other error is a fault.
var kinds = []struct {
	err  error
	kind doorwardv1.ErrorKind
	code codes.Code
}{
	{sdk.ErrDenied, doorwardv1.ErrorKind_ERROR_KIND_DENIED, codes.PermissionDenied},
	{sdk.ErrInvalidResponse, doorwardv1.ErrorKind_ERROR_KIND_INVALID_RESPONSE, codes.InvalidArgument},
	{sdk.ErrUnavailable, doorwardv1.ErrorKind_ERROR_KIND_UNAVAILABLE, codes.Unavailable},
	{sdk.ErrMisconfigured, doorwardv1.ErrorKind_ERROR_KIND_MISCONFIGURED, codes.FailedPrecondition},
}

// reasonOptions is the reason of an error that lists options.Problems.
const reasonOptions = "options"

// statusOf returns the status that represents err on the wire.
func statusOf(ctx context.Context, err error, secrets *redact.Set) error {
	refused, isRefusal := errors.AsType[*sdk.Error](err)
	problems, hasProblems := errors.AsType[options.Problems](err)
	lacking, lacks := errors.AsType[*sdk.LackingError](err)
	switch {
	case lacks:
		return status.Error(codes.Unimplemented, lacking.Error())
	case isRefusal:
		return refusalStatus(refused.Kind, refused.Reason, detailOf(err, refused), problems, secrets)
	case hasProblems:
		return refusalStatus(sdk.ErrMisconfigured, reasonOptions, err.Error(), problems, secrets)
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	default:
		return refusalStatus(err, "", err.Error(), nil, secrets)
	}
}

// detailOf returns the whole text of err, without the kind and the reason of the
// refusal in it, which travel separately.
func detailOf(err error, refused *sdk.Error) string {
	return strings.Replace(err.Error(), refused.Error(), refused.Detail, 1)
}

func refusalStatus(kind error, reason sdk.Reason, detail string, problems options.Problems, secrets *redact.Set) error {
	code := codes.Internal
	for _, k := range kinds {
		if errors.Is(kind, k.err) {
			code = k.code
			break
		}
	}
	wire := refusalToWire(kind, reason, detail, problems, secrets)
	s, err := status.New(code, wire.GetKind().String()).WithDetails(wire)
	if err != nil {
		return status.Error(codes.Internal, "error cannot be encoded")
	}
	return s.Err()
}

// errorToWire returns an error that is part of a response.
func errorToWire(err error, secrets *redact.Set) *doorwardv1.Error {
	if refused, ok := errors.AsType[*sdk.Error](err); ok {
		return refusalToWire(refused.Kind, refused.Reason, detailOf(err, refused), nil, secrets)
	}
	return refusalToWire(err, "", err.Error(), nil, secrets)
}

func refusalToWire(kind error, reason sdk.Reason, detail string, problems options.Problems, secrets *redact.Set) *doorwardv1.Error {
	wire := &doorwardv1.Error{Kind: doorwardv1.ErrorKind_ERROR_KIND_FAULT, Detail: printable(secrets.Text(detail), sdk.MaxDetail)}
	for _, k := range kinds {
		if errors.Is(kind, k.err) {
			wire.Kind = k.kind
			break
		}
	}
	if contract.IsReason(reason) {
		wire.Reason = string(reason)
	}
	for _, p := range problems[:min(len(problems), sdk.MaxProblems)] {
		wire.Problems = append(wire.Problems, &doorwardv1.OptionProblem{
			Option: printable(p.Option, sdk.MaxOptionName), Text: printable(secrets.Text(p.Text), sdk.MaxProblem),
		})
	}
	return wire
}

// errorOf is the inverse of statusOf. The plugin's texts are hostile: they are cut and
// made printable, and a reason of another form is dropped.
func errorOf(err error, secrets *redact.Set) error {
	s := status.Convert(err)
	for _, detail := range s.Details() {
		if wire, ok := detail.(*doorwardv1.Error); ok {
			return refusalOf(wire, secrets)
		}
	}
	switch s.Code() {
	case codes.OK:
		return nil
	case codes.DeadlineExceeded:
		return fmt.Errorf("%w: %w", ErrTransport, context.DeadlineExceeded)
	case codes.Canceled:
		return fmt.Errorf("%w: %w", ErrTransport, context.Canceled)
	case codes.Unavailable:
		return fmt.Errorf("%w: %s", ErrTransport, printable(secrets.Text(s.Message()), sdk.MaxDetail))
	case codes.Unimplemented:
		return fmt.Errorf("%w: announced but not implemented: %w", ErrFault, errors.ErrUnsupported)
	default:
		return fmt.Errorf("%w: %s: %s", ErrFault, s.Code(), printable(secrets.Text(s.Message()), sdk.MaxDetail))
	}
}

func refusalOf(wire *doorwardv1.Error, secrets *redact.Set) error {
	e := &sdk.Error{Kind: ErrFault, Detail: printable(secrets.Text(wire.GetDetail()), sdk.MaxDetail)}
	kind := wire.GetKind()
	if _, known := doorwardv1.ErrorKind_name[int32(kind)]; !known {
		kind = wire.GetFallback() // of a newer plugin
	}
	for _, k := range kinds {
		if k.kind == kind {
			e.Kind = k.err
		}
	}
	if reason := sdk.Reason(wire.GetReason()); contract.IsReason(reason) {
		e.Reason = reason
	}
	if len(wire.GetProblems()) == 0 || !errors.Is(e.Kind, sdk.ErrMisconfigured) {
		return e
	}
	return sdk.Misconfigured(e.Reason, "%w", problemsOf(wire.GetProblems(), secrets))
}

func problemsOf(wire []*doorwardv1.OptionProblem, secrets *redact.Set) options.Problems {
	var problems options.Problems
	for _, p := range wire[:min(len(wire), sdk.MaxProblems)] {
		problems = append(problems, options.Problem{
			Option: printable(p.GetOption(), sdk.MaxOptionName), Text: printable(secrets.Text(p.GetText()), sdk.MaxProblem),
		})
	}
	return problems
}

// printable cuts a text to size and replaces characters that could forge a log line
// or move the cursor of a terminal. A line break becomes a blank, because joined
// errors have one line each.
func printable(text string, size int) string {
	if len(text) > size {
		text = strings.ToValidUTF8(text[:size], "") + "…"
	}
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\n', c == '\t':
			return ' '
		case unicode.IsPrint(c):
			return c
		default:
			return unicode.ReplacementChar
		}
	}, text)
}
