package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/people"
)

func sessionListCommand(environ []string) *cobra.Command {
	var o *operator
	var req people.ListSessions
	cmd := &cobra.Command{
		Use: "list", Short: "List sessions", Args: cobra.NoArgs,
		Long:    "List the sessions that have not ended or expired, in the order in which they began.",
		Example: "  doorward session list --user ann@example.org\n  doorward session list --provider corp --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.runs(func(ctx context.Context, _ []string) error { return o.listSessions(ctx, req) })(cmd, args)
		},
	}
	o = operatorFlags(cmd, environ)
	cmd.Flags().StringVar(&req.User, "user", "", "only sessions of the user with this ID or e-mail address")
	cmd.Flags().StringVar(&req.Provider, "provider", "", "only sessions that began at this provider")
	pagingFlags(cmd, &req.Paging)
	return cmd
}

func (o *operator) listSessions(ctx context.Context, req people.ListSessions) (err error) {
	if req.User, err = o.someUser(ctx, req.User); err != nil {
		return err
	}
	return list(ctx, o, "listSessions", req, "ID\tUSER\tEMAIL\tPROVIDER\tKIND\tBEGAN\tUNTIL\tIP", func(s people.Session) []string {
		return []string{
			s.ID, s.User, shownOrDash(s.Email), shown(s.Provider), string(s.Kind), timeOrDash(s.CreatedAt), timeOrDash(s.ExpiresAt), shownOrDash(s.IP),
		}
	})
}

func (o *operator) endSession(ctx context.Context, id string) error {
	return o.end(ctx, "endSession", people.OneSession{Session: id})
}

func (o *operator) endSessions(ctx context.Context, whose people.EndSessions) error {
	if whose.User != "" { // a misspelled name would end no session, and look like success
		if err := o.knows(ctx, whose.User); err != nil {
			return err
		}
	}
	return o.end(ctx, "endSessions", whose)
}

func (o *operator) end(ctx context.Context, operation string, req any) error {
	var ended people.EndedSessions
	if done, err := o.call(ctx, operation, req, &ended); done || err != nil {
		return err
	}
	fmt.Fprintln(o.out, "sessions ended:", ended.SessionsEnded)
	return nil
}
