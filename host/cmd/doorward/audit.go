package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/admin"
	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

// byOperator is the event of a command of the operator that does not use the administration.
func byOperator(kind sso.EventKind, reason string) sso.Event {
	return sso.Event{At: time.Now(), Kind: kind, Actor: sso.ActorOperator, Reason: reason}
}

// endedByOperator is the event of each session that the operator ends.
func endedByOperator() sso.Event { return byOperator(sso.EventSessionEnded, sso.ReasonEndedByOperator) }

// auditFlags select events.
type auditFlags struct {
	people.ListEvents
	since            string
	follow, refusals bool
}

func auditCommand(environ []string) *cobra.Command {
	var o *operator
	var flags auditFlags
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show what was changed, and by whom",
		Long: "Show what was changed, and by whom: logins, ended sessions, users, links, roles and keys. Without --since and\n" +
			"--cursor it shows the latest events, oldest first. An event is shown if it matches all flags.\n\n" +
			"--follow also shows new events until it is interrupted; with --json it prints one object per line. It needs a\n" +
			"running host.\n\n" +
			"--refusals shows sums instead: how many sign-ins were refused in each minute, at which provider and why.\n\n" + whereItIsDone,
		Example: "  doorward audit --user ann@example.org\n  doorward audit --since 24h --kind session_ended\n" +
			"  doorward audit --follow --json\n  doorward audit --refusals --since 2h",
		Args: withFlags(cobra.NoArgs, func(*cobra.Command) error { return flags.check(time.Now()) }),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.hostOnly = flags.follow
			return o.runs(func(ctx context.Context, _ []string) error { return o.audit(ctx, flags) })(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	cmd.Flags().StringVar(&flags.since, "since", "", "only events since then: 90m, 24h, 7d, 2026-11-30 or 2026-11-30T12:00:00Z")
	cmd.Flags().StringVar(&flags.User, "user", "", "only events about the user with this ID or e-mail address")
	cmd.Flags().StringVar(&flags.Session, "session", "", "only events about the session with this ID")
	cmd.Flags().StringVar(&flags.Provider, "provider", "", "only events about this provider")
	cmd.Flags().StringVar(&flags.Kind, "kind", "", "only events of this kind, such as signed_in; docs/audit.md lists them all")
	cmd.Flags().BoolVar(&flags.follow, "follow", false, "also show new events until interrupted")
	cmd.Flags().BoolVar(&flags.refusals, "refusals", false, "show sums of refused sign-ins")
	pagingFlags(cmd, &flags.Paging)
	return cmd
}

// check reads the flags and returns an error for a combination that makes no sense.
func (f *auditFlags) check(now time.Time) (err error) {
	switch {
	case f.follow && f.Cursor != "":
		return errors.New("--follow cannot be used with --cursor: it shows all pages")
	case f.refusals && (f.follow || f.User != "" || f.Session != "" || f.Provider != "" || f.Kind != ""):
		return errors.New("--refusals can be used with --since, --limit, --cursor and --json only")
	}
	f.Since, err = sinceOf(f.since, now)
	f.Last = f.since == "" && f.Cursor == ""
	return err
}

// sinceOf reads a time, absolute or as a duration before now. Empty is the zero time.
func sinceOf(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	ago := text
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n < 100_000 {
			ago = strconv.Itoa(24*n) + "h"
		}
	}
	if d, err := time.ParseDuration(ago); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, errors.New("--since must be a duration before now, such as 90m, 24h or 7d, or a time, such as 2026-11-30 or 2026-11-30T12:00:00Z")
}

func (o *operator) audit(ctx context.Context, flags auditFlags) (err error) {
	if flags.refusals {
		return list(ctx, o, "listRefusals", people.ListRefusals{Since: flags.Since, Paging: flags.Paging}, "MINUTE\tPROVIDER\tREASON\tREFUSED", func(s people.RefusalSum) []string {
			return []string{timeOrDash(&s.Minute), shownOrDash(s.Provider), shown(s.Reason), strconv.Itoa(s.Refused)}
		})
	}
	if flags.User, err = o.userID(ctx, flags.User); err != nil {
		return err
	}
	if flags.follow {
		return newFollower(o, flags.ListEvents).run(ctx)
	}
	answer, err := o.client.Call(ctx, "listEvents", flags.ListEvents)
	if err != nil {
		return err
	}
	if o.asJSON {
		return o.printJSON(answer)
	}
	events, err := admin.Decode[[]people.Event](answer)
	if err != nil {
		return err
	}
	for _, e := range events {
		fmt.Fprintln(o.out, eventLine(e))
	}
	if answer.Next != "" {
		fmt.Fprintf(o.out, "\nthere are more; continue with the same flags and --cursor %s\n", answer.Next)
	}
	return nil
}

// eventLine is an event as one line of text: the time, the kind, and the rest as
// name=value.
func eventLine(e people.Event) string {
	by := string(e.Actor)
	if e.ActorName != nil {
		by += ":" + *e.ActorName
	}
	line := fmt.Sprintf("%s  %-19s  by=%s", e.At.UTC().Format("2006-01-02 15:04:05Z"), quotedWord(string(e.Kind)), quotedWord(by))
	for _, part := range []struct {
		name  string
		value *string
	}{
		{"reason", e.Reason}, {"detail", e.Detail}, {"user", e.User}, {"provider", e.Provider}, {"subject", e.Subject}, {"session", e.Session},
		{"address", e.Address}, {"agent", e.UserAgent}, {"request", e.RequestID},
	} {
		if part.value != nil {
			line += " " + part.name + "=" + quotedWord(*part.value)
		}
	}
	if e.SessionsEnded > 0 {
		line += fmt.Sprint(" sessions_ended=", e.SessionsEnded)
	}
	return line
}

// quotedWord is an untrusted text as one word of a line. It is quoted if it contains anything
// that could end the word or that a terminal would interpret.
func quotedWord(text string) string {
	odd := func(r rune) bool {
		return !unicode.IsPrint(r) || r == ' ' || r == '"' || r == '=' || r == unicode.ReplacementChar
	}
	if text == "" || strings.ContainsFunc(text, odd) {
		return strconv.QuoteToASCII(text)
	}
	return text
}
