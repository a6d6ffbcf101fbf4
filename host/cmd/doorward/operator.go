package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/doorward/doorward/host/internal/admin"
	"github.com/doorward/doorward/host/internal/control"
	"github.com/doorward/doorward/host/internal/sso"
)

const whereItIsDone = "The running host does it. If none runs, it is done in the database, and no host starts on this\n" +
	"machine meanwhile."

// operator is who calls the administration: through the socket of the running host, or
// in this process if none runs.
type operator struct {
	*reach
	asJSON bool

	hostOnly bool // nothing is done if no host runs

	out    io.Writer
	client *admin.Client
}

// operatorFlags are those of a command that calls the administration.
func operatorFlags(cmd *cobra.Command, environ []string) *operator {
	o := &operator{reach: reachFlags(cmd, environ)}
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print the answer as JSON")
	return o
}

// runs makes the RunE of a command.
func (o *operator) runs(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		at, err := o.database()
		if err != nil {
			return err
		}
		if o.hostOnly {
			at.database = nil
		}
		line := &adminLine{reach: o.reach, socket: control.NewClient(at.socket), at: at}
		defer func() { err = errors.Join(err, line.close()) }()
		o.out, o.client = cmd.OutOrStdout(), admin.NewClient(line.do)
		return do(cmd.Context(), args)
	}
}

// call does an operation, and reads its answer into what to points to, unless that is
// nil. Whatever it is, it is printed with --json, and done is true then.
func (o *operator) call(ctx context.Context, id string, in, to any) (done bool, err error) {
	answer, err := o.client.Call(ctx, id, in)
	if err != nil {
		return false, err
	}
	if o.asJSON {
		return true, o.printJSON(answer)
	}
	if to == nil {
		return false, nil
	}
	if err := json.Unmarshal(answer.Data, to); err != nil {
		return false, fmt.Errorf("reading the answer of the host: %w; is it of another version?", err)
	}
	return false, nil
}

// printJSON prints the data of an answer; of a list all that is in the answer, since a
// program that reads pages needs the cursor.
func (o *operator) printJSON(answer admin.Answer) error {
	data := any(answer.Data)
	if len(answer.Data) > 0 && answer.Data[0] == '[' {
		data = json.RawMessage(answer.Body)
	}
	return writeJSON(o.out, data, "  ")
}

// adminLine leads to the host, or to its database.
type adminLine struct {
	reach  *reach
	socket *control.Client
	at     ending

	local   func(*http.Request) (*http.Response, error) // nil: the host is asked
	closing []io.Closer
}

// do is that of an admin.Client.
func (l *adminLine) do(req *http.Request) (*http.Response, error) {
	if l.local == nil {
		resp, err := l.socket.Do(req)
		if !errors.Is(err, control.ErrNotRunning) || l.at.database == nil {
			return resp, err
		}
		if err := l.open(req.Context()); err != nil {
			return nil, err
		}
		if req.Body, err = req.GetBody(); err != nil {
			return nil, fmt.Errorf("making a request anew: %w", err)
		}
	}
	return l.local(req)
}

// open opens the database for as long as the command runs. Meanwhile no host starts.
func (l *adminLine) open(ctx context.Context) error {
	claimed, err := control.Claim(ctx, l.at.socket)
	if errors.Is(err, control.ErrInUse) {
		return fmt.Errorf("%w (%w)", errHostRuns, err)
	}
	if err != nil {
		return err
	}
	l.closing = append(l.closing, claimed)
	database, err := openExisting(ctx, *l.at.database, nil)
	if err != nil {
		return err
	}
	l.closing = append(l.closing, database)
	l.local = admin.InProcess(admin.NewOperatorHandler(admin.Config{ //nolint:bodyclose // whoever calls it closes
		Operations: peopleOf(database, l.reach.configured(), nil), Version: version,
	}))
	return nil
}

// configured is what is known from the configuration, or nothing if it cannot be read here:
// SECRET may be for the host's eyes only.
func (r *reach) configured() surroundings {
	cfg, err := loadConfig(r.environ, r.file)
	if err != nil {
		return surroundings{}
	}
	var list []sso.Provider
	for _, p := range cfg.Providers {
		list = append(list, p.Provider)
	}
	subjects, _ := sso.NewSubjectHasher([]byte(cfg.Secret.Reveal())) // else the events say who by the ID alone
	return surroundings{func() []sso.Provider { return list }, cfg.PublicURL.String(), subjects}
}

// close closes what open opened, the database first.
func (l *adminLine) close() (err error) {
	for i := len(l.closing) - 1; i >= 0; i-- {
		err = errors.Join(err, l.closing[i].Close())
	}
	return err
}
