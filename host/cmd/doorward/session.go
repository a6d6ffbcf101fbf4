package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/config"
	"github.com/doorward/doorward/host/internal/control"
	"github.com/doorward/doorward/host/internal/people"
	"github.com/doorward/doorward/host/internal/sso"
)

func sessionCommand(environ []string) *cobra.Command {
	cmd := &cobra.Command{Use: "session", Short: "List and end sessions"}
	cmd.AddCommand(sessionListCommand(environ), sessionEndCommand(environ))
	return cmd
}

func sessionEndCommand(environ []string) *cobra.Command {
	var o *operator
	var match people.EndSessions
	var forget bool
	var one string
	cmd := &cobra.Command{
		Use:   "end (--all | --provider NAME | --user USER | --session ID) [--forget-secret]",
		Short: "End all sessions, those of a provider, or those of a user",
		Long: "End sessions, and print how many. The users have to sign in again; their accounts stay.\n\n" + whereItIsDone + "\n" +
			"Other systems that verify access tokens themselves accept them until they expire (ACCESS_TOKEN_TTL).\n\n" +
			"--forget-secret also removes all signing keys, and the check by which a host knows its SECRET. It is for a\n" +
			"SECRET that is lost or known to somebody else, and cannot be undone. Stop the host first; afterwards start it\n" +
			"with a new SECRET and without SECRET_PREVIOUS. With PostgreSQL, stop the hosts on all machines.",
		Example: "  doorward session end --provider corp\n  doorward session end --user ann@example.org\n  doorward session end --session 0b4e4a0a-3c5f-4f8e-9a57-2f5b9d1d3c11\n  doorward session end --all",
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.NoArgs(cmd, args); err != nil {
				return err
			}
			if one != "" && !forget && match == (people.EndSessions{}) {
				return nil
			}
			return whoseSessions(cmd, forget, match)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case one != "":
				return o.runs(func(ctx context.Context, _ []string) error { return o.endSession(ctx, one) })(cmd, args)
			case !forget:
				return o.runs(func(ctx context.Context, _ []string) error { return o.endSessions(ctx, match) })(cmd, args)
			}
			at, err := o.database()
			if err != nil {
				return err
			}
			at.out = cmd.OutOrStdout()
			return at.forgetSecret(cmd.Context())
		},
	}
	o = operatorFlags(cmd, environ)
	cmd.Flags().BoolVar(&match.All, "all", false, "end all sessions")
	cmd.Flags().StringVar(&match.Provider, "provider", "", "end the sessions that began at this provider")
	cmd.Flags().StringVar(&match.User, "user", "", "end the sessions of the user with this ID or e-mail address")
	cmd.Flags().StringVar(&one, "session", "", "end the session with this ID only")
	cmd.Flags().BoolVar(&forget, "forget-secret", false, "with --all: also remove everything that is encrypted under SECRET, permanently")
	return cmd
}

// whoseSessions returns an error unless the flags say clearly which sessions to end. Nobody
// must end all sessions by leaving out a name, nor a script by an unset variable.
func whoseSessions(cmd *cobra.Command, forget bool, match people.EndSessions) error {
	all, some := match.All, match.Provider != "" || match.User != ""
	switch {
	case cmd.Flag("session").Changed:
		return errors.New("--session ends one session and needs its ID; it cannot be used with other flags")
	case cmd.Flag("provider").Changed && match.Provider == "":
		return errors.New("--provider is empty; to end all sessions, use --all")
	case cmd.Flag("user").Changed && match.User == "":
		return errors.New("--user is empty; to end all sessions, use --all")
	case forget && (some || !all):
		return errors.New("--forget-secret can be used with --all only")
	case forget && cmd.Flag("json").Changed:
		return errors.New("--json cannot be used with --forget-secret")
	case all && some:
		return errors.New("--all ends every session; leave it out to end only those of --provider or --user")
	case !all && !some:
		return errors.New("say which sessions to end: --all, --provider NAME, --user USER or --session ID")
	}
	return nil
}

// location says where a host is: its socket, and its database for when it does not run.
type location struct {
	database *config.Database // nil: use the running host only
	socket   string           // path of the socket
	out      io.Writer
}

// database finds the database for when no host runs. If a socket is named, only the host
// behind it will do.
func (r *hostFinder) database() (at location, err error) {
	if r.socket != "" {
		return location{socket: r.socket}, nil
	}
	in, err := configInput(r.environ, r.file)
	if err != nil {
		return at, err
	}
	database, socket, err := config.DatabaseOf(in)
	return location{database: &database, socket: socket}, err
}

// errHostRuns: a host uses the database, and may have keys in its memory.
var errHostRuns = errors.New("a doorward is running with this database: stop it and run this command again; nothing was done")

// forgetSecret ends all sessions, and removes everything that is encrypted under the secret.
func (l location) forgetSecret(ctx context.Context) error {
	if l.database == nil {
		return errors.New("--forget-secret works in the database, not in a running host: leave out --socket, and set DB_FILENAME or --config as for the host")
	}
	// Held until this is done, so that no host starts.
	claimed, err := control.Claim(ctx, l.socket)
	if errors.Is(err, control.ErrInUse) {
		return fmt.Errorf("%w (%w)", errHostRuns, err)
	}
	if err != nil {
		return err
	}
	defer claimed.Close()
	return l.inDatabase(ctx)
}

func (l location) inDatabase(ctx context.Context) (err error) {
	store, err := openExisting(ctx, *l.database, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	ended, err := sso.EndSessions(ctx, store, sso.SessionMatch{}, endedByOperator())
	if err != nil {
		return err
	}
	fmt.Fprintln(l.out, "sessions ended:", ended)
	if err := store.ForgetSecret(ctx, byOperator(sso.EventSecretForgotten, "")); err != nil {
		return err
	}
	fmt.Fprintln(l.out, "everything that was encrypted under SECRET is removed; start the host with a new SECRET and without SECRET_PREVIOUS")
	return nil
}
